"""A flow wakes only for events that exist: others are refused at import, with the nearest."""

import pytest

from infra.deploy.declared import declared_flows
from shared.agent import Agent, flow
from shared.agent.event_types import event_types, mistake_in
from shared.errors import SettingsError
from shared.events import Event
from tests.events.published import github_deliveries


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("github.issue.opened", "github.issues.opened"),
        ("github.issues.open", "github.issues.opened"),
        ("github.issues", "github.issues.opened"),
        ("Github.Issues.Opened", "github.issues.opened"),
        ("issues.opened", "github.issues.opened"),
        ("github.pull_requests.opened", "github.pull_request.opened"),
        ("github.pr.opened", "github.pull_request.opened"),
        ("github.pull_request.merged", "github.pull_request.closed"),
        ("github.issue.comment.created", "github.issue_comment.created"),
        ("github.release.publish", "github.release.published"),
        ("github.push.main", "github.push"),
        ("github.command.foget", "github.command.forget"),
        ("slack.mention", "slack.app_mention"),
        ("slack.message", "slack.message.channels"),
        ("slack.dm", "slack.message.im"),
        ("slack.reaction", "slack.reaction_added"),
        ("schedule", "schedule.nightly"),
        ("schedule.Nightly", "schedule.nightly"),
        ("cron.nightly", "schedule.nightly"),
    ],
)
def test_a_misspelt_type_is_refused_with_the_nearest_real_one(written: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"'{written}' is no event type.*mean '{meant}'"):

        @flow("github.issues.opened", written)
        def never(event: Event, agent: Agent) -> None: ...


def test_every_published_delivery_of_github_has_its_type() -> None:
    deliveries = github_deliveries()
    types = {f"github.{event}.{payload.get('action', '')}" for event, payload in deliveries}
    assert [name for name in sorted(types) if mistake_in(name.rstrip("."))] == []


@pytest.mark.parametrize("chosen", ["schedule.stand_up-2", "github.repository_dispatch.on-demand"])
def test_what_people_name_themselves_is_taken(chosen: str) -> None:
    assert mistake_in(chosen) == ""


def test_every_type_of_the_table_can_be_declared() -> None:
    flow(*event_types())
    assert all(mistake_in(name) == "" for one in declared_flows().values() for name in one.types)
