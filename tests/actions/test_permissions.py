"""A flow's credentials carry the rights of its actions and queries, and the docs name them all."""

from collections.abc import Mapping

import pytest

from flows.plan import MAY, TOOLS
from infra.local.sandbox.github.tokens import PERMISSIONS
from infra.project import flow_modules
from shared.actions import Action, Query
from shared.actions.github import actions as do
from shared.actions.github import queries as ask
from shared.actions.platforms import Platforms, needed
from shared.agent.flow import Flow, load_flow
from shared.errors import PolicyError
from shared.events import Issue
from shared.settings import Settings

GITHUB = do.OnGitHub.connector
FLOWS = tuple(load_flow(f"{module}:{name}") for name, module in flow_modules().items())
KINDS = tuple(
    kind
    for module in (do, ask)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Action | Query)
    if kind.__module__ == module.__name__ and not kind.__name__.startswith("_")
)


#: What chat looks into, and writes nothing.
READ = ("checks", "contents", "issues", "metadata", "pull_requests", "statuses")


def rights(flow: Flow) -> Mapping[str, str]:
    kinds: list[type[Action | Query]] = [*(one.action for one in flow.may), *flow.reads]
    return needed(kinds).get(GITHUB, {})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_on_github_says_what_it_needs(kind: type[Action | Query]) -> None:
    assert kind.permissions
    assert set(kind.permissions) <= set(PERMISSIONS)
    level = "write" if issubclass(kind, Action) else "read"
    assert set(kind.permissions.values()) == {level}


def test_the_sandbox_app_has_the_rights_of_all_flows() -> None:
    assert _union(FLOWS) | {"metadata": "read"} == PERMISSIONS


def _union(flows: "tuple[Flow, ...] | list[Flow]") -> dict[str, str]:
    kinds: list[type[Action | Query]] = []
    for flow in flows:
        kinds += [*(one.action for one in flow.may), *flow.reads]
    return needed(kinds)[GITHUB]


@pytest.mark.parametrize(
    ("name", "rights_of_it"),
    [
        (
            "triage",
            {
                "contents": "read",
                "issues": "write",
                "metadata": "read",
                "pull_requests": "write",
            },
        ),
        ("memory", {"issues": "write", "pull_requests": "write"}),
        ("ingest", {"contents": "read"}),
        ("plan", {"contents": "write", "issues": "write", "pull_requests": "write"}),
        ("chat", dict.fromkeys(READ, "read")),
        ("upkeep", {}),
        ("sweep", {}),
    ],
)
def test_a_flow_has_no_more_than_it_needs(name: str, rights_of_it: Mapping[str, str]) -> None:
    assert rights(load_flow(f"{flow_modules()[name]}:{name}")) == rights_of_it


def test_the_higher_of_two_rights_counts_in_any_order() -> None:
    kinds: list[type[Action | Query]] = [ask.ListIssues, do.Comment, ask.ReadText]
    union = {"issues": "write", "pull_requests": "read", "contents": "read"}
    assert needed(kinds) == needed(kinds[::-1]) == {GITHUB: union}


def test_a_query_that_needs_more_than_the_flow_has_is_refused() -> None:
    settings = Settings(github_token="t", github_api_url="http://127.0.0.1:9")
    platforms = Platforms([do.Comment.at_most(1)], [ask.ListFiles], settings)
    issue = Issue("acme/shop", 1)
    for wanted in (do.Comment(issue, "x"), ask.ReadIssue(*issue), ask.ReadText("acme/shop", "a")):
        assert platforms(wanted)
    for beyond in (do.OpenDraft(do.Repository("a/b"), "", "", "", ""), ask.ListPulls("acme/shop")):
        with pytest.raises(PolicyError, match="is not in the flow's may="):
            platforms(beyond)


def test_a_plan_may_put_the_queries_of_its_tools() -> None:
    platforms = Platforms(MAY, [], Settings(github_token="t", github_api_url="http://127.0.0.1:9"))
    assert any(tool.name == "read_file" for tool in TOOLS)
    for query in (
        do.ListLabels("acme/shop"),
        ask.SearchIssues("acme/shop", "x"),
        ask.ReadIssue("acme/shop", 1),
        ask.SearchCode("acme/shop", "x"),
        ask.ReadText("acme/shop", "a"),
        ask.ListCommits("acme/shop"),
        ask.ListPulls("acme/shop"),
        ask.ReadPull("acme/shop", 1),
    ):
        assert platforms(query)
