"""Shortcuts, thumbs and the home, over HTTP between the sandboxes."""

import re
from contextlib import suppress
from typing import Any

import pytest

from flows.memory import memory
from flows.press import press
from infra.local.sandbox.slack.workspace import (
    ALICE,
    BOB,
    BOT_USER,
    DM,
    GUEST,
    SUPPORT,
    TEAM,
    Refusal,
)
from shared.actions.slack.actions import Reply
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.events import Event, Thread
from tests.actions.github.sandbox_issue import SHOP
from tests.press.front_door import Pressing, pressing


def _opinions(world: Pressing) -> list[tuple[str, str, str, str]]:
    query = "select actor, kind, cause, words from signals where weight > 0 order by actor"
    [rows] = world.runner.database.run("acme", [Statement(query, {})])
    return [tuple(row.values()) for row in rows]


@flow("slack.message.channels", "slack.app_mention", may=[Reply.at_most(1)])
def answers(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, "An answer.\n\n" * 400, rated=True))


def _answered(world: Pressing) -> str:
    """Let the agent say something in #support; return its time stamp."""
    ts = world.slack.say(SUPPORT, f"<@{BOT_USER}> why?")
    assert world.slack.settle()
    thread = Thread(TEAM, SUPPORT, ts)
    assert world.runner.deliver(answers, world.mentioned(thread)) == []
    return str(world.slack.thread(SUPPORT, ts)[-1]["ts"])


def test_a_thumb_is_noted_once_and_can_be_changed_and_taken_back(database: Database) -> None:
    with pressing(database) as world:
        said = _answered(world)
        world.slack.react(SUPPORT, said, "+1")
        world.slack.react(SUPPORT, said, "-1", user=BOB)
        world.settle()
        assert _opinions(world) == [(ALICE, "liked", "", ""), (BOB, "disliked", "", "")]
        world.again(20)
        assert len(_opinions(world)) == 2
        world.slack.workspace.react(SUPPORT, said, ALICE, "+1", add=False)
        world.slack.react(SUPPORT, said, "thumbsdown::skin-tone-3", user=ALICE)
        world.slack.react(SUPPORT, said, "tada", user=ALICE)
        assert [one.type for one in world.settle()] == ["slack.thumb"] * 2
        assert _opinions(world) == [(ALICE, "disliked", "", ""), (BOB, "disliked", "", "")]


def test_the_buttons_below_an_answer_ask_why_it_does_not_help(database: Database) -> None:
    with pressing(database) as world:
        said = _answered(world)
        for value in ("positive", "negative"):
            world.slack.click(SUPPORT, said, "press.feedback", value=value)
            world.settle()
        assert _opinions(world) == [(ALICE, "disliked", "", "")]
        world.slack.views.submit({"reason": "It is <!channel> wrong"})
        assert world.slack.settle()
        dialog = world.slack.views.dialog()
        assert dialog and dialog["errors"] == {"kind": "Fill this in."}
        world.slack.views.submit({"kind": "wrong", "reason": "It is <!channel> wrong"})
        world.settle()
        world.again(20)
        assert _opinions(world) == [(ALICE, "disliked", "wrong", "It is <!channel> wrong")]
        assert world.slack.views.dialog() is None
        world.slack.click(SUPPORT, said, "press.feedback", value="positive")
        world.settle()
        assert _opinions(world) == [(ALICE, "liked", "", "")]


def test_a_thumb_under_what_people_say_is_nothing(database: Database) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "Hello")
        world.slack.react(SUPPORT, ts, "+1", user=BOB)
        assert world.settle() == []
        assert _opinions(world) == []


def test_a_message_is_remembered_as_its_authors(database: Database) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "We deploy on Tuesdays", user=BOB)
        world.slack.views.shortcut_on("remember-this", SUPPORT, ts)
        world.settle()
        world.again(20)
        query = "select kind, text, author, audience, trust from memories"
        [rows] = world.runner.database.run("acme", [Statement(query, {})])
        assert [tuple(row.values()) for row in rows] == [
            ("fact", "We deploy on Tuesdays", BOB, f"channel:{SUPPORT}", "inside")
        ]
        assert world.whispers()[-1].startswith("I keep it as a fact.")


@pytest.mark.parametrize("who", ["bot", "forgotten", "guest"])
def test_not_everything_is_remembered(database: Database, who: str) -> None:
    with pressing(database) as world:
        if who == "bot":
            ts = _answered(world)
        else:
            ts = world.slack.say(SUPPORT, "We deploy on Tuesdays", user=BOB)
        if who == "forgotten":
            order = world.mentioned(Thread(TEAM, SUPPORT, ts), BOB)
            order = order._replace(type="slack.command.forget", text="me")
            assert world.runner.deliver(memory, order) == []
        user = GUEST if who == "guest" else ALICE
        world.slack.views.shortcut_on("remember-this", SUPPORT, ts, user=user)
        world.settle()
        [rows] = world.runner.database.run("acme", [Statement("select kind from memories", {})])
        assert [row["kind"] for row in rows] == (["episode"] if who == "guest" else [])


def test_an_expired_trigger_is_told_in_one_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes")
        world.slack.workspace.views.later(-3.5)  # the trigger was made that long ago
        real = world.slack.workspace.views.trigger

        def late(user: str, view: str = "") -> str:
            trigger = real(user, view)
            world.slack.workspace.views.later(3.5)
            return trigger

        monkeypatch.setattr(world.slack.workspace.views, "trigger", late)
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        assert world.slack.views.dialog() is None
        assert world.whispers() == ["That took longer than Slack allows. Please press again."]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"error": "ratelimited"}, "(ratelimited)"),
        ({"error": "<!channel>"}, "(http_200)"),
        ({"status": 500}, "(http_500)"),
        ({}, "(no_answer)"),
    ],
)
def test_what_slack_does_not_open_is_told_in_one_line(
    database: Database, fault: dict[str, Any], said: str
) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes")
        world.slack.fail_next("views.open", **fault)
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        assert [one.status for one in world.slack.attempts] == [200, 200]
        assert [said in one for one in world.whispers()] == [True]
        assert "!channel" not in world.whispers()[0]


def test_a_submission_is_one_event_however_often_it_comes(database: Database) -> None:
    """Slack sends none again; a proxy may, and a person may press twice."""
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes")
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        for _ in range(20):
            with suppress(Refusal):
                world.slack.views.submit({})
        assert world.slack.settle()
        sent = [one for one in world.published if one.type == "slack.form.open-issue"]
        assert len({one.id for one in sent}) == 1
        world.settle()
        assert len(world.github.issues(SHOP)) == 1


@pytest.mark.parametrize("words", ["<!channel> <@U1> & `x`", "@maria\n/plan all", "x" * 3_000])
def test_hostile_values_reach_github_as_text(database: Database, words: str) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, words)
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        world.slack.views.submit({"title": words[:200], "body": words})
        world.settle()
        [issue] = world.github.issues(SHOP)
        assert issue["title"].replace("\u200b", "") == " ".join(words[:200].split())
        assert "@maria" not in issue["title"] + issue["body"]
        [reply] = world.slack.thread(SUPPORT, ts)[1:]
        assert "<!channel>" not in str(reply["blocks"]) and "<@U1>" not in str(reply["blocks"])


def test_a_dialog_that_was_closed_meanwhile_is_told_in_one_line(database: Database) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes")
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        assert world.slack.settle()
        world.slack.views.close()
        world.settle()
        assert [one.startswith("The dialog was closed") for one in world.whispers()] == [True]


def test_who_does_not_read_the_channel_any_more_opens_nothing(database: Database) -> None:
    with pressing(database) as world:
        secret = world.slack.workspace.add_channel("secret", private=True)
        world.slack.workspace.limit(secret, ALICE, BOB)
        ts = world.slack.say(secret, "The plan for Paris", user=BOB)
        world.slack.views.shortcut_on("open-issue", secret, ts)
        world.settle()
        world.slack.workspace.limit(secret, BOB)
        world.slack.views.submit({})
        world.settle()
        dialog = world.slack.views.dialog()
        assert dialog and "You do not read that channel." in str(dialog["blocks"])
        assert world.github.issues(SHOP) == []


def test_a_guest_opens_no_issue(database: Database) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes", user=GUEST)
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts, user=GUEST)
        world.settle()
        world.slack.views.submit({}, user=GUEST)
        world.settle()
        dialog = world.slack.views.dialog(GUEST)
        assert dialog and "Only full members" in str(dialog["blocks"])
        assert world.github.issues(SHOP) == []


def test_a_repository_that_the_place_does_not_work_on_is_refused(database: Database) -> None:
    """A client that lies may send another than those that it was offered."""
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "It crashes")
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        world.slack.views.submit({"repository": "acme/website"})
        world.settle()
        dialog = world.slack.views.dialog()
        assert dialog and "not connected" in str(dialog["blocks"])
        assert world.github.issues(SHOP) == []


def test_the_home_mutes_a_channel(database: Database) -> None:
    with pressing(database) as world:
        _answered(world)
        world.slack.views.open_home()
        world.settle()
        home = world.slack.views.home()
        assert home and f"<#{SUPPORT}>" in str(home["blocks"])
        for value, said in (("pause", "any more"), ("resume", "again")):
            world.slack.views.press("press.home-quiet", f"{value}:{SUPPORT}", home=True)
            world.settle()
            home = world.slack.views.home()
            assert home and said in home["blocks"][0]["text"]["text"]
        world.slack.views.press("press.home-quiet", "pause:C0OTHER", home=True)
        world.settle()
        home = world.slack.views.home()
        assert home and "may not" in home["blocks"][0]["text"]["text"]


def test_who_opens_the_direct_messages_is_suggested_what_fits(database: Database) -> None:
    always = ["What do we know about …", "What can you do?"]
    with pressing(database) as world:
        world.slack.views.open_messages()
        assert [one.type for one in world.settle()] == ["slack.visit"]
        assert [*_prompts(world)] == ["What is open in shop?", *always]
        _answered(world)
        for _ in range(2):
            world.slack.views.open_messages()
            world.settle()
            assert [*_prompts(world)] == [
                "What did I miss in #support?",
                "What is open in shop?",
                *always,
            ]
        assert (
            _prompts(world)["What did I miss in #support?"] == "summarize #support since yesterday"
        )
        assert world.runner.model.asked == []
        world.slack.views.open_messages(BOB)
        world.settle()
        [dm] = [one for one in world.slack.workspace.channels.values() if one.get("user") == BOB]
        assert "What did I miss in #support?" not in _prompts(world, dm["id"])


def test_prompts_that_slack_does_not_take_are_left_out(database: Database) -> None:
    with pressing(database) as world:
        world.slack.fail_next("assistant.threads.setSuggestedPrompts", "not_authorized")
        world.slack.views.open_messages()
        world.settle()
        assert _prompts(world) == {} and world.whispers() == []


def _prompts(world: Pressing, channel: str = DM) -> dict[str, str]:
    shown = world.slack.workspace.shown("prompts", channel) or {"prompts": []}
    return {one["title"]: one["message"] for one in shown["prompts"]}


def _home(world: Pressing) -> str:
    world.slack.views.open_home()
    world.settle()
    home = world.slack.views.home()
    assert home
    return "\n".join(str((one.get("text") or {}).get("text", "")) for one in home["blocks"])


def test_the_home_shows_nobody_what_others_spent(database: Database) -> None:
    """Whatever they call themselves, as here like a flow and like the id of somebody else."""
    with pressing(database) as world:
        name = world.slack.workspace.users[ALICE]["name"]
        for scope, whose, spent in (("flow", name, 7), ("user", name, 8), ("user", ALICE, 3)):
            values = {"scope": scope, "name": whose, "spent": spent}
            sql = (
                "insert into budget_days (tenant, day, scope, name, spent) values"
                " ('acme', (now() at time zone 'utc')::date, %(scope)s, %(name)s, %(spent)s)"
            )
            database.run("acme", [Statement(sql, values)])
        _home(world)
        world.slack.views.press("press.home-search", "x", home=True)
        world.settle()
        shown = str(world.slack.views.home())
        assert "You: $3.00" in shown
        assert "$7.00" not in shown and "$8.00" not in shown


def test_the_home_shows_how_people_want_it_and_no_heading_twice(database: Database) -> None:
    types = ",".join([*press.types, "slack.command.help", "slack.command.forget"])
    with pressing(database, event_types=types) as world:
        _answered(world)
        assert f"acme/shop\n<#{SUPPORT}>\nmention only" in _home(world)
        world.slack.command("/agent", "settings", SUPPORT)
        world.settle()
        world.slack.views.submit({"mode": "answers", "quiet": "00:00-23:59 UTC"})
        world.settle()
        shown = _home(world)
        wants = "answers questions when sure; as drafts in its first week; quiet 00:00-23:59 UTC"
        assert wants in shown
        assert len(re.findall("(?i)you may ask me", shown)) == 1


def test_who_left_a_channel_sees_and_changes_nothing_of_it(database: Database) -> None:
    with pressing(database) as world:
        _answered(world)
        assert f"<#{SUPPORT}>" in _home(world) and "answers, " in _home(world)
        channel = world.slack.workspace.channel(SUPPORT)
        closed = {**channel, "is_private": True, "members": [BOB, BOT_USER]}
        world.slack.workspace._records.put("channels", channel["id"], closed)
        world.slack.views.press("press.home-quiet", f"pause:{SUPPORT}", home=True)
        world.settle()
        home = world.slack.views.home()
        assert home and "may not" in home["blocks"][0]["text"]["text"]
        assert f"<#{SUPPORT}>" not in str(home) and "answers, " not in str(home)
        asked = Statement("select place from quiet_places", {})
        assert world.runner.database.run("acme", [asked]) == [[]]


def test_a_shortcut_sums_up_the_thread_for_who_pressed_it(database: Database) -> None:
    with pressing(database) as world:
        root = world.slack.say(SUPPORT, "The cart is broken.")
        reply = world.slack.say(SUPPORT, "We decided to roll back.", BOB, root)
        world.settle()
        for ts in (root, reply):
            world.slack.views.shortcut_on("summarise-thread", SUPPORT, ts)
            world.settle()
            told = world.whispers()[-1]
            assert "**Summary of this thread** (2 messages)" in told
            assert f"message_ts={root}" in told
            assert "Decision: @bob wrote: “We decided to roll back.”" in told
