"""The App's permissions and events are read off the flows, and follow them."""

from collections.abc import Sequence
from typing import Any

import pytest

from infra.apps.github_rights import Rights
from infra.deploy.declared import declared_flows
from infra.project import ROOT
from shared.actions import Permission, Query
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.github.queries import ListPulls
from shared.actions.platforms import rights_of
from shared.actions.slack.actions import Post
from shared.agent.agent import Agent
from shared.agent.flow import Flow, flow
from shared.errors import SettingsError
from shared.events import Event

GITHUB = "shared.actions.github:connect"


def _flow(*types: str, may: Sequence[Permission] = (), reads: Sequence[type[Query]] = ()) -> Flow:
    def act(event: Event, agent: Agent) -> None:
        pass

    return flow(*types, may=may, reads=reads)(act)


def test_the_app_may_what_the_tokens_of_all_flows_carry_and_hears_what_wakes_them() -> None:
    flows = declared_flows().values()
    wanted = Rights.of(flows)
    for one in flows:
        carried = rights_of(one.may, one.reads).get(GITHUB, {})
        assert not Rights(wanted.permissions, frozenset()).lacking(Rights(carried, frozenset()))
    named = {
        type_.split(".")[1]
        for one in flows
        for type_ in one.types
        if type_.startswith("github.") and type_.split(".")[1] not in {"command", "mention"}
    }
    unheard = {name for name in named if name.startswith("installation")}
    assert named - unheard <= wanted.events
    assert "installation" not in wanted.events


def test_the_docs_say_how_an_app_is_made_by_hand() -> None:
    wanted, text = Rights.of(declared_flows().values()), (ROOT / "docs/deploy.md").read_text()
    permissions = "; ".join(f"{name}: {level}" for name, level in wanted.permissions.items())
    assert f"| Permissions | {permissions} |" in text
    assert f"| Subscribe to events | {', '.join(sorted(wanted.events))} |" in text


@pytest.mark.parametrize(
    ("types", "more", "permissions", "events"),
    [
        (["slack.app_mention"], {"may": [Post.at_most(1)]}, {}, set()),
        (["github.push"], {}, {"contents": "read"}, {"push"}),
        (["github.release.published"], {}, {"contents": "read"}, {"release"}),
        (["github.discussion.created"], {}, {"discussions": "read"}, {"discussion"}),
        (["github.team.created"], {}, {"members": "read"}, {"team"}),
        (["github.workflow_run.completed"], {}, {"actions": "read"}, {"workflow_run"}),
        (["github.installation.deleted"], {}, {}, set()),
        (
            ["github.issues.opened"],
            {"may": [AddLabels.at_most(1)]},
            {"issues": "write"},
            {"issues"},
        ),
        (["github.issues.opened"], {}, {"issues": "read"}, {"issues"}),
        (
            ["schedule.stale"],
            {"may": [Comment.at_most(1)], "reads": [ListPulls]},
            {"issues": "write", "pull_requests": "read"},
            set(),
        ),
        (
            ["github.mention.deploy"],
            {},
            {"issues": "read", "pull_requests": "read"},
            {
                *("issues", "issue_comment", "pull_request"),
                *("pull_request_review", "pull_request_review_comment"),
            },
        ),
    ],
)
def test_each_flow_asks_for_no_more_than_it_needs(
    types: list[str], more: Any, permissions: dict[str, str], events: set[str]
) -> None:
    found = Rights.of([_flow(*types, **more)])
    assert found == Rights({"metadata": "read", **permissions}, frozenset(events))


def test_an_event_that_no_app_hears_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"takes github\.sponsorship\.created"):
        Rights.of([_flow("github.sponsorship.created")])


def test_what_an_app_lacks_is_said() -> None:
    has = Rights({"metadata": "read", "issues": "read"}, frozenset({"push"}))
    wanted = Rights({"metadata": "read", "issues": "write"}, frozenset({"push", "issues"}))
    assert str(has.lacking(wanted)) == "permission issues: write; event issues"
    assert not wanted.lacking(has)
