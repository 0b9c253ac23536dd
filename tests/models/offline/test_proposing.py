"""The offline model proposes what a plain sentence asks for, once, and says nothing else of it."""

import pytest

from shared.agent.tools import tool
from shared.events import Json
from shared.models import ChatMessage, ModelRequest, ToolCall, ToolSpec
from shared.models.offline.model import connect
from shared.models.prompts import data
from shared.settings import Settings

Specs = tuple[ToolSpec, ...]


def propose_issue(title: str, body: str) -> str:
    """Propose to open an issue."""
    return title + body


def propose_labels(number: int, labels: list[str]) -> str:
    """Propose labels."""
    return f"{number}{labels}"


def propose_comment(number: int, text: str) -> str:
    """Propose a comment."""
    return f"{number}{text}"


def propose_review(number: int) -> str:
    """Propose a review."""
    return str(number)


def propose_plan(goal: str) -> str:
    """Propose a plan."""
    return goal


def propose_reminder(when: str, text: str) -> str:
    """Propose a reminder."""
    return when + text


TOOLS = tuple(
    tool(one).spec
    for one in (
        propose_issue,
        propose_labels,
        propose_comment,
        propose_review,
        propose_plan,
        propose_reminder,
    )
)
MEANT: dict[str, tuple[str, Json]] = {
    "We should open an issue about the login on iOS.": (
        "propose_issue",
        {
            "title": "The login on iOS",
            "body": "> We should open an issue about the login on iOS.",
        },
    ),
    "This deserves an issue: pay is broken": (
        "propose_issue",
        {"title": "Pay is broken", "body": "> This deserves an issue: pay is broken"},
    ),
    "Could you put the bug label on #12?": (
        "propose_labels",
        {"number": 12, "labels": ["bug"]},
    ),
    "Please tag issue 12 as urgent": ("propose_labels", {"number": 12, "labels": ["urgent"]}),
    "Issue #7 should get the label docs": ("propose_labels", {"number": 7, "labels": ["docs"]}),
    "Please say on #12 that we ship on Monday.": (
        "propose_comment",
        {"number": 12, "text": "we ship on Monday"},
    ),
    "Can somebody look over PR 12?": ("propose_review", {"number": 12}),
    "Please first find the open bugs and then comment on each": (
        "propose_plan",
        {"goal": "first find the open bugs and then comment on each"},
    ),
    "Don't let me forget to call Bob tomorrow at 9": (
        "propose_reminder",
        {"when": "tomorrow at 9", "text": "call Bob"},
    ),
}


def asked(text: str, *after: ChatMessage, tools: Specs = TOOLS) -> ModelRequest:
    said = ChatMessage("user", data("slack.app_mention", text))
    return ModelRequest((said, *after), "Answer.", tools, max_tokens=500)


def called(text: str, tools: Specs = TOOLS) -> list[ToolCall]:
    return list(connect(Settings()).reply(asked(text, tools=tools), 5.0).calls)


@pytest.mark.parametrize("text", MEANT)
def test_a_sentence_becomes_a_proposal_in_its_own_words(text: str) -> None:
    [call] = called(text)
    assert (call.name, call.arguments) == MEANT[text]


@pytest.mark.parametrize(
    "text",
    [
        "Why did somebody open an issue about the login?",
        "Who put the bug label on #12?",
        "We looked at PR 12 yesterday.",
        "The plan for Monday is done.",
        "Thanks, the reminder came tomorrow.",
    ],
)
def test_what_asks_for_nothing_proposes_nothing(text: str) -> None:
    assert not any(call.name.startswith("propose_") for call in called(text))


def test_only_what_is_offered_is_proposed() -> None:
    assert called("Could you put the bug label on #12?", tools=TOOLS[:1]) == []


@pytest.mark.parametrize(
    ("gave", "says"),
    [
        ("Kept, and nothing is done yet.", "I propose that. Press `Do it` below"),
        ("error: acme/shop has no label `bug`.", "I cannot propose that. acme/shop has no label"),
    ],
)
def test_it_says_what_became_of_the_proposal_and_proposes_once(gave: str, says: str) -> None:
    text = "Could you put the bug label on #12?"
    call = called(text)[0]
    after = (
        ChatMessage("assistant", "", (call,)),
        ChatMessage("tool", data("result of propose_labels", gave), call_id=call.id),
    )
    reply = connect(Settings()).reply(asked(text, *after), 5.0)
    assert reply.calls == ()
    assert reply.text.startswith(says)
