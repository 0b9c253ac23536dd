"""Somebody changes the settings of a channel in a dialog, over HTTP."""

from typing import Any

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, GUEST, SUPPORT, TEAM, Refusal
from shared.actions import Mark
from shared.actions.slack.views.actions import ForPerson, OfferDraft
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.events import Event, Thread, run_id
from shared.team_settings.channels.unasked import SQL, digest_of
from tests.press.front_door import Pressing, pressing


def set_there(world: Pressing) -> dict[str, Any]:
    asked = Statement("select key, value from channel_settings", {})
    tenant = world.runner.can.settings.tenant_of.get(f"slack:{TEAM}", f"slack:{TEAM}")
    return {row["key"]: row["value"] for row in world.runner.database.run(tenant, [asked])[0]}


def test_the_dialog_is_prefilled_checked_and_saved(database: Database) -> None:
    with pressing(database) as world:
        world.slack.command("/agent", "settings", SUPPORT)
        world.settle()
        shown = world.slack.views.dialog()
        assert shown and shown["submit"]
        begun = {b["block_id"]: b["element"] for b in shown["blocks"] if b["type"] == "input"}
        assert begun["mode"]["initial_option"]["value"] == "mentions"
        assert len(begun["flows"]["initial_options"]) == 4
        changes = {"mode": "answers", "quiet": "22:00-7", "flows": ["chat", "memory", "errands"]}
        world.slack.views.submit(changes)
        world.settle()
        dialog = world.slack.views.dialog()
        assert dialog and "must be hours and a time zone" in str(dialog["blocks"])
        assert set_there(world) == {}
        world.slack.views.submit({"quiet": "22:00-07:00 Europe/Berlin"})
        world.settle()
        dialog = world.slack.views.dialog()
        assert dialog and "Saved." in str(dialog["blocks"])
        wanted = {"mode": "answers", "quiet": "22:00-07:00 Europe/Berlin", "off": ["plan"]}
        assert set_there(world) == wanted
        world.again(20)
        assert set_there(world) == wanted


@pytest.mark.parametrize("where", ["guest", "direct message"])
def test_who_may_not_change_them_sees_them_and_why(database: Database, where: str) -> None:
    with pressing(database) as world:
        is_guest = where == "guest"
        who, channel = (GUEST, SUPPORT) if is_guest else (ALICE, f"D{ALICE[1:]}")
        world.slack.command("/agent", "settings", channel, who)
        world.settle()
        shown = world.slack.views.dialog(who)
        assert shown and shown["submit"] is None
        why = "Only full members" if is_guest else "A direct message has no settings"
        assert why in str(shown["blocks"])


def test_a_draft_is_seen_by_one_person_and_pressed(database: Database) -> None:
    with pressing(database) as world:
        slack = world.slack
        person = ForPerson(TEAM, ALICE, f"slack:{TEAM}:{slack.workspace.channel(SUPPORT)['id']}")
        offer = OfferDraft(person, "On **Tuesdays**.", "https://slack.test/q", "run:digest")
        adapter = world.runner.adapters(offer)
        adapter.perform(offer, Mark("k", "chat", 0), None)
        [whisper] = slack.workspace.whispers(SUPPORT)
        assert whisper["blocks"][1]["text"] == "On **Tuesdays**."
        buttons = whisper["blocks"][-1]["elements"]
        assert [one["text"]["text"] for one in buttons] == ["Send", "Edit", "Drop"]
        assert {one["value"] for one in buttons} == {"run:digest"}
        gone = offer.person._replace(user="U0NOBODY")
        found = adapter.perform(OfferDraft(gone, "x", "", "run:digest"), Mark("l", "chat", 0), None)
        assert found.data == {"gone": True}


@flow("slack.app_mention")
def answers(event: Event, agent: Agent) -> None:
    """The run of a draft."""


def offered(world: Pressing) -> tuple[str, str]:
    """Show Alice a draft of an answer; return the time stamps of its question and of the draft."""
    asked = world.slack.say(SUPPORT, "When do we deploy the shop?")
    world.settle()
    channel, text = world.slack.workspace.channel(SUPPORT)["id"], "On Tuesdays."
    place, tenant = f"slack:{TEAM}:{channel}", "acme"
    asking = world.mentioned(Thread(TEAM, channel, asked))
    assert world.runner.deliver(answers, asking) == []
    run = run_id(asking, "answers")
    draft = {"tenant": tenant, "run": run, "conversation": f"{place}:{asked}", "thread": asked}
    draft |= {"person": ALICE, "digest": digest_of(text), "text": text, "sources": "[]"}
    world.runner.database.run(tenant, [Statement(SQL["keep"], draft)])
    offer = OfferDraft(ForPerson(TEAM, ALICE, place), text, "", f"{run}:{draft['digest']}")
    world.runner.adapters(offer).perform(offer, Mark("k", "chat", 0), None)
    [whisper] = world.slack.workspace.whispers(SUPPORT)
    return asked, str(whisper["ts"])


def replies(world: Pressing, asked: str) -> list[str]:
    return [one["text"] for one in world.slack.thread(SUPPORT, asked)[1:]]


@pytest.mark.parametrize(("button", "said"), [("send", ["On Tuesdays."]), ("drop", [])])
def test_a_draft_leaves_the_screen_of_who_decides_about_it(
    database: Database, button: str, said: list[str]
) -> None:
    with pressing(database) as world:
        asked, shown = offered(world)
        with pytest.raises(Refusal, match="message_not_found"):  # nobody else sees it
            world.slack.click(SUPPORT, shown, f"press.draft-{button}", BOB)
        world.slack.click(SUPPORT, shown, f"press.draft-{button}")
        [event] = world.settle()
        assert event.type == f"slack.press.draft-{button}" and "message" not in event.payload
        assert [text.partition("\n")[0] for text in replies(world, asked)] == said
        assert world.slack.workspace.whispers(SUPPORT) == []


def test_an_edited_draft_leaves_the_screen_and_one_that_is_over_says_so(database: Database) -> None:
    with pressing(database) as world:
        asked, shown = offered(world)
        world.slack.click(SUPPORT, shown, "open.edit-draft")
        world.settle()
        world.slack.views.submit({"text": "On Tuesdays, at ten."})
        world.settle()
        assert [text.partition("\n")[0] for text in replies(world, asked)] == [
            "On Tuesdays, at ten."
        ]
        assert "Sent." in str((world.slack.views.dialog() or {})["blocks"])
        assert world.slack.workspace.whispers(SUPPORT) == []
        place = world.slack.workspace.channel(SUPPORT)["id"]
        late = OfferDraft(ForPerson(TEAM, ALICE, f"slack:{TEAM}:{place}"), "Old.", "", "r2:x")
        world.runner.adapters(late).perform(late, Mark("k", "chat", 0), None)
        [whisper] = world.slack.workspace.whispers(SUPPORT)
        world.slack.click(SUPPORT, whisper["ts"], "press.draft-send")
        world.settle()
        [left] = world.slack.workspace.whispers(SUPPORT)
        assert (left["ts"], "This draft is over" in left["text"]) == (whisper["ts"], True)
        assert "actions" not in str(left["blocks"])
