"""What happened to an issue or a pull request, as GitHub lists it.

https://docs.github.com/en/rest/using-the-rest-api/issue-event-types
"""

from collections.abc import Mapping

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: What is listed, by the name that its webhook has; the others are told by webhooks alone.
_LISTED = {
    **{name: name for name in ("closed", "reopened", "labeled", "unlabeled", "locked", "unlocked")},
    **{name: name for name in ("assigned", "unassigned", "milestoned", "demilestoned")},
    **{name: name for name in ("ready_for_review", "review_requested", "review_request_removed")},
    "converted_to_draft": "convert_to_draft",
}


class IssueHistory:
    """Keeps the events of issues and shows them."""

    def __init__(self, state: SandboxState, views: Views) -> None:
        self._state = state
        self._views = views

    def note(self, actor: str, issue: Json, action: str, more: Mapping[str, object]) -> None:
        """Keep what a webhook of this action tells, if GitHub lists it."""
        if action not in _LISTED:
            return
        about: Json = {"lock_reason": issue.get("lock_reason")} if action == "locked" else {}
        if action == "closed":
            about["state_reason"] = issue["state_reason"]
        for name, value in more.items():
            if isinstance(value, dict):
                same = {"label": ("name", "color"), "milestone": ("title",)}.get(name, ("login",))
                about[name] = {key: value[key] for key in same}
        self._state.add(
            "issue_events", issue=issue["id"], event=_LISTED[action], actor=actor, about=about
        )

    def shown(self, row: Json) -> Json:
        """Show an event. Of an assignment GitHub tells in `assigner` who made it."""
        issue = self._state.get("issues", row["issue"])
        repository = self._state.get("repositories", issue["repository"]) if issue else None
        name = repository["name"] if repository else ""
        about = {
            key: self._views.account(value["login"]) if "login" in value else value
            for key, value in row["about"].items()
            if isinstance(value, dict)
        }
        said = {key: value for key, value in row["about"].items() if not isinstance(value, dict)}
        actor = self._views.account(row["actor"])
        if "assignee" in about:
            about["assigner"] = actor
        return {
            "id": row["id"],
            "node_id": node_id("EV", row),
            "url": f"{self._views.api}/repos/{name}/issues/events/{row['id']}",
            "actor": actor,
            "event": row["event"],
            "commit_id": None,
            "commit_url": None,
            "created_at": row["created_at"],
            "performed_via_github_app": None,
            **about,
            **said,
        }
