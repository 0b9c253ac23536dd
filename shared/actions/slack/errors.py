"""Turns Slack's refusals and silences into our errors, at the border to the SDK."""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from traceback import clear_frames
from urllib.error import URLError

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from shared.errors import ActionError, ActionRejected, ActionUnavailable

#: Errors after which, as Slack's pages say, part of the call may have happened.
_UNCERTAIN = {"fatal_error", "internal_error", "service_unavailable"}
#: Temporary errors after which nothing happened.
_PASSING = {"request_timeout", "team_added_to_org", "external_channel_migrating"}
_RATE_LIMITED = {"ratelimited", "rate_limited"}

_TOKEN = "install the app there again, or set SLACK_BOT_TOKEN to its token as it is installed now"
_INVITE = "invite the app to the channel (/invite @app)"
_ADVICE = {
    "account_inactive": _TOKEN,
    "already_reacted": "no action is needed",
    "cannot_reply_to_message": "Slack takes no replies to this kind of message",
    "channel_not_found": _INVITE,
    "invalid_auth": _TOKEN,
    "invalid_name": "use the name of an emoji of the workspace, without colons",
    "is_archived": "unarchive the channel, or point the flow at another one",
    "message_not_found": "the message was deleted; no action is needed",
    "no_text": "give the reply a text",
    "not_allowed_token_type": _TOKEN,
    "not_authed": _TOKEN,
    "not_in_channel": _INVITE,
    "restricted_action": "an admin of the workspace restricts who posts there; ask them",
    "thread_not_found": "the message that it answers was deleted; no action is needed",
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
}
#: Failures to connect that have a number but no class: nothing was sent.
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}


class SlackRefused(ActionRejected):
    """Slack said no; `code` is its reason."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SlackEndless(ActionRejected):
    """Slack names page after page of a list, or the same page again."""


@contextmanager
def border(doing: str, *, acts: bool) -> Iterator[None]:
    """Translate the errors of the SDK. `doing` completes "could not …"; `acts` is True if the call
    changes something on Slack."""
    try:
        yield
    except SlackApiError as err:
        raise _answered(doing, err.response, acts) from err
    except (OSError, HTTPException, UnicodeDecodeError) as err:
        # The SDK leaves the connection open when a body stops or is reset; the traceback holds it.
        clear_frames(err.__traceback__)
        raise _unanswered(doing, err, acts) from err


def _answered(doing: str, response: SlackResponse, acts: bool) -> ActionError:
    """Return the error for an unsuccessful answer."""
    status = response.status_code
    answer = response.data if isinstance(response.data, dict) else {}
    code = str(answer.get("error", ""))
    # For an answer other than JSON the SDK puts the start of the body into `error`.
    code = code if re.fullmatch(r"[a-z0-9_]+", code) else ""
    if status == 429 or code in _RATE_LIMITED:
        headers = {name.lower(): value for name, value in response.headers.items()}
        pause = float(after) if (after := str(headers.get("retry-after", ""))).isdigit() else None
        wait = f", retry in {pause:g} s" if pause is not None else ""
        return ActionUnavailable(f"slack: could not {doing}: rate limited{wait}", pause, sent=False)
    if code in _PASSING:
        return ActionUnavailable(f"slack: could not {doing}: {code}", sent=False)
    if code in _UNCERTAIN or status >= 500 or (status == 200 and not code):
        reason = code or f"HTTP {status} without Slack's answer"
        return ActionUnavailable(f"slack: could not {doing}: {reason}", sent=acts)
    if not code:
        return ActionRejected(f"slack: could not {doing}: HTTP {status}; check SLACK_API_URL")
    return SlackRefused(f"slack: could not {doing}: {code}; {_advice(code, answer)}", code)


def _advice(code: str, answer: dict[str, object]) -> str:
    if code == "missing_scope":
        return f"add the scope {answer.get('needed', '')} to the Slack app and install it again"
    return _ADVICE.get(code, "docs.slack.dev/reference/methods explains it")


def _unanswered(doing: str, err: Exception, acts: bool) -> ActionUnavailable:
    """Return the error for a call without an answer. Slack certainly did nothing only if there was
    no connection."""
    reason = err.reason if isinstance(err, URLError) else err
    unconnected = isinstance(err, URLError) and (
        isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
        or getattr(reason, "errno", None) in _NO_ROUTE
    )
    return ActionUnavailable(
        f"slack: could not {doing}: {type(reason).__name__};"
        f" {'no connection' if unconnected else 'no answer'}, check SLACK_API_URL if it stays so",
        sent=acts and not unconnected,
    )
