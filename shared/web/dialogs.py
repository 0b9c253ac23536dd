"""What Slack wants within its 3 seconds, done at the front door from declared forms: opening a
dialog, and saying at the fields what is wrong with a submission.

No database, no SDK: one request by the standard library, and the workspace's token when it is first
needed (workspace_tokens).
"""

import json
from typing import NamedTuple

from shared.aws.signed_http import HttpConnection, trusting_system
from shared.events import Event, Json
from shared.forms import Form
from shared.forms.showing import key_of, opening, told
from shared.forms.submission import FormOrigin, errors_in
from shared.forms.table import FORMS, opened_by
from shared.installations import Workspace
from shared.metrics import count
from shared.perception.commands import Takes
from shared.settings import Settings
from shared.web.workspace_tokens import token_for

#: Seconds that Slack's answer may take: a trigger lives for 3 s, and the event must be published
#: within them too. https://docs.slack.dev/surfaces/modals#opening
TIMEOUT = 1.2
#: The names that Slack's refusals have; another is not repeated.
_CODE = frozenset("abcdefghijklmnopqrstuvwxyz_")
#: Slack's refusals of a token that another may have taken the place of.
_REFUSALS = frozenset({"invalid_auth", "token_revoked", "token_expired", "account_inactive"})
_STALE = "This dialog is older than the app. Close it and open it again."


class Checked(NamedTuple):
    """The answer to a submission, and whether its event is published."""

    answer: Json | None
    is_taken: bool


def checked(payload: Json, *, is_wanted: bool) -> Checked:
    """Check a submission by what its form declares. Other interactions pass as they are, and what
    is submitted to no form of ours, if some flow wants it."""
    if payload.get("type") != "view_submission":
        return Checked(None, is_taken=True)
    view = payload.get("view")
    view = view if isinstance(view, dict) else {}
    form = FORMS.get(str(view.get("callback_id")))
    if form is None and is_wanted:
        return Checked(None, is_taken=True)
    if form is None or not is_wanted:
        stale = Form(str(view.get("callback_id") or "stale")[:80], "Too old", ())
        return Checked(_updated(told(stale, "", _STALE)), is_taken=False)
    if wrong := errors_in(form, view):
        return Checked({"response_action": "errors", "errors": wrong}, is_taken=False)
    origin = str(view.get("private_metadata") or "")
    waits = _updated(told(form, origin, form.waits)) if form.waits else None
    return Checked(waits, is_taken=True)


def opened(settings: Settings, event: Event, takes: Takes, command: str = "") -> Event:
    """Open the form that the event wants, if any, and return the event to publish; nothing opens
    that no flow takes when it is submitted."""
    form = opened_by(event.payload, command)
    if form is None or not takes(f"slack.form.{form.name}"):
        return event
    code = _open(settings, form, event)
    if code:
        count("Rejected", "dialog not opened", source="slack", form=form.name, reason=code)
        return event._replace(type="slack.press.refused", text=code)
    return event._replace(type=f"slack.opened.{form.name}") if form.fills else event


def _open(settings: Settings, form: Form, event: Event) -> str:
    """Open the form for the person who pressed; return Slack's reason when it does not open."""
    view = opening(form, FormOrigin.of(event).to_text(), key_of(event.payload))
    body = {"trigger_id": event.payload.get("trigger_id"), "view": view}
    where = Workspace.of(event)
    token = token_for(settings, where, lambda one: _team(settings.slack_api_url, one))
    if token is None:
        return "another_workspace"
    code = _called(settings.slack_api_url, "views.open", token.value, body)
    if code in _REFUSALS and (other := token.renewed(token.value)):
        code = _called(settings.slack_api_url, "views.open", other, body)
    return code


_teams: dict[str, str] = {}


def _team(api_url: str, token: str) -> str:
    """Return the workspace of a token, which a process asks once; '' where Slack does not say."""
    if token and not _teams.get(token):
        answer, _ = _sent(api_url, "auth.test", token, {})
        _teams[token] = str(answer.get("team_id") or "")
    return _teams.get(token, "")


def _called(api_url: str, method: str, token: str, body: Json) -> str:
    """Call a method of Slack once; return '' or the reason why it did nothing. It is not repeated:
    a trigger counts once."""
    answer, status = _sent(api_url, method, token, body)
    if answer.get("ok") is True:
        return ""
    if not status:
        return "no_answer"
    code = str(answer.get("error") or "")
    return code if code and _CODE.issuperset(code) else f"http_{status}"


def _sent(api_url: str, method: str, token: str, body: Json) -> tuple[Json, int]:
    """Return Slack's answer, empty where it is none, and its status; 0 without an answer."""
    scheme, _, rest = api_url.partition("://")
    host, _, path = rest.partition("/")
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json; charset=utf-8",
    }
    context = trusting_system() if scheme == "https" else None
    connection = HttpConnection(f"{scheme}://{host}", TIMEOUT, context)
    try:
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        reply = connection.send("POST", f"/{path.rstrip('/')}/{method}", headers, text)
        answer = json.loads(reply.body) if reply.status == 200 else {}
    except (OSError, ValueError):
        return {}, 0
    finally:
        connection.close()
    return (answer if isinstance(answer, dict) else {}), reply.status


def _updated(view: Json) -> Json:
    return {"response_action": "update", "view": view}
