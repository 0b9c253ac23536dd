"""The app's status in a thread, suggested prompts and titles, and the sessions of an agent.

A session's status never changes by itself, also not when a person presses Stop. Only an app that is
declared an agent has sessions.

https://docs.slack.dev/ai/agent-sessions
https://docs.slack.dev/reference/methods/assistant.threads.setStatus
"""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.slack.blocks import parsed
from infra.local.sandbox.slack.workspace import Refusal, Workspace
from shared.events import Json

#: Seconds after which a status goes, when no message was sent.
STATUS_LIFE = 120.0
_STATUSES = {"active", "processing", "suspended", "closed"}
#: The most loading lines, suggested prompts, and characters of a title.
_LINES, _PROMPTS, _TITLE = 10, 4, 200


def set_status(workspace: Workspace, arguments: Json) -> Json:
    key = _thread(workspace, arguments)
    lines = _list(arguments.get("loading_messages"))
    if len(lines) > _LINES:
        raise Refusal("invalid_arguments")
    status = arguments.get("status")
    row = {"status": status, "loading_messages": lines, "at": workspace.now()} if status else None
    workspace.show("statuses", key, row)
    return {}


def set_prompts(workspace: Workspace, arguments: Json) -> Json:
    """Suggest prompts. An agent's stand in the conversation; with a thread nothing happens."""
    channel = workspace.channel(str(arguments.get("channel_id")))["id"]
    prompts = _list(arguments.get("prompts"))
    if not 0 < len(prompts) <= _PROMPTS or not all(_is_prompt(one) for one in prompts):
        raise Refusal("invalid_arguments")
    if not (workspace.is_agent and arguments.get("thread_ts")):
        workspace.show("prompts", channel, {"title": arguments.get("title"), "prompts": prompts})
    return {}


def set_title(workspace: Workspace, arguments: Json) -> Json:
    """Name a thread of a legacy assistant."""
    workspace.show("titles", _thread(workspace, arguments), {"title": arguments.get("title")})
    return {}


def set_session_status(workspace: Workspace, arguments: Json) -> Json:
    if not workspace.is_agent:
        raise Refusal("not_authorized")
    key, status = _thread(workspace, arguments), str(arguments.get("status"))
    title = str(arguments.get("title") or "")
    if status not in _STATUSES or len(title) > _TITLE:
        raise Refusal("invalid_arguments")
    found = workspace.shown("sessions", key) or {"title": title}
    workspace.show("sessions", key, {**found, "status": status})
    return {"status": status, "agent_status": status, "title": found["title"]}


def rename_session(workspace: Workspace, arguments: Json) -> Json:
    if not workspace.is_agent:
        raise Refusal("not_authorized")
    key, title = _thread(workspace, arguments), str(arguments.get("title") or "")
    if not 0 < len(title) <= _TITLE:
        raise Refusal("invalid_arguments")
    if not (found := workspace.shown("sessions", key)):
        raise Refusal("session_not_found")
    workspace.show("sessions", key, {**found, "title": title})
    return {"title": title}


METHODS: Mapping[str, Callable[[Workspace, Json], Json]] = {
    "agents.sessions.rename": rename_session,
    "agents.sessions.setStatus": set_session_status,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setSuggestedPrompts": set_prompts,
    "assistant.threads.setTitle": set_title,
}


def move_session(workspace: Workspace, channel: str, thread: str, status: str) -> None:
    """Set the status of a session that there is."""
    key = f"{channel}/{thread}"
    if found := workspace.shown("sessions", key):
        workspace.show("sessions", key, {**found, "status": status})


def status_of(workspace: Workspace, channel: str, thread: str) -> Json:
    """Return the status that stands in a thread; empty without one."""
    found = workspace.shown("statuses", f"{channel}/{thread}") or {}
    is_old = bool(found) and workspace.now() - float(found["at"]) >= STATUS_LIFE
    return {} if is_old else found


def _thread(workspace: Workspace, arguments: Json) -> str:
    """Name the thread of the arguments; raises Refusal without such one."""
    channel = workspace.channel(str(arguments.get("channel_id")))
    if not channel.get("is_member", True):
        raise Refusal("channel_not_found")
    ts = str(arguments.get("thread_ts"))
    try:
        workspace.message(channel["id"], ts)
    except Refusal:
        raise Refusal("invalid_thread_ts") from None
    return f"{channel['id']}/{ts}"


def _list(value: Any) -> list[Any]:
    found = parsed(value or [], "invalid_arguments")
    if not isinstance(found, list):
        raise Refusal("invalid_arguments")
    return found


def _is_prompt(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("title")) and bool(one.get("message"))
