"""A schedule spreads into an event for each place that its flow names, and acts in that alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import GENERAL, SUPPORT, TEAM
from shared.actions import Permission, Reading
from shared.actions.github.actions import AddLabels, Comment, ListLabels
from shared.actions.places import CONFIGURED
from shared.actions.platforms import Platforms
from shared.actions.slack.actions import Channel, Post
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.aws.bus import Bus
from shared.aws.queue import Queue
from shared.database import Database, Statement
from shared.desk import Services
from shared.errors import PolicyError, PublishError
from shared.events import Event, Issue
from shared.settings import Settings
from shared.testing import FlowRunner, schedule_event
from tests.actions.github.sandbox_issue import as_app, as_token
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


def runs(of: Flow, settings: Settings, database: Database, **changes: str) -> FlowRunner:
    """A runner of the flow on the sandbox of the settings."""
    unset = Settings()._asdict()
    given = {name: value for name, value in settings._asdict().items() if value != unset[name]}
    runner = FlowRunner(database, **given | changes)
    platforms = Platforms(of.may, of.reads, runner.can.settings)
    runner.can = runner.can._replace(adapter=platforms)
    return runner


class FailingBus:
    """Stands before the bus of a runner and does something else `instead` of publishing."""

    def __init__(self, runner: FlowRunner) -> None:
        self.instead: Callable[[Event], None] = runner.publish
        services = runner.can.services
        kinds: tuple[type, ...] = (Settings, Queue)
        others: dict[type, Callable[[], object]]
        others = {kind: partial(services.__getitem__, kind) for kind in kinds}
        others[Bus] = lambda: self
        runner.can = runner.can._replace(services=Services(others))

    def publish(self, event: Event, again: str = "") -> None:
        self.instead(event)


def labelled(hub: GitHubSandbox) -> list[str]:
    """The repositories whose first issue has a label."""
    return [one for one in hub.repositories() if any(i["labels"] for i in hub.issues(one))]


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
    runner = runs(acts, as_app(hub), database, tenants="acme=github:acme")
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


def test_a_second_delivery_of_the_tick_or_of_a_place_changes_nothing(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels()
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    events = published(runner)
    assert runner.deliver(acts, *events, TICK, *events) == []
    assert published(runner) == []
    assert sum(one.method == "POST" and "labels" in one.path for one in hub.exchanges()) == 2
    later = schedule_event("labels", "2026-11-22T03:17:00Z")
    runner.deliver(acts, later)
    assert len(published(runner)) == 2


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_crash_in_the_middle_of_a_spread_loses_and_doubles_nothing(
    hub: GitHubSandbox, database: Database, after: int
) -> None:
    """The process dies while, or right after, it publishes a place."""
    acts = labels()
    runner = runs(acts, as_app(hub), database)
    bus = FailingBus(runner)

    def dies(event: Event) -> None:
        if after == 1:
            raise KeyboardInterrupt
        runner.publish(event)
        if len(runner.published) == after - 1:
            raise KeyboardInterrupt

    bus.instead = dies
    with pytest.raises(KeyboardInterrupt):
        runner.deliver(acts, TICK)
    bus.instead = runner.publish
    runner.expire("schedule")
    assert runner.deliver(acts, TICK, receives=2) == []
    events = published(runner)
    assert [one.repository for one in events] == [SHOP, SITE]
    runner.deliver(acts, *events)
    assert labelled(hub) == [SHOP, SITE]


def test_a_place_that_fails_stops_no_other_and_the_run_says_which(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels([AddLabels.on("acme/gone", "acme/elsewhere", SITE, limit=1)])
    hub.add_repository("acme/elsewhere", installed=False)
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    assert [one.repository for one in published(runner)] == [SITE]
    [(state, reason)] = ends(runner)
    assert state == "failed"
    assert "2 places were left out: github:acme/elsewhere: github: could not" in reason
    assert "github:acme/gone" in reason


def test_a_place_that_is_away_comes_with_the_next_attempt_alone(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels()
    runner = runs(acts, as_app(hub), database)
    bus = FailingBus(runner)

    def fails(event: Event) -> None:
        if event.repository == SHOP:
            raise PublishError("sns: away")
        runner.publish(event)

    bus.instead = fails
    assert runner.deliver(acts, TICK) == [TICK.id]
    assert [one.repository for one in published(runner)] == [SITE]
    bus.instead = runner.publish
    assert runner.deliver(acts, TICK, receives=2) == []
    assert [one.repository for one in published(runner)] == [SHOP]


@pytest.mark.parametrize("outside", [SITE, "acme/other", "other/shop"])
def test_an_event_acts_and_reads_in_its_own_place_alone(
    hub: GitHubSandbox, database: Database, outside: str
) -> None:
    """Whatever a flow names, and whatever its texts say."""
    acts = labels(at=outside, reads=[ListLabels.on(SHOP, SITE)])
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    shop = published(runner)[0]
    assert shop.repository == SHOP
    sent = len(hub.exchanges())
    runner.deliver(acts, shop)
    assert len(hub.exchanges()) == sent
    [(_, reason)] = ends(runner, shop.tenant)
    assert f"AddLabels names github:{outside}, but the event came from github:{SHOP}" in reason
    with pytest.raises(PolicyError, match="ListLabels names github:acme/site"):
        acts.policy(shop).read(ListLabels(SITE))
    acts.policy(shop).read(ListLabels(SHOP))


def test_each_line_of_may_has_its_own_places_and_its_own_limit(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels([AddLabels.on(SHOP, limit=1), Comment.on(SITE, limit=1)])
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    shop, site = published(runner)
    runner.deliver(acts, shop, site)
    assert labelled(hub) == [SHOP]
    policy = acts.policy(site)
    policy.spend(Comment(Issue(SITE, 1), "x"))
    with pytest.raises(PolicyError, match="Comment may be used 1 times in a run; this is 2"):
        policy.spend(Comment(Issue(SITE, 2), "x"))


def test_a_token_is_asked_for_the_place_alone(hub: GitHubSandbox, database: Database) -> None:
    acts = labels()
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    asked = [one for one in hub.exchanges() if one.path.endswith("/access_tokens")]
    assert [one.sent["repositories"] for one in asked] == [["shop"], ["site"]]
    assert all(one.sent["permissions"] == {"issues": "write", "metadata": "read"} for one in asked)


@pytest.mark.parametrize("sign_in", [as_app, as_token])
def test_every_repository_that_the_app_reaches_is_a_place(
    hub: GitHubSandbox, database: Database, sign_in: Callable[[GitHubSandbox], Settings]
) -> None:
    hub.add_repository("acme/hidden", installed=False)
    hub.add_repository("other/shop", {"maria": "admin"})
    hub.add_repository("acme/old")
    hub.archive("acme/old", author="agent-flows[bot]")
    acts = labels([AddLabels.on("Acme/*", limit=1)])
    runner = runs(acts, sign_in(hub), database)
    assert runner.deliver(acts, TICK) == []
    found = published(runner)
    assert {SHOP, SITE} <= {one.repository for one in found}
    assert not {"other/shop", "acme/old"} & {one.repository for one in found}
    runner.deliver(acts, *found)
    assert {SHOP, SITE} <= set(labelled(hub))


def test_the_places_of_the_setting(hub: GitHubSandbox, database: Database) -> None:
    may = [AddLabels.on(CONFIGURED, limit=1), Post.on(CONFIGURED, limit=1)]
    acts = labels(may)
    runner = runs(acts, as_app(hub), database, places="labels=Acme/Site;other=acme/shop,#general")
    runner.deliver(acts, TICK)
    [event] = published(runner)
    assert event.repository == SITE
    runner.deliver(acts, event)
    assert labelled(hub) == [SITE]


def test_without_the_setting_there_is_no_place_at_all(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels([AddLabels.on(CONFIGURED, limit=1)])
    runner = runs(acts, as_app(hub), database)
    assert runner.deliver(acts, TICK) == []
    assert published(runner) == []
    assert ends(runner) == [("done", "")]
    shop = TICK._replace(conversation="github:acme/shop", payload={"place": "github:acme/shop"})
    with pytest.raises(PolicyError, match="AddLabels names"):
        acts.policy(shop).spend(AddLabels(Issue(SHOP, 1), ("bug",)))


def test_a_schedule_of_two_flows_spreads_for_each_alone(
    hub: GitHubSandbox, database: Database
) -> None:
    acts = labels()
    other = replace(labels(), name="other")
    runner = runs(acts, as_app(hub), database)
    runner.deliver(acts, TICK)
    runner.deliver(other, TICK)
    events = published(runner)
    assert len({one.id for one in events}) == 4
    runner.deliver(acts, *events)
    tenant = Statement("select flow from runs", {})
    flows = runner.database.run("github:acme", [tenant])[0]
    assert [row["flow"] for row in flows] == ["labels", "labels"]


def test_channels_are_places_too(workspace: SlackSandbox, database: Database) -> None:
    @flow("schedule.standup", may=[Post.on("#general", SUPPORT, "#gone", limit=1)])
    def standup(event: Event, agent: Agent) -> None:
        agent.act(Post(Channel(event.channel), "What are you up to?"))

    slack = Settings(slack_api_url=workspace.api_url, slack_bot_token=workspace.bot_token)
    runner = runs(standup, slack, database)
    runner.deliver(standup, schedule_event("standup"))
    events = published(runner)
    assert [one.channel for one in events] == [GENERAL, SUPPORT]
    assert [one.conversation for one in events] == [
        f"slack:{TEAM}:{GENERAL}",
        f"slack:{TEAM}:{SUPPORT}",
    ]
    assert {one.tenant for one in events} == {f"slack:{TEAM}"}
    assert [one.audience for one in events] == [f"team:{TEAM}"] * 2
    assert "slack:#gone" in ends(runner)[0][1]
    assert runner.deliver(standup, *events, *events) == []
    for channel in (GENERAL, SUPPORT):
        said = [one["text"] for one in workspace.messages(channel)]
        assert said.count("What are you up to?") == 1
    general = events[0]
    with pytest.raises(PolicyError, match="Post names slack:C0SUPPORT"):
        standup.policy(general).spend(Post(Channel(SUPPORT), "x"))
    standup.policy(general).spend(Post(Channel("#general"), "x"))


def test_a_flow_that_tells_a_channel_of_repositories_spreads_over_these(
    hub: GitHubSandbox, database: Database
) -> None:
    @flow("schedule.digest", may=[Post.on("#general", limit=1)], reads=[ListLabels.on(SHOP, SITE)])
    def digest(event: Event, agent: Agent) -> None:
        count = len(agent.read(ListLabels(event.repository)))
        agent.act(Post(Channel("#general"), f"{event.repository}: {count}"))

    assert digest.places == ["github:acme/shop", "github:acme/site"]
    runner = runs(digest, as_app(hub), database)
    runner.deliver(digest, schedule_event("digest"))
    shop, _ = published(runner)
    policy = digest.policy(shop)
    policy.spend(Post(Channel("#general"), "x"))
    with pytest.raises(PolicyError, match="Post names slack:#random"):
        policy.spend(Post(Channel("#random"), "x"))


def test_the_test_kit_spreads_a_tick_and_runs_each_place_once() -> None:
    @flow("schedule.labels", may=_BOTH)
    def acts(event: Event, agent: Agent) -> None:
        agent.act(AddLabels(Issue(event.repository, 1), ("bug",)))

    runner = FlowRunner()
    for _ in range(2):
        runner.run(acts, TICK)
    assert runner.effects == [AddLabels(Issue(name, 1), ("bug",)) for name in (SHOP, SITE)]
    assert schedule_event("labels", place=SITE).repository == SITE
