"""Perception: reads what GitHub and Slack send into an Event.

    github            GitHub's webhooks
    slack             Slack's requests; `slack_payloads` reads their three kinds, `slack_content`
                      what a message carries besides its text
    slack_words       the words of a message: escapes, mentions, commands
    slack_said        the messages of a thread as events
    action_token      what lets the agent search for who wrote to it
    commands          /forget, /plan, …: orders in a text
    helping           what `help` answers; `spelling` tells a mistyped name from another word
    sentences         sentences that mean a command
    deeds             what was done without a text: labels, assignments, branches
    departures        what becomes of the sources of memory: gone, renamed, private, edited
    writers           who wrote an event's text

This file holds what both readers share. A signature says who sends, not that they follow their
documentation: a key may be missing, null or of another type. So the readers look things up with
`dig` and `string`, which never raise.
"""

import hmac
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from shared.errors import EventError
from shared.events import Json, Payload

Headers = Mapping[str, str]

_FORM = "application/x-www-form-urlencoded"
_MAX_FORM_FIELDS = 200
#: An escaped NUL, but not an escaped backslash followed by `u0000`. Postgres stores no NUL in text.
_NUL = rb"(?<!\\)((?:\\\\)*)\\u0000"
_SURROGATE = r"\\u[dD][89a-fA-F]"
#: A possible match of either. A regular expression finds it in a third of the time of `in`.
_UNKEPT = rb"\\u(?:0000|[dD][89a-fA-F])"
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
_MAX_WORD = 100


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def header(headers: Headers, name: str) -> str:
    """Return the header `name`, written in lower case, or the empty string."""
    value = headers.get(name)
    return value if isinstance(value, str) else ""


def is_signed(signed: bytes, secret: str, given: str, prefix: str) -> bool:
    """Compare `given` with `prefix` and the HMAC-SHA256 of `signed`, in constant time.

    An empty secret signs nothing, in the same time.
    """
    code = _keyed(secret).copy()
    code.update(signed)
    expected = (prefix + code.hexdigest()).encode()
    return hmac.compare_digest(expected, given.encode("utf-8", "replace")) and bool(secret)


@lru_cache(maxsize=4)
def _keyed(secret: str) -> hmac.HMAC:
    """Return the hash that every signature with `secret` begins with; copy it."""
    return hmac.new(secret.encode(), digestmod="sha256")


def read_body(body: bytes, headers: Headers) -> Json:
    """Read a JSON object, or a form: its JSON field `payload`, or where it has none all its fields.

    No signature covers the content type, so what begins as JSON is never read as a form: a text in
    it could hold `&payload=`. Raises EventError.
    """
    is_form = header(headers, "content-type").strip().lower().startswith(_FORM)
    if not is_form or re.match(rb"\s*\{", body):
        return _json_object(body)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS)
    except ValueError as err:
        raise EventError(f"the body of {len(body)} bytes is no form; send UTF-8") from err
    fields: Json = {name: value.replace("\0", "\ufffd") for name, value in pairs}
    return _json_object(fields["payload"].encode()) if "payload" in fields else fields


def _json_object(text: bytes) -> Json:
    is_plain = not re.search(_UNKEPT, text)
    try:
        if not is_plain:
            text = re.sub(_NUL, rb"\1\\ufffd", text)
        decoded = text.decode()
        value = _DECODER.decode(decoded)
    except (ValueError, RecursionError) as err:
        # The error's own message may quote the body, so it is not repeated here.
        raise EventError(f"the body of {len(text)} bytes is no JSON; send UTF-8 JSON") from err
    if not isinstance(value, dict):
        raise EventError(f"the body is a JSON {type(value).__name__}; expected an object")
    # Half a surrogate pair cannot be kept; only what has no escaped ones is known to hold none.
    is_whole = is_plain or not re.search(_SURROGATE, decoded)
    return Payload(value, decoded) if is_whole else value


def dig(value: Any, *path: str) -> Any:
    """Return what lies at `path` in nested objects, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def string(value: Any, *path: str) -> str:
    """Return the string at `path`, or the empty string when there is none."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def word(value: Any, *path: str) -> str:
    """Return the string at `path` if it may stand in an id or a type, else the empty string."""
    found = string(value, *path)
    return "" if len(found) > _MAX_WORD or found.strip(_WORD) else found


def items(value: Any, *path: str) -> list[Any]:
    """Return the list at `path`, or the empty list when there is none."""
    found = dig(value, *path)
    return found if isinstance(found, list) else []
