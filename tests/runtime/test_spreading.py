"""A schedule spreads into an event for each place that its flow names, and acts in that alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from shared.actions import Permission, Reading
from shared.actions.github.actions import AddLabels
from shared.actions.platforms import Platforms
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.database import Database, Statement
from shared.events import Event, Issue
from shared.testing import FlowRunner, schedule_event
from tests.actions.github.sandbox_issue import as_app
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

TICK = schedule_event("labels")
SHOP, SITE = "acme/shop", "acme/site"
_BOTH = (AddLabels.on(SHOP, SITE, limit=1),)


@pytest.fixture
def hub(sandbox: GitHubSandbox) -> GitHubSandbox:
    sandbox.add_repository(SITE)
    sandbox.set_private(SITE, private=True)
    sandbox.add_label(SITE, "bug")
    for repository in (SHOP, SITE):
        sandbox.open_issue(repository, "It crashes", "At checkout.")
    return sandbox


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", state=tmp_path / "slack") as workspace:
        yield workspace


def labels(may: Sequence[Permission] = _BOTH, reads: Sequence[Reading] = (), at: str = "") -> Flow:
    """A scheduled flow that labels the first issue where it is, or always in the same place."""

    @flow("schedule.labels", may=may, reads=reads)
    def labels(event: Event, agent: Agent) -> None:
        agent.act(AddLabels(Issue(at or event.repository, 1), ("bug",)))

    return labels


def runs(of: Flow, hub: GitHubSandbox, database: Database, **settings: str) -> FlowRunner:
    """A runner of the flow on the sandbox, whose settings may change."""
    given = {name: value for name, value in as_app(hub)._asdict().items() if value} | settings
    runner = FlowRunner(database, **given)
    platforms = Platforms(of.may, of.reads, runner.can.settings)
    runner.can = runner.can._replace(adapter=platforms)
    return runner


def labelled(hub: GitHubSandbox) -> list[str]:
    """The repositories whose first issue has a label."""
    return [one for one in hub.repositories() if hub.issue(one, 1)["labels"]]


def published(runner: FlowRunner) -> list[Event]:
    """Take the events that were published since."""
    events, runner.published = runner.published, []
    return events


def ends(runner: FlowRunner, tenant: str = "schedule") -> list[tuple[str, str]]:
    asked = Statement("select state, coalesce(reason, '') as reason from runs", {})
    return [(row["state"], row["reason"]) for row in runner.database.run(tenant, [asked])[0]]


def test_each_place_is_an_event_with_its_own_tenant_audience_and_conversation(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels()
    runner = runs(acts, hub, database, tenants="acme=github:acme")
    assert runner.deliver(acts, TICK) == []
    assert labelled(hub) == []
    shop, site = published(runner)
    assert [one.conversation for one in (shop, site)] == ["github:acme/shop", "github:acme/site"]
    assert [one.audience for one in (shop, site)] == ["public", "repo:acme/site"]
    assert {one.tenant for one in (shop, site)} == {"acme"}
    assert [one.repository for one in (shop, site)] == [SHOP, SITE]
    assert {one.type for one in (shop, site)} == {"schedule.labels"}
    assert shop.received_at == TICK.received_at
    assert not shop.by_outsider
    assert runner.deliver(acts, shop, site) == []
    assert labelled(hub) == [SHOP, SITE]
