"""Questions that nobody addressed to the agent: answered where the channel wants it and it is sure,
as a draft of one person first; else nothing is shown."""

import json
from typing import Any

import pytest

from flows.chat import chat
from flows.control import control
from flows.memory import memory
from flows.press import press
from shared.actions.slack.actions import AskDirect, Channel, Post, Reply, Whisper
from shared.actions.slack.views.actions import OfferDraft
from shared.database import Statement
from shared.events import Event, ResponseUrl, SlackMessage, Thread, run_id
from shared.team_settings.channels.keys import DRAFT_WEEK
from shared.team_settings.channels.questions import is_question
from shared.team_settings.channels.unasked import SQL
from shared.testing import FlowRunner
from tests.team_settings.test_channels import ALICE, BOB, GUEST, asks, did, rows


def sure(text: str = "On Tuesdays.", **changes: Any) -> dict[str, Any]:
    about = {"text": text, "number": 1, "words": "We deploy the shop on Tuesdays"}
    return {"claims": [about | changes]}


SURE = sure()
QUESTION, LATER = "When do we deploy the shop?", DRAFT_WEEK + 100.0


@pytest.fixture
def knows(runner: FlowRunner) -> FlowRunner:
    """It knows one thing, and the channel wants answers."""
    text = "We deploy the shop on Tuesdays."
    did(runner, asks(text, "1.1", type="slack.command.remember"), memory)
    did(runner, asks("mode answers", "1.2"))
    return runner


def said(text: str = QUESTION, at: float = LATER, **changes: Any) -> Event:
    event = asks(text, f"{at:.1f}", type="slack.message.groups", actor=BOB)
    return event._replace(**changes)


def hears(it: FlowRunner, event: Event, answer: Any = SURE) -> list[Any]:
    """Let chat hear it; return what it does. The model answers so, if it is asked."""
    before = len(it.platform.done)
    it.model.answers.append(answer)
    assert it.deliver(chat, event) == []
    return list(it.platform.done[before:])


def test_a_question_is_answered_with_its_source(knows: FlowRunner) -> None:
    [reply] = hears(knows, said())
    assert isinstance(reply, Reply)
    assert reply.text.startswith("On Tuesdays. [1]\n\n**Sources**\n1. ")
    assert reply.thread.ts == said().thread.ts


@pytest.mark.parametrize(
    "answer",
    [
        {"claims": []},
        sure(" "),
        sure(number=2),
        sure(number=0),
        sure(words="We deploy the shop on Fridays"),
        sure(words="We"),
        sure("[general] On Tuesdays."),
        sure("On Tuesdays. Bob does it."),
        sure("On Tuesdays.\n\nBob does it."),
        sure("On Tuesdays [1]."),
        sure("On Tuesdays at 10."),
        sure("On Tuesdays, by `make ship`."),
        sure("On Tuesdays, as https://evil.test says."),
        sure(f"On Tuesdays, {'and whoever forgets that is asked to leave, ' * 4}always."),
        {"claims": [*SURE["claims"], *sure("Bob does it.")["claims"]]},
        {"claims": [*SURE["claims"], *sure("Bob.", words="the shop on")["claims"]]},
    ],
)
def test_it_is_silent_without_being_sure(knows: FlowRunner, answer: Any) -> None:
    assert hears(knows, said(), answer) == []
    [run] = rows(knows, "select state, reason from runs where flow = 'chat'")
    assert run == {"state": "done", "reason": "not sure"}


def test_each_sentence_has_its_own_source(knows: FlowRunner) -> None:
    at = "The shop goes out at ten, by hand."
    told = asks(at, "1.7", type="slack.command.remember", url="https://slack.test/p17")
    did(knows, told, memory)

    def answers(request: Any) -> str:
        shown = str(request)
        late = 1 + (shown.index("The shop goes out") > shown.index("We deploy the shop on"))
        said = [sure(number=3 - late), sure("At ten, by hand.", number=late, words=at)]
        return json.dumps({"claims": [one["claims"][0] for one in said]})

    [reply] = hears(knows, said("When do we deploy the shop, and at what time?"), answers)
    assert reply.text.startswith("On Tuesdays. [1] At ten, by hand. [2]\n\n**Sources**")


@pytest.mark.parametrize(
    "event",
    [
        said("We deploy the shop now, watch it."),
        said("<@U7> when do we deploy the shop?"),
        said(thread_target=Thread("T1", "C1", "5.5")),
        said(actor=GUEST),
        said(audience="shared:C1"),
        said("ok?"),
        asks(QUESTION, "9.9", channel="C2", audience="channel:C2", type="slack.message.groups"),
    ],
)
def test_what_is_no_question_to_everybody_costs_no_model_call(
    knows: FlowRunner, event: Event
) -> None:
    assert hears(knows, event) == []
    assert knows.model.asked == []


def test_what_is_not_known_costs_no_model_call(runner: FlowRunner) -> None:
    did(runner, asks("mode answers", "1.2"))
    assert hears(runner, said()) == []
    assert runner.model.asked == []


def test_it_is_silent_in_quiet_hours_and_where_only_mentions_count(knows: FlowRunner) -> None:
    did(knows, asks("quiet 00:00-23:59 UTC", "1.3"))
    assert hears(knows, said()) == []
    did(knows, asks("quiet off", "1.4"))
    did(knows, asks("mode mentions", "1.5"))
    assert hears(knows, said(id="again")) == []
    assert knows.model.asked == []


def test_what_is_listened_to_is_remembered_and_not_answered(knows: FlowRunner) -> None:
    did(knows, asks("mode listens", "1.3"))
    assert hears(knows, said("The lift of the office is out of order until May.")) == []
    [kept] = rows(knows, "select text, audience, author from memories where kind = 'episode'")
    assert kept["text"].startswith("The lift")
    assert (kept["audience"], kept["author"]) == ("channel:C1", "U2")
    did(knows, asks("me", "3.1", type="slack.command.forget", actor=BOB), memory)
    assert hears(knows, said("The lift works again, as everybody knows.", LATER + 1)) == []
    assert rows(knows, "select text from memories where kind = 'episode'") == []


@pytest.mark.parametrize(
    "change",
    [
        "delete from memories",
        "update memories set audience = 'channel:C9'",
        "update memories set text = 'We deploy on Fridays.', digest = 'another'",
    ],
)
def test_a_source_that_changes_while_the_model_answers_says_nothing(
    knows: FlowRunner, change: str
) -> None:
    def answers(_: Any) -> str:
        knows.database.run("slack:T1", [Statement(change, {})])
        return json.dumps(SURE)

    assert hears(knows, said(), answers) == []
    [run] = rows(knows, "select state, reason from runs where flow = 'chat'")
    assert run == {"state": "done", "reason": "not sure"}


# Drafts


def pressed(name: str, value: str, by: Any = ALICE, **changes: Any) -> Event:
    return asks(value, "8.8", type=f"slack.press.{name}", actor=by)._replace(
        message_target=SlackMessage("T1", "C1", "7.7"),
        response_target=ResponseUrl("T1", "C1", "https://slack.test/r"),
        **{"id": f"slack:{name}:{by.id}"} | changes,
    )


def presses(it: FlowRunner, event: Event) -> list[Any]:
    before = len(it.platform.done)
    assert it.deliver(press, event) == []
    return list(it.platform.done[before:])


def drafted(it: FlowRunner) -> OfferDraft:
    [offer] = hears(it, said(at=50.0))
    assert isinstance(offer, OfferDraft)
    assert (offer.person.user, offer.person.channel) == ("U1", "C1")
    return offer


def test_the_first_week_is_in_drafts_that_are_sent_once(knows: FlowRunner) -> None:
    offer = drafted(knows)
    stranger = presses(knows, pressed("draft-send", offer.value, BOB))
    assert [type(one) for one in stranger] == [Whisper]
    assert "is over" in stranger[0].text
    sent = presses(knows, pressed("draft-send", offer.value))
    assert [type(one) for one in sent] == [Reply, Whisper]
    assert (sent[0].thread.ts, sent[0].text) == ("50.0", offer.text)
    for number in range(20):
        again = presses(knows, pressed("draft-send", offer.value, id=f"again {number}"))
        assert [type(one) for one in again] == [Whisper]
    assert [type(one) for one in presses(knows, pressed("draft-drop", offer.value))] == [Whisper]
    assert rows(knows, "select outcome from answer_drafts") == [{"outcome": "sent"}]
    assert "1 sent, 0 edited, 0 dropped" in did(knows, asks("", "9.1"))[0]


def test_a_function_that_dies_once_it_decided_sends_it_with_its_next_attempt(
    knows: FlowRunner,
) -> None:
    offer = drafted(knows)
    event = pressed("draft-send", offer.value)
    draft, _, digest = offer.value.partition(":")
    about = {"draft": draft, "digest": digest, "outcome": "sent", "actor": "U1"}
    about |= {"place": event.scope, "tenant": event.tenant, "run": run_id(event, "press")}
    # It died before the journal had the step.
    knows.database.run(event.tenant, [Statement(SQL["decide"], about)])
    assert [type(one) for one in presses(knows, event)] == [Reply, Whisper]
    another = pressed("draft-send", offer.value, id="another")
    assert [type(one) for one in presses(knows, another)] == [Whisper]


CHANGES = (
    "delete from memories",
    "update memories set valid_until = now()",
    "update memories set audience = 'channel:C9'",
    "update memories set text = 'We deploy on Fridays.', digest = 'another'",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_draft_whose_source_changed_is_not_sent(knows: FlowRunner, change: str) -> None:
    offer = drafted(knows)
    knows.database.run("slack:T1", [Statement(change, {})])
    for id_ in ("first", "again"):
        [told] = presses(knows, pressed("draft-send", offer.value, id=id_))
        assert isinstance(told, Whisper)
        assert ("has changed since" in told.text) is (id_ == "first")
    assert rows(knows, "select outcome from answer_drafts") == [{"outcome": "dropped"}]
    assert rows(knows, "select kind from signals") == []


def test_an_edited_draft_whose_source_changed_is_not_sent(knows: FlowRunner) -> None:
    offer = drafted(knows)
    knows.database.run("slack:T1", [Statement(CHANGES[0], {})])
    typed = {
        "draft": {"draft": {"selected_option": {"value": offer.value}}},
        "text": {"text": {"value": "On Tuesdays, at ten."}},
    }
    view = {"id": "V1", "state": {"values": typed}}
    shown = presses(knows, in_dialog("form", "61.0", view=view))
    assert not [one for one in shown if isinstance(one, Reply)]
    assert "has changed since" in str(shown[-1].view)


@pytest.mark.parametrize("change", ["x", "'; drop table runs", "\u202e:\u202e", ""])
def test_a_changed_value_sends_nothing(knows: FlowRunner, change: str) -> None:
    offer = drafted(knows)
    value = offer.value + change if change else ""
    assert [type(one) for one in presses(knows, pressed("draft-send", value))] == [Whisper]


def test_a_draft_of_another_channel_is_not_sent_here(knows: FlowRunner) -> None:
    offer = drafted(knows)
    there = pressed("draft-send", offer.value)._replace(
        message_target=SlackMessage("T1", "C2", "7.7"),
        thread_target=Thread("T1", "C2", "7.7"),
        conversation="slack:T1:C2:7.7",
    )
    assert [type(one) for one in presses(knows, there)] == [Whisper]


def test_a_dropped_draft_is_gone(knows: FlowRunner) -> None:
    offer = drafted(knows)
    assert [type(one) for one in presses(knows, pressed("draft-drop", offer.value))] == [Whisper]
    assert [type(one) for one in presses(knows, pressed("draft-send", offer.value))] == [Whisper]


def test_drafts_stay_on_where_people_want_them(knows: FlowRunner) -> None:
    did(knows, asks("drafts on", "1.3"))
    [offer] = hears(knows, said())
    assert isinstance(offer, OfferDraft)
    did(knows, asks("me", "3.1", type="slack.command.forget"), memory)
    assert rows(knows, "select 1 from answer_drafts") == []
    assert hears(knows, said(id="later")) == []  # nobody is there to decide


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("When do we deploy the shop?", True),
        ("does anyone know where the key is", True),
        ("Weiß jemand, wo der Schlüssel liegt", True),
        ("Wann wird deployt?", True),
        ("Wann wird denn jetzt deployt?", True),
        ("¿Dónde está la llave?", True),
        ("我们什么时候部署？", True),
        ("متى ننشر المتجر؟", True),
        ("デプロイはいつですか？", True),
        ("see https://x.test/a?b=c for more of it", False),
        ("`if a ? b : c` is what I wrote here", False),
        ("what? no way", False),
        ("<!here> when do we deploy the shop?", False),
        ("We deploy on Tuesdays.", False),
        ("?" * 500, False),
        ("a b c " * 400 + "?", False),
    ],
)
def test_what_is_a_question(text: str, is_one: bool) -> None:
    assert is_question(text) is is_one


def test_control_takes_settings() -> None:
    assert "slack.command.settings" in control.types


def in_dialog(kind: str, at: str, **payload: Any) -> Event:
    event = asks(payload.pop("text", ""), at, type=f"slack.{kind}.edit-draft")
    return event._replace(payload=payload)


def test_an_edited_draft_is_sent_as_edited_once(knows: FlowRunner) -> None:
    offer = drafted(knows)
    [shown] = presses(knows, in_dialog("opened", "60.0", text=offer.value, trigger_id="1.2"))
    fields = {
        b["block_id"]: b["element"]
        for b in json.loads(shown.view)["blocks"]
        if b["type"] == "input"
    }
    assert fields["text"]["initial_value"] == offer.text
    assert fields["draft"]["initial_option"]["value"] == offer.value
    typed = {
        "draft": {"draft": {"selected_option": {"value": offer.value}}},
        "text": {"text": {"value": "On Tuesdays, at ten."}},
    }
    view = {"id": "V1", "state": {"values": typed}}
    sent = presses(knows, in_dialog("form", "61.0", view=view))
    assert [(one.thread.ts, one.text) for one in sent if isinstance(one, Reply)] == [
        ("50.0", "On Tuesdays, at ten.")
    ]
    assert "Sent." in str(sent[-1].view)
    again = presses(knows, in_dialog("form", "62.0", view=view))
    assert "is over" in str(again[-1].view)
    assert not [one for one in again if isinstance(one, Reply)]
    assert rows(knows, "select outcome from answer_drafts") == [{"outcome": "edited"}]


def test_an_audience_only_narrows(runner: FlowRunner) -> None:
    did(runner, asks("mode answers", "1.3"))
    for number, wish in enumerate(("workspace", "channel", "public")):
        did(runner, asks(f"audience {wish}", f"2.{number}"))
        hears(runner, said(id=wish, text=f"{QUESTION} {number}"))
        runner.model.answers.clear()
    recalls = rows(runner, "select input::text as input from steps where name = 'recall'")
    found = {json.dumps(json.loads(row["input"])["audiences"]) for row in recalls}
    assert sorted(found) == [
        '["channel:C1", "public", "team:T1"]',
        '["channel:C1", "public"]',
        '["public"]',
    ]


def test_the_offline_model_is_sure_or_silent(knows: FlowRunner) -> None:
    for number, text in enumerate((QUESTION, "When do we deploy the moon?")):
        assert knows.deliver(chat, said(text, LATER + number)) == []
    [reply] = [one for one in knows.platform.done[2:] if isinstance(one, Reply)]
    assert "We deploy the shop on Tuesdays" in reply.text
    assert "**Sources**" in reply.text


# The end of the first week


def ends(it: FlowRunner) -> list[Post]:
    """Let the first week end; return what is posted."""
    before = len(it.platform.done)
    it.platform.answers[AskDirect] = {"channel": "D9"}
    it.fire(control)
    return [one for one in it.platform.done[before:] if isinstance(one, Post)]


def test_who_switched_answers_on_is_told_once_how_the_first_week_went(knows: FlowRunner) -> None:
    sent, dropped = drafted(knows), hears(knows, said(f"{QUESTION} Please?", 60.0))[0]
    hears(knows, said("Do we deploy the shop on Tuesdays?", 70.0))
    presses(knows, pressed("draft-send", sent.value))
    presses(knows, pressed("draft-drop", dropped.value, id="dropped"))
    [timer] = knows.timers
    [told] = ends(knows)
    assert told.channel == Channel("D9")
    assert "3 questions: 1 drafts were sent, 0 edited and sent, 1 dropped, and" in told.text
    assert "- On Tuesdays." in told.text and "From now on I answer there by myself" in told.text
    before = len(knows.platform.done)
    assert knows.deliver(control, timer) == []
    assert knows.platform.done[before:] == []


def test_a_function_that_dies_while_it_tells_of_the_week_tells_it_once(knows: FlowRunner) -> None:
    drafted(knows)
    [timer] = knows.timers
    knows.platform.answers[AskDirect] = {"channel": "D9"}
    before = len(knows.platform.done)
    knows.dies(at=before + 1)
    with pytest.raises(KeyboardInterrupt):
        knows.run(control, timer)
    knows.run(control, timer)
    assert len([one for one in knows.platform.done[before:] if isinstance(one, Post)]) == 1


@pytest.mark.parametrize("change", ["mode mentions", "reset"])
def test_nothing_is_told_where_it_is_off_again(knows: FlowRunner, change: str) -> None:
    did(knows, asks(change, "1.3"))
    assert ends(knows) == []


def test_who_switched_it_on_again_is_told_of_that_week_alone(knows: FlowRunner) -> None:
    did(knows, asks("drafts on", "1.3"))
    did(knows, asks("mode answers", "1.4"))
    assert ends(knows) == []
    [told] = ends(knows)
    assert "0 questions" in told.text and "I go on with drafts" in told.text
