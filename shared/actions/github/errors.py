"""Turns GitHub's refusals and failed connections into our errors."""

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from urllib3 import exceptions

from shared.errors import ActionRejected, ActionUnavailable

#: Seconds to wait after a secondary rate limit that does not name a time.
#: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
_SECONDARY_PAUSE = 60.0
#: GitHub's words for its limits; older servers speak of abuse.
_LIMIT_WORDS = ("rate limit", "abuse detection", "abuse limit", "secondary limit")


@contextmanager
def translated(doing: str, *, writes: bool) -> Iterator[None]:
    """Turn a failed connection into ActionUnavailable. `writes` is True if the request may act."""
    try:
        yield
    except exceptions.HTTPError as err:
        unsent = _never_sent(err)
        reason = "GitHub could not be reached" if unsent else "no answer came"
        raise ActionUnavailable(
            f"github: could not {doing}: {reason} ({type(err).__name__})",
            sent=writes and not unsent,
        ) from err


def check(
    doing: str,
    status: int,
    headers: Mapping[str, str],
    data: Any,
    *,
    writes: bool,
    credentials: str,
) -> None:
    """Raise an ActionError for other than 2xx; `credentials` names the settings in use."""
    said = _message(data)
    failed = f"github: could not {doing}"
    if status == 429:
        raise _limited(doing, headers)
    if status == 403:
        check_limit(doing, headers, said)
    if status >= 500:
        raise ActionUnavailable(
            f"{failed}: GitHub answered {status}",
            retry_after=_seconds(headers.get("retry-after")),
            sent=writes,
        )
    if status >= 300:
        raise ActionRejected(
            f"{failed}: {status} {said}; {_advice(status, said, headers, credentials)}",
            status=status,
        )


def check_limit(doing: str, headers: Mapping[str, str], said: str) -> None:
    """Raise ActionUnavailable for an answer that was refused, `said` why, because too much was
    asked. GraphQL refuses with the status 200."""
    if (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or any(words in said.lower() for words in _LIMIT_WORDS)
    ):
        raise _limited(doing, headers)


def _limited(doing: str, headers: Mapping[str, str]) -> ActionUnavailable:
    wait = _pause(headers)
    return ActionUnavailable(
        f"github: could not {doing}: rate limited, retry in {wait:.0f} s",
        retry_after=wait,
        sent=False,
    )


def _advice(status: int, said: str, headers: Mapping[str, str], credentials: str) -> str:
    if status == 401:
        return f"check {credentials}"
    if status == 403 and "is locked" in said:
        return "no app can comment there; comment before you lock it, or unlock it"
    if status == 403 and "archived" in said:
        return "unarchive the repository, or point the flow at another one"
    if status == 403:
        needed = headers.get("x-accepted-github-permissions") or "issues=write"
        return f"it needs the permission {needed}; see {credentials}"
    if status == 404:
        return f"it is gone, or hidden from {credentials}"
    if status == 410:
        return "it was deleted, or the repository has no issues"
    if status < 400:
        return "the repository was renamed or moved, or GITHUB_API_URL is not the API's address"
    return "GitHub does not take the request as it is"


def _message(data: Any) -> str:
    """Return GitHub's own words, cut short since it may quote values back."""
    message = data.get("message") if isinstance(data, dict) else None
    return message[:100] if isinstance(message, str) else "without a reason"


def _pause(headers: Mapping[str, str]) -> float:
    asked = _seconds(headers.get("retry-after"))
    if asked is not None:
        return asked
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(reset - time.time(), 1.0)
    return _SECONDARY_PAUSE


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:
        return None


def _never_sent(err: exceptions.HTTPError) -> bool:
    """Tell whether the connection failed before the request could leave this machine."""
    if isinstance(err, exceptions.SSLError):
        return bool(err.args) and isinstance(err.args[0], ssl.SSLCertVerificationError)
    return isinstance(err, exceptions.NewConnectionError | exceptions.ConnectTimeoutError)
