"""The Web API's methods for views."""

from collections.abc import Callable, Mapping

from infra.local.sandbox.slack.views.checks import checked_view
from infra.local.sandbox.slack.workspace import TEAM, Refusal, Workspace
from shared.events import Json


def open_view(workspace: Workspace, arguments: Json) -> Json:
    return _opened(workspace, arguments, push=False)


def push_view(workspace: Workspace, arguments: Json) -> Json:
    return _opened(workspace, arguments, push=True)


def update_view(workspace: Workspace, arguments: Json) -> Json:
    view = checked_view(arguments.get("view"), ("modal",))
    named = [str(arguments.get(name) or "") for name in ("view_id", "external_id", "hash")]
    if not (named[0] or named[1]):
        raise Refusal("invalid_arguments")
    return {"view": shown(workspace.views.update(view, *named))}


def publish_view(workspace: Workspace, arguments: Json) -> Json:
    view = checked_view(arguments.get("view"), ("home",))
    user = arguments.get("user_id")
    if user not in workspace.users:
        raise Refusal("user_not_found")
    before = workspace.shown("views", user) or {}
    if arguments.get("hash") and arguments["hash"] != before.get("hash"):
        raise Refusal("hash_conflict")
    made = {"id": f"V0{user}", "team_id": TEAM, "app_installed_team_id": TEAM, **view}
    made |= {"hash": workspace.views.trigger(user)[:24], "state": {"values": {}}}
    workspace.show("views", user, made)
    return {"view": made}


METHODS: Mapping[str, Callable[[Workspace, Json], Json]] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}


def shown(view: Json) -> Json:
    """Return a view as Slack tells it to the app."""
    return {
        name: value for name, value in view.items() if name not in {"user", "errors", "trouble"}
    }


def _opened(workspace: Workspace, arguments: Json, *, push: bool) -> Json:
    trigger = str(arguments.get("trigger_id") or "")
    if not trigger:
        raise Refusal("invalid_arguments")
    view = checked_view(arguments.get("view"), ("modal",))
    return {"view": shown(workspace.views.open(trigger, view, push=push))}
