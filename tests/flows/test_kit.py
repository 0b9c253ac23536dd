"""The test kit: what it says of a flow is so with the journal in memory and with Postgres."""

import re
import textwrap
import time
from collections.abc import Iterator

import pytest

from flows.background.retention import retention
from flows.chat import chat
from flows.triage import TriageVerdict, triage
from infra.bundle.imports import trace
from infra.deploy.declared import declared_flows
from infra.project import ROOT
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.github.queries import ListPulls
from shared.actions.slack.actions import React, Reply
from shared.agent import Agent, flow
from shared.agent.tools import tool
from shared.errors import ActionUnavailable, ReplayError, SettingsError
from shared.events import Event, Issue, SlackMessage, Thread
from shared.models import ModelRequest, ToolCall
from shared.testing import FlowRunner, github_event, schedule_event, slack_event

ISSUE = Issue("acme/shop", 7)
OPENED = github_event("issues.opened", title="Pay crashes", body="With a stack trace.")
VERDICT = TriageVerdict(("bug",), None, "Pay crashes.")
DONE = [AddLabels(ISSUE, ("bug",)), Comment(ISSUE, "Pay crashes.\n\nLabels: `bug`", sticky=True)]


@pytest.fixture(params=["in memory", "Postgres"])
def kit(request: pytest.FixtureRequest) -> Iterator[FlowRunner]:
    database = None if request.param == "in memory" else request.getfixturevalue("database")
    yield FlowRunner(database)


def test_a_flow_runs_on_an_event_and_its_effects_are_values(kit: FlowRunner) -> None:
    kit.answers(VERDICT)
    kit.run(triage, OPENED)
    assert kit.effects == DONE
    [asked] = kit.model.asked
    assert "With a stack trace." in asked.messages[0].text


def test_a_second_delivery_does_nothing(kit: FlowRunner) -> None:
    kit.answers(VERDICT, VERDICT)
    for _ in range(2):
        kit.run(triage, OPENED)
    assert kit.effects == DONE
    assert len(kit.model.asked) == 1


@pytest.mark.parametrize("act", [1, 2])
def test_a_death_before_any_act_loses_and_doubles_nothing(kit: FlowRunner, act: int) -> None:
    kit.answers(VERDICT)
    kit.dies(at=act)
    with pytest.raises(KeyboardInterrupt):
        kit.run(triage, OPENED)
    kit.run(triage, OPENED)
    assert kit.effects == DONE
    assert len(kit.model.asked) == 1  # the first answer was recorded


def test_what_a_flow_raises_is_seen_and_the_next_delivery_goes_on(kit: FlowRunner) -> None:
    kit.answers(VERDICT)
    kit.platform.fails[2] = ActionUnavailable("github: down", 3600, sent=False)
    with pytest.raises(ActionUnavailable, match="github: down"):
        kit.run(triage, OPENED)
    kit.run(triage, OPENED)
    assert kit.effects == DONE


def test_memory_and_conversation_outlive_a_run(kit: FlowRunner) -> None:
    kit.run(triage, github_event("issues.opened", title="Pay crashes on Safari", number=3))
    kit.answers(TriageVerdict((), None, "Again.", "acme/shop#3"))
    kit.run(triage, OPENED)
    assert kit.effects[-1] == Comment(
        ISSUE, "Again.\n\nPossibly related: acme/shop#3.", sticky=True
    )
    for number, said in enumerate(["We deploy on Tuesdays.", "When do we deploy?"]):
        ts = f"170000000{number}.000100"
        kit.run(chat, slack_event("app_mention", said, ts=ts, thread="1700000000.000100"))
    assert isinstance(kit.effects[-1], Reply)
    assert "Tuesdays" in kit.effects[-1].text


def test_a_private_repository_is_recalled_in_no_public_one(kit: FlowRunner) -> None:
    kit.run(
        triage,
        github_event("issues.opened", title="Pay crashes", repository="acme/x", private=True),
    )
    kit.run(triage, OPENED)
    assert "acme/x" not in str(kit.effects[-1])


def test_a_mention_is_answered_in_its_thread(kit: FlowRunner) -> None:
    kit.answers("[general] On Tuesdays.")
    kit.run(chat, slack_event("app_mention", "When do we deploy?"))
    ts = "1700000000.000100"
    assert kit.effects == [
        React(SlackMessage("T1", "C1", ts), "eyes"),
        Reply(Thread("T1", "C1", ts), "On Tuesdays.", rated=True),
    ]


def test_a_model_calls_tools_fails_and_answers_by_what_it_was_shown(kit: FlowRunner) -> None:
    @tool
    def price_of(name: str) -> str:
        """Look up the price of a thing by its name."""
        return f"{name} costs 5"

    @flow("slack.app_mention", may=[Reply.at_most(1)])
    def shop(event: Event, agent: Agent) -> None:
        agent.act(Reply(event.thread, agent.converse("Sell.", tools=[price_of])))

    def last_said(request: ModelRequest) -> str:
        return "It said " + str("tea costs 5" in request.messages[-1].text)

    kit.answers(ToolCall("1", "price_of", {"name": "tea"}), last_said)
    kit.run(shop, slack_event("app_mention", "Tea?"))
    assert [effect.text for effect in kit.effects if isinstance(effect, Reply)] == ["It said True"]


def test_a_schedule_wakes_a_flow(kit: FlowRunner) -> None:
    woken = []

    @flow("schedule.nightly")
    def wake(event: Event, agent: Agent) -> None:
        woken.append(event.id)

    for at in ("2026-11-21T03:17:00Z", "2026-11-22T03:17:00Z", "2026-11-22T03:17:00Z"):
        kit.run(wake, schedule_event("nightly", at))
    assert woken == [f"schedule.nightly:2026-11-2{day}T03:17:00Z" for day in (1, 2)]


def test_what_a_flow_publishes_for_itself_comes_after_it_and_is_not_lost(kit: FlowRunner) -> None:
    woken: list[str] = []

    @flow("schedule.nightly", "schedule.part")
    def spread(event: Event, agent: Agent) -> None:
        if event.type == "schedule.nightly":
            for part in ("a", "b"):
                kit.publish(schedule_event("part")._replace(id=part, conversation=part))
        elif event.id == "b" and len(woken) == 1:
            woken.append("killed")
            raise KeyboardInterrupt
        else:
            woken.append(event.id)

    with pytest.raises(KeyboardInterrupt):
        kit.run(spread, schedule_event("nightly"))
    for _ in range(2):
        kit.run(spread, schedule_event("nightly"))
    assert woken == ["a", "killed", "b"]


def test_a_clock_in_a_flow_is_caught_by_a_death_and_a_retry(kit: FlowRunner) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(2)])
    def late(event: Event, agent: Agent) -> None:
        agent.act(Comment(event.issue, f"It is {time.time_ns()}"))
        agent.act(Comment(event.issue, "Good night."))

    kit.dies(at=2)
    with pytest.raises(KeyboardInterrupt):
        kit.run(late, OPENED)
    with pytest.raises(ReplayError, match="depend on its event and its recorded steps only"):
        kit.run(late, OPENED)


def test_what_the_kit_cannot_tell_it_says() -> None:
    kit = FlowRunner()

    @flow("github.issues.opened", reads=[ListPulls])
    def ask(event: Event, agent: Agent) -> None:
        agent.act(Comment(event.issue, str(agent.read(ListPulls("acme/shop")))))

    with pytest.raises(SettingsError, match=r"runner.platform.answers\[ListPulls\] = …"):
        kit.run(ask, OPENED)
    with pytest.raises(SettingsError, match=r"ask takes no github\.issues\.closed, only"):
        kit.run(ask, github_event("issues.closed"))
    with pytest.raises(SettingsError, match=r"no slack.message.im comes of this.*fields"):
        slack_event("message.im", fields={"channel_type": "mpim"})
    with pytest.raises(SettingsError, match=r"FlowRunner\(database\)"):
        kit.run(retention, schedule_event("nightly"))


def test_no_function_ships_the_kit() -> None:
    entries = ["shared.runtime.function", *(name.partition(":")[0] for name in declared_flows())]
    shipped = trace(ROOT, [*entries, "shared.web.ingress", "shared.web.runs_endpoint"]).modules
    assert not [name for name in shipped if name.startswith(("shared.testing", "shared.fakes"))]


@pytest.mark.parametrize(
    "kind",
    [
        *("issues.labeled", "issue_comment.created", "pull_request.opened", "push", "star.created"),
        *("pull_request_review.submitted", "pull_request_review_comment.created", "command.plan"),
        *("discussion.created", "discussion_comment.created", "release.published"),
        *("milestone.closed", "workflow_run.completed", "check_run.completed"),
    ],
)
def test_github_tells_of_it(kind: str) -> None:
    event = github_event(kind, body="Hello", by="eve", role="none")
    assert (event.type, event.actor.name, event.tenant) == (f"github.{kind}", "eve", "github:acme")
    assert event.by_outsider or event.privileged
    assert event.id == github_event(kind, body="Hello", by="eve", role="none").id
    assert event.id != github_event(kind, body="Hello", by="eve", role="none", number=8).id or (
        event.issue_target is None
    )


@pytest.mark.parametrize(
    "kind",
    [
        *("app_mention", "message.im", "message.channels", "message.groups", "message.mpim"),
        *("command.forget", "reaction_added", "block_actions", "member_joined_channel", "stop"),
        *("message_changed", "message_deleted", "channel_created", "app_home_opened"),
    ],
)
def test_slack_tells_of_it(kind: str) -> None:
    event = slack_event(kind, "me")
    assert (event.type, event.tenant) == (f"slack.{kind}", "slack:T1")
    assert event.place
    shared = slack_event("app_mention", external=True)
    assert shared.is_shared


def test_the_test_in_contributing_passes() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    [code] = [one for one in found if "def test_" in one]
    names = dict(globals())
    exec(textwrap.dedent(code), names)
    names["test_a_crash_in_the_middle_loses_and_doubles_nothing"]()
