"""Typed answers: asks for JSON of a type's schema, reads it strictly, and repairs it once."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from shared.errors import AnswerInvalid
from shared.events import Json
from shared.models import AskModel, ChatMessage, ModelReply, ModelRequest
from shared.models.answers.annotations import Chosen, shape_of
from shared.models.answers.judging import judged_by
from shared.models.answers.repair import repair
from shared.models.answers.shapes import (
    ROOT,
    Between,
    ChoiceShape,
    Misfit,
    ObjectShape,
    Shape,
    at_most,
)
from shared.models.answers.usage import usage_on_error, with_total_usage
from shared.models.providers.json_output import VALUE, as_object

__all__ = ["Between", "ask", "at_most", "choosing", "convert", "parse", "schema_of"]

T = TypeVar("T")

#: Characters of a choice's description.
_DESCRIPTION = 120

#: At most so many places of an answer are tried when it is not JSON as a whole.
_TRIES = 200


def schema_of(kind: Any) -> Json:
    """Return the JSON schema of a type.

    The type may be a dataclass, NamedTuple, TypedDict, Literal, Enum, str, int, float, bool, a
    list, tuple or set of these, an optional, or Annotated with `Between(…)` and a description.
    Raises TypeError for anything else.
    """
    return shape_of(kind).schema()


def choosing(kind: type[T], **choices: Iterable[str] | Mapping[str, str]) -> type[T]:
    """Return `kind` with its text fields `choices` restricted to names known at run time.

    A mapping gives each name a description. The model trusts it, because it stands outside the
    data: never describe a choice with a stranger's text. `choosing(Verdict, labels=["bug",
    "question"])` makes any other label an invalid answer.
    """
    named = {
        field: {name: _in_short(said) for name, said in names.items()}
        if isinstance(names, Mapping)
        else dict.fromkeys(names, "")
        for field, names in choices.items()
    }
    return cast("type[T]", Chosen(kind, named))


def _in_short(said: str) -> str:
    return " ".join(said.split())[:_DESCRIPTION]


def convert(kind: Any, value: object) -> Any:
    """Return the JSON value as a `kind`; raises ValueError that names the place that does not
    fit."""
    return shape_of(kind).read(value, ROOT)


def parse(kind: type[T], text: str) -> T:
    """Return the JSON value in `text`, which may be fenced or have words around it.

    Unknown keys are ignored; everything else must fit. A `str` is the text itself. Raises
    AnswerInvalid, whose message says what to correct.
    """
    if not text.strip():
        raise AnswerInvalid(f"{ROOT} is empty")
    if kind is str:
        return cast("T", text.strip())
    shape = shape_of(kind)
    problems: list[tuple[int, str]] = []
    for size, candidate in _candidates(text, shape):
        try:
            return cast("T", shape.read(candidate, ROOT))
        except Misfit as misfit:
            problems.append((size, str(misfit)))
        except RecursionError:
            problems.append((size, f"{ROOT} is nested too deeply"))
    if not problems:
        raise AnswerInvalid(f"{ROOT} is not JSON")
    # The longest piece of JSON is most likely what was meant as the answer.
    raise AnswerInvalid(max(problems, key=lambda problem: problem[0])[1])


def ask(
    reply: AskModel, request: ModelRequest, returns: type[T], fallback: AskModel | None = None
) -> tuple[T, ModelReply]:
    """Ask for a `returns` and return it with the reply that held it.

    An answer that is cut off is asked for once more with twice the tokens; one that does not fit is
    sent back once with the reason; after that `fallback` is asked, once. The reply counts the
    tokens and the cost of all calls. Raises AnswerInvalid when every answer was invalid, and
    whatever `reply` and `fallback` raise; a ModelError carries the cost.
    """
    request = replace(request, schema=None if returns is str else schema_of(returns))
    replies: list[ModelReply] = []
    with usage_on_error(replies):
        try:
            value = _asked(reply, request, returns, replies)
        except AnswerInvalid:
            if fallback is None:
                raise
            if any(answer.finish == "length" for answer in replies):
                request = _with_twice_the_tokens(request)
            value, problem = _tried(fallback, request, returns, replies)
            if problem:
                model = replies[-1].model
                raise AnswerInvalid(
                    f"{model}: the fallback gave no valid answer either: {problem}"
                ) from None
    return cast("T", value), with_total_usage(replies)


def _asked(
    reply: AskModel, request: ModelRequest, returns: type[T], replies: list[ModelReply]
) -> T | None:
    """Ask, once more when the answer was cut off, and once more when it does not fit."""
    value, problem = _tried(reply, request, returns, replies)
    if problem and replies[-1].finish == "length":
        request = _with_twice_the_tokens(request)
        value, problem = _tried(reply, request, returns, replies)
        if problem and replies[-1].finish == "length":
            limit, model = request.max_tokens, replies[-1].model
            raise AnswerInvalid(f"{model}: cut off at {limit} tokens; raise max_tokens")
    if problem:
        value, problem = _tried(reply, _repair(request, replies[-1], problem), returns, replies)
    if problem:
        model = replies[-1].model
        raise AnswerInvalid(f"{model}: no valid answer, also when repaired: {problem}")
    return value


def _tried(
    reply: AskModel, request: ModelRequest, returns: type[T], replies: list[ModelReply]
) -> tuple[T | None, str]:
    """Ask; return the value, or what is wrong with the answer. A refusal is final."""
    with judged_by(lambda answer: not _read(returns, answer)[1]):
        replies.append(answer := reply(request))
    if answer.finish == "refused":
        raise AnswerInvalid(f"{answer.model}: declined to answer")
    return _read(returns, answer)


def _read(returns: type[T], answer: ModelReply) -> tuple[T | None, str]:
    """Return the value in an answer, or what is wrong with it."""
    try:
        return parse(returns, answer.text), ""
    except AnswerInvalid as err:
        return None, str(err)


def _with_twice_the_tokens(request: ModelRequest) -> ModelRequest:
    return replace(request, max_tokens=2 * request.max_tokens)


def _repair(request: ModelRequest, answer: ModelReply, problem: str) -> ModelRequest:
    """Return the request, followed by the answer and by what is wrong with it."""
    wish = f"That does not fit: {problem}. Answer again, completely."
    if request.schema is not None:
        # Servers without schemas ignore them in silence, so this says it in words.
        schema = json.dumps(as_object(request.schema), ensure_ascii=False)
        wish += f" Write one JSON object and nothing else, fitting this JSON schema: {schema}"
    said = (ChatMessage("assistant", answer.text), ChatMessage("user", wish))
    return replace(request, messages=repair((*request.messages, *said)))


def _candidates(text: str, shape: Shape) -> Iterator[tuple[int, object]]:
    """Yield the JSON values in `text` with their lengths: the whole text, or parts of it."""
    whole = text.strip()
    if isinstance(shape, ChoiceShape):
        yield 0, whole
    for size, value in _json_in(whole):
        # Other types than objects were asked for inside one: see `as_object`.
        if not isinstance(shape, ObjectShape) and isinstance(value, dict) and VALUE in value:
            yield size, value[VALUE]
        else:
            yield size, value


def _json_in(text: str) -> Iterator[tuple[int, object]]:
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    try:
        yield len(text), decoder.decode(text)
        return
    except (ValueError, RecursionError):
        pass
    position = 0
    for _ in range(_TRIES):
        start = re.compile(r"[{\[]").search(text, position)
        if start is None:
            return
        try:
            value, position = decoder.raw_decode(text, start.start())
            yield position - start.start(), value
        except (ValueError, RecursionError):
            position = start.end()


def _refuse_constant(name: str) -> object:
    """Refuse NaN and Infinity, which `json` reads although JSON has neither."""
    raise ValueError(name)
