"""An issue is written from a thread: by the model, and truthfully where no model helps."""

from typing import Any

import pytest

from shared.actions.slack.actions import ReadThread, Reply
from shared.agent import Agent, flow
from shared.errors import AnswerInvalid, RequestUnclear
from shared.events import Event
from shared.proposals.drafting import IssueDraft, draft_issue, extract
from shared.testing import FlowRunner
from tests.flows.test_chat import ROOT, said

LINK = f"https://slack.com/app_redirect?team=T1&channel=C1&message_ts={ROOT}"
THREAD: list[dict[str, Any]] = [
    {"author": "U1", "text": "Checkout fails with error 500 for guests.", "at": ROOT},
    {"author": "U2", "text": "Only since the release of Monday.", "at": "1700000001.000100"},
    {"author": "U1", "text": "open an issue for this thread", "at": "1700000002.000100"},
]
drafts: list[IssueDraft] = []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def drafter(event: Event, agent: Agent) -> None:
    drafts.append(draft_issue(agent, event.thread, without=event.message.ts))


def drafted(runner: FlowRunner, thread: list[dict[str, Any]]) -> IssueDraft:
    runner.platform.answers[ReadThread] = {"items": thread, "complete": True}
    runner.run(drafter, said("open an issue for this thread", ts="1700000002.000100"))
    return drafts.pop()


def test_the_model_writes_it_and_the_link_leads_back(runner: FlowRunner) -> None:
    runner.answers(IssueDraft("Guests cannot\npay", "Error 500 since Monday."))
    draft = drafted(runner, THREAD)
    assert draft.title == "Guests cannot pay"
    assert draft.recap == f"Error 500 since Monday.\n\nFrom [this conversation in Slack]({LINK})."
    asked = runner.model.asked[0].messages[0].text
    assert "release of Monday" in asked
    assert "open an issue" not in asked  # the request itself is no part of it


def test_what_the_agent_said_is_no_part_of_an_issue(runner: FlowRunner) -> None:
    ours = {"author": "UBOT", "text": "I don't know.\n\n_chat · run 1_", "at": "2.1", "own": True}
    draft = drafted(runner, [*THREAD[:1], ours, *THREAD[1:]])
    assert "Checkout fails" in draft.title
    assert "don't know" not in draft.title + draft.recap
    assert "run 1" not in draft.recap


def test_the_people_whom_a_message_names_stay_in_it(runner: FlowRunner) -> None:
    asked = {**THREAD[0], "text": "<@U2>, the checkout fails. Ask <@U3>."}
    runner.answers(IssueDraft("Checkout", "It fails."))
    drafted(runner, [asked, *THREAD[1:]])
    shown = runner.model.asked[0].messages[0].text
    assert "U2" in shown and "U3" in shown


def test_without_a_model_it_is_an_extract_that_says_nothing_new(runner: FlowRunner) -> None:
    draft = drafted(runner, THREAD)
    assert "Checkout fails" in draft.title
    assert LINK in draft.recap
    said_there = " ".join(one["text"] for one in THREAD)
    for sentence in draft.recap.split("\n\n", maxsplit=1)[0].split(". "):
        assert sentence.strip(" .").partition(": ")[2] in said_there


@pytest.mark.parametrize("answer", [AnswerInvalid("no"), IssueDraft("  ", "x")])
def test_an_unusable_answer_becomes_the_words_of_the_thread(
    runner: FlowRunner, answer: object
) -> None:
    runner.answers(*[answer] * 3)
    draft = drafted(runner, THREAD)
    assert draft.title == "Checkout fails with error 500 for guests."
    assert draft.recap.startswith("> Checkout fails")
    assert LINK in draft.recap


@pytest.mark.parametrize("said_there", [THREAD[2:], [{**THREAD[0], "own": True}, THREAD[2]]])
def test_where_nobody_said_anything_a_title_is_asked_for(
    runner: FlowRunner, said_there: list[dict[str, Any]]
) -> None:
    runner.platform.answers[ReadThread] = {"items": said_there, "complete": True}
    with pytest.raises(RequestUnclear, match="issue TITLE"):
        runner.run(drafter, said("open an issue", ts="1700000002.000100"))
    assert not runner.model.asked


@pytest.mark.parametrize("texts", [[], ["  "], ["x" * 10_000], ["第一行\n第二行"]])
def test_an_extract_fits_github(texts: list[str]) -> None:
    draft = extract([{"author": "U1", "text": text, "at": "1.1"} for text in texts])
    assert 0 < len(draft.title) <= 120
    assert "\n" not in draft.title
