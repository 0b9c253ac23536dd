"""Any history becomes one that every provider takes; a sound one is left alone."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import example, given
from hypothesis import strategies as st

from shared.models import ChatMessage, Image, ToolCall
from shared.models.answers.repair import GO_ON, INTERRUPTED, LEFT_OUT, NO_RESULT, NO_TEXT, repair
from tests.campaigns import examples

Json = dict[str, Any]
PIXEL = Image("image/png", "iVBORw0KGgo=")


def user(text: str = "hi", *images: Image) -> ChatMessage:
    return ChatMessage("user", text, images=images)


def said(text: str = "", *calls: ToolCall) -> ChatMessage:
    return ChatMessage("assistant", text, calls)


def call(identity: str, name: str = "look") -> ToolCall:
    return ToolCall(identity, name, {"at": identity})


def result(identity: str, text: str = "found") -> ChatMessage:
    return ChatMessage("tool", text, call_id=identity)


# The rules of the providers. Each function returns what its provider would refuse.


def openai_problems(messages: tuple[ChatMessage, ...]) -> list[str]:
    """https://developers.openai.com/api/docs/guides/function-calling: each tool_call_id is answered
    right behind its call; ids have at most 40 characters."""
    problems: list[str] = []
    open_ids: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.call_id not in open_ids:
                problems.append("a tool turn without its call")
            else:
                open_ids.remove(message.call_id)
            continue
        if open_ids:
            problems.append("calls without results")
        open_ids = [call.id for call in message.calls]
        problems += ["too long an id" for call in message.calls if not 0 < len(call.id) <= 40]
        for name in (call.name for call in message.calls):
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
                problems.append("a bad name")
    return problems + ["calls without results"] * bool(open_ids)


def blocks(messages: tuple[ChatMessage, ...]) -> list[tuple[str, list[Json]]]:
    """Return the turns as Anthropic and Bedrock see them: two roles, and blocks."""
    turns: list[tuple[str, list[Json]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        content: list[Json] = []
        if message.role == "tool":
            content.append({"result": message.call_id, "text": message.text})
        elif message.text or not (message.calls or message.images):
            content.append({"text": message.text})
        content += [{"use": call.id, "name": call.name} for call in message.calls]
        content += [{"image": image.data} for image in message.images]
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(content)
        else:
            turns.append((role, content))
    return turns


def anthropic_problems(messages: tuple[ChatMessage, ...]) -> list[str]:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls: a call's
    results come first in the very next user turn; ids are unique; no text is blank."""
    problems: list[str] = []
    turns = blocks(messages)
    if not turns or turns[0][0] != "user" or turns[-1][0] != "user":
        problems.append("does not go from user to user")
    uses: list[str] = []
    before: list[str] = []
    for role, content in turns:
        results = [block["result"] for block in content if "result" in block]
        if sorted(results) != sorted(before):
            problems.append("results do not answer the calls before them")
        if any("result" in block for block in content[len(results) :]):
            problems.append("something stands before a result")
        if any(not block["text"].strip() for block in content if "text" in block):
            problems.append("blank text")
        before = [block["use"] for block in content if "use" in block and role == "assistant"]
        uses += before
        problems += ["a bad id" for use in before if not re.fullmatch(r"[a-zA-Z0-9_-]+", use)]
    if len(set(uses)) != len(uses) or before:
        problems.append("ids are not unique, or the last calls are not answered")
    return problems


CONVERSE = botocore.session.get_session().get_service_model("bedrock-runtime")


def converse_problems(messages: tuple[ChatMessage, ...]) -> list[str]:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html: the shapes
    as botocore knows them, with the patterns that it does not check."""
    problems, written = [], []
    for role, content in blocks(messages):
        written.append({"role": role, "content": [_converse_block(block) for block in content]})
        for identity in (b.get("use", b.get("result")) for b in content if "image" not in b):
            if identity is not None and not re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", identity):
                problems.append("a bad id")
    parameters = {"modelId": "m", "messages": written}
    shape = CONVERSE.operation_model("Converse").input_shape
    report = ParamValidator().validate(parameters, shape)
    return problems + ([report.generate_report()] if report.has_errors() else [])


def _converse_block(block: Json) -> Json:
    if "use" in block:
        return {"toolUse": {"toolUseId": block["use"], "name": block["name"], "input": {}}}
    if "result" in block:
        return {"toolResult": {"toolUseId": block["result"], "content": [{"text": block["text"]}]}}
    if "image" in block:
        return {"image": {"format": "png", "source": {"bytes": block["image"].encode()}}}
    return block


def template_problems(messages: tuple[ChatMessage, ...]) -> list[str]:
    """Mistral's API and the templates of local models: user and assistant alternate, and behind a
    tool speaks the assistant."""
    roles = [message.role for message in messages]
    followers = {
        "user": {"assistant"},
        "assistant": {"user", "tool"},
        "tool": {"tool", "assistant"},
    }
    pairs = pairwise(roles)
    return [f"{second} behind {first}" for first, second in pairs if second not in followers[first]]


RULES = (openai_problems, anthropic_problems, converse_problems, template_problems)


def problems(messages: tuple[ChatMessage, ...]) -> list[str]:
    return [problem for rule in RULES for problem in rule(messages)]


# Arbitrary histories

_IDS = st.sampled_from(["", "a", "b", "call_0", "call_1", "call_2", "x" * 46, "ü"]) | st.text()
_TEXTS = st.sampled_from(["", " ", "\n", "one", "two"]) | st.text(max_size=5)
_CALLS = st.builds(
    ToolCall,
    _IDS,
    st.sampled_from(["look", "", "a b", "n" * 80]),
    st.just({}),
    st.sampled_from(["", "{"]),
)
_MESSAGES = st.builds(
    ChatMessage,
    st.sampled_from(["user", "assistant", "tool"]),
    _TEXTS,
    st.lists(_CALLS, max_size=3).map(tuple),
    _IDS,
    st.lists(st.just(PIXEL), max_size=1).map(tuple),
)
HISTORIES = st.lists(_MESSAGES, max_size=12)


@examples(120)
@given(HISTORIES)
@example([])
@example([said("", call("a"), call("a")), result("a"), result("a"), said("", call("a"))])
def test_every_provider_takes_what_is_repaired(history: list[ChatMessage]) -> None:
    repaired = repair(history)
    assert problems(repaired) == []
    assert repair(repaired) == repaired, "a sound history is left alone"


@examples(50)
@given(HISTORIES, HISTORIES)
def test_an_id_that_was_given_stays_as_the_history_grows(
    history: list[ChatMessage], more: list[ChatMessage]
) -> None:
    def ids(messages: tuple[ChatMessage, ...]) -> list[str]:
        return [call.id for message in messages for call in message.calls]

    before, after = ids(repair(history)), ids(repair([*history, *more]))
    assert after[: len(before)] == before


@examples(50)
@given(HISTORIES)
def test_nothing_that_was_said_or_shown_is_lost(history: list[ChatMessage]) -> None:
    repaired = repair(history)
    for role in ("user", "assistant"):
        written = "\n\n".join(message.text for message in repaired if message.role == role)
        assert all(
            turn.text in written for turn in history if turn.role == role and turn.text.strip()
        )
    shown = [image for message in repaired for image in message.images]
    assert len(shown) == sum(len(turn.images) for turn in history if turn.role == "user")
    calls = [call for message in repaired for call in message.calls]
    assert len(calls) == sum(len(turn.calls) for turn in history if turn.role == "assistant")


SOUND = (
    user("Compare them.", PIXEL),
    said("I'll look.", call("a"), call("b")),
    result("a"),
    result("b"),
    said("They differ."),
    user("How?"),
    said("", call("c")),
    result("c"),
)


def test_a_sound_history_is_left_alone() -> None:
    assert problems(SOUND) == []
    assert repair(SOUND) == SOUND


@pytest.mark.parametrize(
    ("history", "repaired"),
    [
        ([], [user(LEFT_OUT)]),
        ([said("Hello.")], [user(LEFT_OUT), said("Hello."), user(GO_ON)]),
        ([user(" ")], [user(NO_TEXT)]),
        ([user(" ", PIXEL)], [user("", PIXEL)]),
        ([user("a"), user(""), user("b", PIXEL)], [user("a\n\nb", PIXEL)]),
        ([user("a"), said(" "), user("b")], [user("a\n\nb")]),
        ([user(), said("a"), said("b", call("1")), result("1")],
         [user(), said("a\n\nb", call("1")), result("1")]),
        ([user(), result("1"), said("", call("1")), result("1"), result("1", "again"), result("2")],
         [user(), said("", call("1")), result("1")]),
        ([user(), said("", call("1"), call("2")), result("2", "second"), result("1", "first")],
         [user(), said("", call("1"), call("2")), result("1", "first"), result("2", "second")]),
        ([user(), said("", call("1")), user("Hurry!"), result("1")],
         [user(), said("", call("1")), result("1"), said(INTERRUPTED), user("Hurry!")]),
        ([user(), said("", call("1"))], [user(), said("", call("1")), result("1", NO_RESULT)]),
        ([user(), said("", call("1")), result("1", "")],
         [user(), said("", call("1")), result("1", NO_TEXT)]),
    ],
)  # fmt: skip
def test_each_fault_has_its_repair(history: list[ChatMessage], repaired: list[ChatMessage]) -> None:
    assert repair(history) == tuple(repaired)


def test_results_follow_their_calls_through_equal_and_empty_ids() -> None:
    history = [
        user(),
        said("", call("", "one"), call("", "two")),
        result("", "first"),
        result("", "second"),
        said("", call("", "three")),
        result("", "third"),
    ]
    repaired = repair(history)
    texts = {message.call_id: message.text for message in repaired if message.role == "tool"}
    named = {call.name: texts[call.id] for message in repaired for call in message.calls}
    assert named == {"one": "first", "two": "second", "three": "third"}


@pytest.mark.parametrize(
    "broken",
    [
        (said("Hello."), user()),
        (user(), said("", call("1"))),
        (user(), result("1")),
        (user(), said("", call("1")), result("1"), result("1")),
        (user(), said("", call("1"), call("1")), result("1"), result("1")),
        (user(), said("", call("1")), user(), result("1")),
        (user(), said("", call("a b")), result("a b")),
        (user(), said("", call("")), result("")),
        (user(), said("", call("1", "a b")), result("1")),
        (user(" "),),
        (user(), said("")),
        (user(), user()),
        (),
    ],
)
def test_the_rules_find_what_is_broken(broken: tuple[ChatMessage, ...]) -> None:
    assert problems(broken)
    assert not problems(repair(broken))


def test_users_turns_that_were_joined_are_known_apart() -> None:
    turns = [user("one"), user("\n"), user("two\n\nlines"), user("three", PIXEL)]
    [joined] = repair(turns)
    assert joined == user("one\n\ntwo\n\nlines\n\nthree", PIXEL)
    assert joined.parts == ["one", "two\n\nlines", "three"]
    assert repair([*repair(turns), user("four")])[0].parts == [*joined.parts, "four"]
    masked = replace(joined, text=joined.text.replace("one", "[secret removed]"))
    assert masked.parts == [masked.text], "where it was joined is not known any more"
    assert repair([user("a\n\nb"), said("c")])[0].parts == ["a\n\nb"]
