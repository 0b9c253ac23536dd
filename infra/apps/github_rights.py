"""What the GitHub App may do and hears: read off the flows' own declarations, so that a flow that
acts or wakes in another way changes the App too."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Self

from shared.actions.platforms import rights_of
from shared.agent.flow import Flow
from shared.errors import SettingsError
from shared.events import Json
from shared.perception.github import COMMANDED

_CONNECTOR = "shared.actions.github:connect"
_LEVELS = ("", "read", "write", "admin")

#: What an App must be allowed to read before it may subscribe to an event. It subscribes to others
#: by nothing at all. https://docs.github.com/en/webhooks/webhook-events-and-payloads
_NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("workflow_job", "workflow_run"), "actions"),
    **dict.fromkeys(
        ("branch_protection_configuration", "branch_protection_rule", "repository_ruleset"),
        "administration",
    ),
    "security_and_analysis": "administration",
    **dict.fromkeys(("check_run", "check_suite"), "checks"),
    **dict.fromkeys(
        ("commit_comment", "create", "delete", "fork", "gollum", "push", "release"), "contents"
    ),
    **dict.fromkeys(("repository_dispatch", "workflow_dispatch"), "contents"),
    **dict.fromkeys(
        (
            *("deploy_key", "deployment", "deployment_protection_rule", "deployment_review"),
            "deployment_status",
        ),
        "deployments",
    ),
    **dict.fromkeys(("discussion", "discussion_comment"), "discussions"),
    **dict.fromkeys(("issue_comment", "issues", "milestone", "sub_issues"), "issues"),
    "issue_dependencies": "issues",
    **dict.fromkeys(("member", "membership", "organization", "team", "team_add"), "members"),
    "merge_group": "merge_queues",
    **dict.fromkeys(("label", "public", "repository", "star", "watch"), "metadata"),
    "org_block": "organization_administration",
    **dict.fromkeys(("projects_v2", "projects_v2_item"), "organization_projects"),
    "projects_v2_status_update": "organization_projects",
    **dict.fromkeys(("package", "registry_package"), "packages"),
    "page_build": "pages",
    **dict.fromkeys(
        (
            *("pull_request", "pull_request_review", "pull_request_review_comment"),
            "pull_request_review_thread",
        ),
        "pull_requests",
    ),
    "repository_advisory": "repository_advisories",
    **dict.fromkeys(
        ("secret_scanning_alert", "secret_scanning_alert_location"), "secret_scanning_alerts"
    ),
    **dict.fromkeys(("code_scanning_alert",), "security_events"),
    "status": "statuses",
    "dependabot_alert": "vulnerability_alerts",
}
#: Every App hears these, and cannot subscribe to them.
_ALWAYS = frozenset(
    {
        *("github_app_authorization", "installation", "installation_repositories"),
        *("installation_target", "ping"),
    }
)


class Rights(NamedTuple):
    """An App's permissions, by GitHub's names, and the events that it subscribes to."""

    permissions: Mapping[str, str]
    events: frozenset[str]

    @classmethod
    def of(cls, flows: Iterable[Flow]) -> Self:
        """Return what the flows need together; raises SettingsError for an event that no App
        hears."""
        flows = list(flows)
        events = frozenset(_events(flows))
        permissions = {"metadata": "read"}
        for name, level in [*_acts(flows), *((_NEEDS[event], "read") for event in events)]:
            permissions[name] = max(level, permissions.get(name, ""), key=_LEVELS.index)
        return cls(dict(sorted(permissions.items())), events)

    @classmethod
    def of_app(cls, app: Json) -> Self:
        """Return what an App has, or an installation of it."""
        return cls(app.get("permissions") or {}, frozenset(app.get("events") or ()))

    def lacking(self, wanted: "Rights") -> "Rights":
        """Return what of `wanted` is not here."""
        return Rights(
            {
                name: level
                for name, level in wanted.permissions.items()
                if _LEVELS.index(self.permissions.get(name, "")) < _LEVELS.index(level)
            },
            wanted.events - self.events,
        )

    def __bool__(self) -> bool:
        return bool(self.permissions or self.events)

    def __str__(self) -> str:
        """
        >>> str(Rights({"contents": "read"}, frozenset({"push"})))
        'permission contents: read; event push'
        """
        may = [f"permission {name}: {level}" for name, level in self.permissions.items()]
        return "; ".join(may + [f"event {name}" for name in sorted(self.events)])


def _acts(flows: Iterable[Flow]) -> Iterator[tuple[str, str]]:
    """Yield the permissions of the flows' actions and queries, as their tokens carry them."""
    for flow in flows:
        yield from rights_of(flow.may, flow.reads).get(_CONNECTOR, {}).items()


def _events(flows: Iterable[Flow]) -> Iterator[str]:
    for flow in flows:
        for type_ in flow.types:
            source, _, rest = type_.partition(".")
            name = rest.partition(".")[0]
            if source != "github" or name in _ALWAYS:
                continue
            if name in {"command", "mention"}:
                yield from (one.split(".")[1] for one in COMMANDED)
            elif name in _NEEDS:
                yield name
            else:
                raise SettingsError(
                    f"{flow.name} takes {type_}, which no GitHub App hears; see"
                    " https://docs.github.com/en/webhooks/webhook-events-and-payloads"
                )
