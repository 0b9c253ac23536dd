"""The next turn of a conversation with tools ends in text, in calls, or in one clear error."""

from dataclasses import replace

import pytest

from shared.errors import AnswerInvalid, ModelUnavailable
from shared.models import ChatMessage, Finish, ModelReply, ModelRequest, ToolCall, ToolSpec, Usage
from shared.models.answers.next_turn import next_turn
from shared.models.answers.tool_calls import judged

LOOK = ToolSpec("look", "Look.", {"type": "object"})
TELL = ToolSpec("tell", "Tell.", {"type": "object"})
ASK = ModelRequest((ChatMessage("user", "Which?"),), tools=(LOOK, TELL), max_tokens=100)
MUST_LOOK = replace(ASK, tool_choice="look")
MUST_CALL = replace(ASK, tool_choice="any")


def said(text: str = "", *calls: str, finish: Finish = "stop", malformed: str = "") -> ModelReply:
    made = tuple(ToolCall(str(i), name, {}, malformed) for i, name in enumerate(calls))
    return ModelReply(text, finish, Usage(10, 5, 1), "test", made, 0.5)


class Model:
    """Replies with what it is given, in order, and remembers what it was asked."""

    def __init__(self, *replies: ModelReply) -> None:
        self.replies = list(replies)
        self.asked: list[ModelRequest] = []

    def __call__(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        return self.replies.pop(0)


@pytest.mark.parametrize(
    "reply",
    [
        said("Hello."),
        said("Hello wor", finish="length"),
        said("I won't.", finish="refused"),
        said("", "look"),
        said("", "look", "look", "tell"),
        said("", "unknown"),
        said("", "look", malformed="{"),
    ],
)
def test_text_or_calls_take_one_call(reply: ModelReply) -> None:
    model = Model(reply)
    assert next_turn(model, ASK) == reply
    assert model.asked == [ASK]


@pytest.mark.parametrize(
    ("request_", "reply", "wish"),
    [
        (ASK, said(), "Your last answer was empty."),
        (ASK, said(" \n"), "Your last answer was empty."),
        (MUST_LOOK, said("I could look."), "Call the tool look now"),
        (MUST_LOOK, said("", "tell"), "Call the tool look now"),
        (MUST_LOOK, said(), "Call the tool look now"),
        (MUST_CALL, said("No."), "Call a tool (look, tell) now"),
    ],
)
def test_what_is_missing_is_asked_for_in_words_once(
    request_: ModelRequest, reply: ModelReply, wish: str
) -> None:
    model = Model(reply, said("Here.", "look"))
    answer = next_turn(model, request_)
    assert [call.name for call in answer.calls] == ["look"]
    assert (answer.usage, answer.cost) == (Usage(20, 10, 2), 1.0), "both calls were paid"
    assert wish in model.asked[1].messages[-1].text
    assert model.asked[1].tool_choice == request_.tool_choice


def test_a_tool_that_is_not_called_twice_is_an_invalid_answer() -> None:
    with pytest.raises(
        AnswerInvalid, match="test: did not call the tool look, also when"
    ) as caught:
        next_turn(Model(said("No."), said("No.", "tell")), MUST_LOOK)
    assert (caught.value.cost, caught.value.input_tokens) == (1.0, 20)
    with pytest.raises(AnswerInvalid, match="answered nothing, also when asked again"):
        next_turn(Model(said(), said()), ASK)


def test_a_call_that_was_cut_off_gets_twice_the_tokens_once() -> None:
    cut = said("", "look", finish="length", malformed="{")
    model = Model(cut, said("", "look"))
    assert next_turn(model, ASK).finish == "stop"
    assert [request.max_tokens for request in model.asked] == [100, 200]
    assert model.asked[1].messages == ASK.messages
    again = next_turn(Model(cut, cut), ASK)
    assert judged(ASK, again)[0].error.startswith("error: the call was cut off")


def test_a_turn_that_was_cut_off_before_it_began_names_the_limit() -> None:
    cut = said("", finish="length")
    with pytest.raises(AnswerInvalid, match="cut off at 200 tokens before it said anything; raise"):
        next_turn(Model(cut, cut), ASK)


def test_a_refusal_without_words_is_not_argued_with() -> None:
    model = Model(said("", finish="refused"), said("too late"))
    with pytest.raises(AnswerInvalid, match=r"test: declined to answer$"):
        next_turn(model, ASK)
    with pytest.raises(AnswerInvalid, match=r"declined to answer$"):
        next_turn(Model(said("I won't.", finish="refused")), MUST_LOOK)


def test_the_fallback_is_asked_the_question_once() -> None:
    larger = Model(said("Hello."))
    answer = next_turn(Model(said(), said()), ASK, larger)
    assert (answer.text, answer.cost) == ("Hello.", 1.5)
    assert larger.asked == [ASK]
    cut, widened = said("", finish="length"), Model(said("Hello."))
    next_turn(Model(cut, cut), ASK, widened)
    assert [request.max_tokens for request in widened.asked] == [200]
    with pytest.raises(AnswerInvalid, match="did not call the tool look"):
        next_turn(Model(said("No."), said("No.")), MUST_LOOK, Model(said("No."), said("", "look")))


def test_a_broken_history_is_asked_repaired() -> None:
    model = Model(said("Hello."))
    history = (*ASK.messages, ChatMessage("assistant", "", (ToolCall("", "look", {}),)))
    next_turn(model, replace(ASK, messages=history))
    roles = [message.role for message in model.asked[0].messages]
    assert roles == ["user", "assistant", "tool"]


def test_a_failure_behind_a_paid_call_says_what_was_paid() -> None:
    def unavailable(request: ModelRequest) -> ModelReply:
        raise ModelUnavailable("test: overloaded (503)")

    with pytest.raises(ModelUnavailable) as caught:
        next_turn(Model(said(), said()), ASK, unavailable)
    assert caught.value.cost == 1.0
