"""Translates failures of model servers into our errors: temporary or final, and with the setting to
look at."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from shared.errors import ModelRejected, ModelUnavailable
from shared.events import Json
from shared.models.providers.servers import ModelServer
from shared.patterns import lazily

T = TypeVar("T")

#: Statuses of temporary failures. 529 is Anthropic's "overloaded".
_PASSING = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600)) - {501, 505}

#: Those of them that ask for fewer calls.
_OVERLOADED = frozenset({429, 503, 529})

#: Codes of an error body that do so with any status.
_OVERLOADED_CODES = frozenset(
    {"overloaded", "overloaded_error", "rate_limit_exceeded", "rate_limit_error"}
)
_PASSING_CODES = _OVERLOADED_CODES | {"server_error", "api_error", "timeout_error"}

#: Anthropic sends these with the status of a wrong request, or of a rate limit.
_NO_CREDIT = lazily(rb"credit balance is too low|spend_limit_reached")

#: llama.cpp sends this with the status of a temporary failure, although it is final.
_SEES_NOTHING = lazily(rb"image input is not supported")

#: llama.cpp sends the first, with the status of a failure, for a text longer than its batch; OpenAI
#: the second, with that of a rate limit, for a request that exceeds the limit of a minute.
_TOO_LONG = lazily(rb"too large to process|[Rr]equest too large")

#: Codes of an error that another try of the same request would meet again.
_FINAL = lazily(
    r"invalid|not_?found|unsupported|unknown|unprocessable|context_length|too_?(long|large|many_tok)"
    r"|permission|forbidden|auth|billing|quota|credit|payment|missing|content_?(filter|policy)"
    r"|moderation|bad_?request|validation|param",
    re.IGNORECASE,
)

#: Keys of an error body that hold its words, at OpenAI's, FastAPI's and other servers.
_WORDS = frozenset({"error", "message", "msg", "detail", "code", "type", "param", "loc"})

#: The form of a code or parameter. Anything else may be people's text and is not shown.
_CODE = lazily(r"[A-Za-z0-9_.\[\]-]{1,64}")


class BodyRefused(ModelRejected):
    """The server refused the body of a request. `detail` is the server's explanation, for the
    provider to adapt to; the message holds none of it."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class ServerFailed(ModelUnavailable):
    """The server broke (500), perhaps for a while, perhaps on this very request."""


#: A server may refuse one thing after the other: the limit's name, the temperature, the stream's
#: options, two formats.
_ADAPTATIONS = 5


def adapting(
    write: Callable[[], Json], call: Callable[[Json], T], learn: Callable[[Json, str], bool]
) -> T:
    """Call with the body that `write` returns, and again while `learn` can adapt to a refusal.

    `learn` gets the refused body and the server's explanation, and returns True when another try
    is worth it.
    """
    for _ in range(_ADAPTATIONS):
        body = write()
        try:
            return call(body)
        except BodyRefused as refused:
            if not learn(body, refused.detail):
                raise
    return call(write())


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the server asks to wait; `now` is in seconds since the epoch.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after: seconds, or a date. OpenAI and Azure
    say it more exactly in milliseconds.
    """
    value = headers.get("retry-after-ms", "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value):
        return float(value) / 1000
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    return None


def unavailable(
    name: str, status: int, wait: float | None, shown: str = "", *, overloaded: bool = False
) -> ModelUnavailable:
    """Return the error of a model that cannot answer now, with the seconds to wait. `overloaded`
    adds to what the status says."""
    what = {429: "rate limited", 503: "overloaded", 529: "overloaded"}.get(status, "failed")
    asked = "" if wait is None else f", retry in {wait:.0f} s"
    message = f"{name}: {what} ({status}){shown}{asked}"
    kind = ServerFailed if status == 500 else ModelUnavailable
    return kind(message, wait, overloaded=overloaded or status in _OVERLOADED)


def garbled(server: ModelServer, what: str) -> ModelUnavailable:
    """Return the error of an answer that makes no sense; another try may bring a better one."""
    return ModelUnavailable(f"{server.name}: {what}; if it stays so, look at {server.address}")


def problem_of(
    server: ModelServer, status: int, headers: Mapping[str, str], raw: bytes
) -> ModelUnavailable | ModelRejected:
    """Translate an answer with the status of an error."""
    fields = _error_fields(raw)
    codes, shown, name = _codes(fields), _shown(fields), server.name
    if codes & {"insufficient_quota", "billing_error"} or status == 402 or _NO_CREDIT.search(raw):
        return ModelRejected(f"{name}: the account of {server.key_setting} has no credit left")
    if _SEES_NOTHING.search(raw):
        return ModelRejected(f"{name}: takes no images; take it out of MODEL_SEES")
    if _TOO_LONG.search(raw):
        return BodyRefused(f"{name}: takes no text of that length ({status}){shown}", "too long")
    if status in _PASSING or codes & _PASSING_CODES:
        wait, overloaded = retry_after(headers, time.time()), bool(codes & _OVERLOADED_CODES)
        return unavailable(name, status, wait, shown, overloaded=overloaded)
    advice = {
        401: f"the key was not accepted; look at {server.key_setting}",
        403: f"access was denied; look at {server.key_setting} and what its account may use",
        404: f"no such model or address; look at {server.model_setting} and {server.address}",
    }.get(status, f"refused the request; look at {server.model_setting}")
    if 300 <= status < 400:
        advice = f"answered with a redirect; look at {server.address}"
    message = f"{name}: {advice} ({status}){shown}"
    if status in {401, 403, 404}:
        return ModelRejected(message)
    return BodyRefused(message, " ".join(_said(_parsed(raw)))[:4000])


def problem_inside(server: ModelServer, error: object) -> ModelUnavailable | ModelRejected:
    """Translate an error object that came with a good status, such as in the middle of a stream."""
    fields = _inner(error)
    status = _status(fields)
    codes, shown = _codes(fields), _shown(fields)
    if status in _PASSING or codes & _PASSING_CODES or not (status or _is_final(codes)):
        overloaded = status in _OVERLOADED or bool(codes & _OVERLOADED_CODES)
        message = f"{server.name}: failed while it answered{shown}"
        kind = ServerFailed if status == 500 else ModelUnavailable
        return kind(message, overloaded=overloaded)
    return BodyRefused(
        f"{server.name}: refused the request while it answered{shown}", " ".join(_said(error))
    )


def _status(fields: Mapping[str, Any]) -> int:
    """Return the status that an error names, or 0."""
    named = (str(fields.get(key)) for key in ("code", "status", "status_code", "http_code"))
    return next((int(code) for code in named if re.fullmatch(r"[45]\d\d", code)), 0)


def _is_final(codes: set[str]) -> bool:
    return any(_FINAL.search(code) for code in codes)


def _inner(error: object) -> Mapping[str, Any]:
    """Return the innermost object of an error: some servers wrap it in a list or in another."""
    for _ in range(3):
        if isinstance(error, list):
            error = next((part for part in error if isinstance(part, dict)), {})
        if not isinstance(error, dict) or not isinstance(error.get("error"), dict | list):
            break
        error = error["error"]
    return error if isinstance(error, dict) else {}


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


def _said(error: object) -> Iterator[str]:
    """Yield the words of an error body, without the request that some servers echo in it."""
    if isinstance(error, str):
        yield error
    elif isinstance(error, list):
        for part in error:
            yield from _said(part)
    elif isinstance(error, dict):
        for key in _WORDS & error.keys():
            yield from _said(error[key])


def _error_fields(raw: bytes) -> Mapping[str, Any]:
    return _inner(_parsed(raw))


def _codes(fields: Mapping[str, Any]) -> set[str]:
    return {value for value in (fields.get("code"), fields.get("type")) if isinstance(value, str)}


def _shown(fields: Mapping[str, Any]) -> str:
    """Show only the error's type, code and parameter, which are words of the API."""
    return shown_code(*(fields.get(key) for key in ("type", "code", "param")))


def shown_code(*parts: object) -> str:
    """Show, in brackets, those that have the form of a code."""
    known = dict.fromkeys(p for p in parts if isinstance(p, str) and _CODE.fullmatch(p))
    return f" [{', '.join(known)}]" if known else ""
