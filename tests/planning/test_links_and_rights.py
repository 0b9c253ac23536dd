"""Links to what a plan found and made work in Slack, and a plan writes on GitHub only what the
account of who consented may write."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack.workspace import ALICE, SUPPORT, TEAM
from shared.actions.authority import RecentAnswers
from shared.agent.flow import Flow
from shared.database import Database
from shared.people.store import LinkedPerson, PeopleTable
from shared.planning.plan import Plan
from shared.runtime.lifecycle import own_hosts
from shared.settings import Settings
from tests.planning.plans import Drafts, planned, step
from tests.planning.slack_workspace import SlackWorkspace, slack_workspace

SHOP = "acme/shop"
FINDS = Plan((step("s1", "search_issues", words="umlauts"),))
MAKES = Plan((step("s1", "open_issue", title="Track logins", body="All of them."),))


class Open(Protocol):
    def __call__(self, flow: Flow, **settings: str) -> SlackWorkspace: ...


@pytest.fixture
def hub() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as hub:
        hub.open_issue(SHOP, "Login: umlauts")
        yield hub


@pytest.fixture
def opened(database_url: str, hub: GitHubSandbox) -> Iterator[Open]:
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url, patience=5))

        def start(flow: Flow, **settings: str) -> SlackWorkspace:
            it = stack.enter_context(slack_workspace(database, flow, hub, **settings))
            it.repositories = {f"channel:{SUPPORT}": SHOP}
            return it

        yield start


def test_what_a_plan_found_is_linked(opened: Open, hub: GitHubSandbox) -> None:
    it = opened(planned(Drafts(FINDS)))
    assert it.it.ended(it.plan("find the umlauts")).state == "done"
    assert f"[#1 Login: umlauts]({hub.issue(SHOP, 1)['html_url']})" in it.texts()[-1]


def test_what_a_plan_made_is_linked_in_its_message(opened: Open, hub: GitHubSandbox) -> None:
    it = opened(planned(Drafts(MAKES)), github_api_url=hub.api_url)
    plan = it.plan("track the logins")
    it.press(it.asked(), "approve")
    assert it.it.ended(plan).state == "done"
    assert f"[open_issue s1]({hub.issue(SHOP, 2)['html_url']})" in it.texts()[0]


@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://ghe.acme.test/api/v3", "ghe.acme.test"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
    ],
)
def test_the_github_of_the_settings_is_a_known_host(api: str, host: str) -> None:
    assert host in own_hosts(Settings(github_api_url=api))
    assert "evil.example" not in own_hosts(Settings(github_api_url=api))


@pytest.mark.parametrize(("after", "issues"), [("write", 2), ("read", 1)])
def test_the_account_of_who_consented_is_asked_again_before_the_act(
    opened: Open, hub: GitHubSandbox, after: str, issues: int
) -> None:
    it = opened(planned(Drafts(MAKES)), github_client_id="Iv1")
    hub.set_permission(SHOP, "li", "write")
    hub.person_token("li")
    proved = LinkedPerson(TEAM, ALICE, str(hub.account_id("li")), "li")
    assert PeopleTable(it.it.runner.database).link("github:acme", proved)
    planner = it.it._planner

    def acting(call: Any, context: Any) -> Any:
        if call["state"] == "Act":  # more than a minute later
            hub.set_permission(SHOP, "li", after)
            recent = it.it.runner.can.services.get(RecentAnswers, RecentAnswers)
            recent._kept.clear()
        return planner(call, context)

    it.it._planner = acting
    plan = it.plan("track the logins")
    it.press(it.asked(), "approve")
    assert it.it.ended(plan).state == ("done" if issues == 2 else "failed")
    assert len(hub.issues(SHOP)) == issues
    if issues == 1:
        assert "may not write there" in it.texts()[-1]
