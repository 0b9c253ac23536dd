"""The platform's answer about a person is asked once, recorded, kept a minute, and fails closed."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from flows.memory import memory
from flows.plan import plan
from infra.project import ROOT
from shared.actions import Adapter, Query
from shared.actions.asking import AskPermission
from shared.actions.authority import Authority, RecentAnswers
from shared.actions.platforms import Platforms
from shared.database import Database, Statement
from shared.errors import ActionUnavailable
from shared.events import Event
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.authority.people import SHOP, World, in_slack, on_github, world
from tests.authority.test_matrix import Recorded

SUPPORT, ALICE = "C0SUPPORT", "U0ALICE"


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world("app") as made:
        made.hub.open_issue(SHOP, "It crashes")
        yield made


@pytest.fixture(autouse=True)
def _as_before(made: World) -> Iterator[None]:
    yield
    made.hub.forget_faults()
    made.hub.set_permission(SHOP, "li", "write")


def right(world: World, event: Event, recent: RecentAnswers | None = None) -> bool:
    run: Any = Recorded(event)
    return Authority(run, world.adapter, recent or RecentAnswers()).may_write()


def asked(world: World) -> int:
    return sum("/permission" in one.path for one in world.hub.exchanges())


def by_li(world: World, command: str = "plan") -> Event:
    return on_github(world, "li", "issue", command)


def test_one_process_asks_once_a_minute(made: World) -> None:
    clock = [1_000.0]
    recent, before = RecentAnswers(lambda: clock[0]), asked(made)
    for seconds, times in ((0, 1), (30, 1), (59, 1), (61, 2), (30, 3)):  # a clock goes back, too
        clock[0] = 1_000.0 + seconds
        assert right(made, by_li(made), recent)
        assert asked(made) - before == times, seconds


def test_a_run_asks_once(made: World) -> None:
    run: Any = Recorded(by_li(made))
    authority = Authority(run, made.adapter, RecentAnswers())
    assert authority.may_write()
    assert authority.may_write()
    assert run.steps == ["right"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422, 301])
def test_a_refusal_is_a_no_and_not_kept(made: World, status: int) -> None:
    recent = RecentAnswers()
    made.hub.fail_next(status, times=2, path="/permission")
    assert not right(made, by_li(made), recent)
    made.hub.forget_faults()
    assert right(made, by_li(made), recent)


@pytest.mark.parametrize("status", [500, 503, 0])
def test_what_may_pass_is_tried_again_and_never_a_yes(made: World, status: int) -> None:
    made.hub.fail_next(status, path="/permission")
    with pytest.raises(ActionUnavailable):
        right(made, by_li(made))
    assert right(made, by_li(made))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": "", "permission": "admin"},
        {"id": "OTHER", "permission": "admin"},  # the login is somebody else's by now
        {"id": "SELF", "permission": "deployer"},
        {"id": "SELF", "permission": "maintain"},  # which GitHub shows as write
        {"id": "SELF", "permission": None},
    ],
)
def test_an_answer_that_is_not_understood_is_a_no(made: World, answer: dict[str, Any]) -> None:
    event = by_li(made)
    said = {"id": "", "permission": None} | answer
    said["id"] = said["id"].replace("SELF", event.actor.id)

    class Says:
        def read(self, query: Query) -> Any:
            return said

    says: Any = Says()
    run: Any = Recorded(event)
    assert not Authority(run, lambda _: says, RecentAnswers()).may_write()


@pytest.mark.parametrize("change", [{"name": ""}, {"id": ""}, {"is_bot": True}])
def test_who_is_nobody_may_nothing(made: World, change: dict[str, Any]) -> None:
    event = by_li(made)
    assert not right(made, event._replace(actor=event.actor._replace(**change)))


@pytest.mark.parametrize("fault", ["missing_scope", "user_not_found", "channel_not_found"])
@pytest.mark.parametrize("method", ["users.info", "conversations.info"])
def test_slack_fails_closed(made: World, method: str, fault: str) -> None:
    event = in_slack(made, ALICE, SUPPORT, "mention", "plan")
    assert right(made, event)
    made.slack.fail_next(method, fault)
    assert not right(made, event)
    made.slack.fail_next(method, "ratelimited", status=429, retry_after=0)
    with pytest.raises(ActionUnavailable):
        right(made, event)


def test_a_flow_that_is_not_connected_to_the_platform_lets_nobody_write(made: World) -> None:
    run: Any = Recorded(by_li(made))
    assert not Authority(run, Platforms([], [], Settings()), RecentAnswers()).may_write()


def test_every_connected_flow_may_ask_with_its_own_token(made: World) -> None:
    settings = Settings(github_token="t", github_api_url=made.hub.api_url)
    for flow in (plan, memory):
        assert Platforms(flow.may, flow.reads, settings)(AskPermission(SHOP, "li"))


def test_the_slack_app_asks_for_the_scopes_that_the_questions_need() -> None:
    """https://docs.slack.dev/reference/methods/conversations.info, and users.info"""
    scopes = re.findall(
        r"^ +- ([a-z_]+:[a-z.]+)$", (ROOT / "infra/apps/slack.yaml").read_text(), re.M
    )
    assert {"users:read", "channels:read", "groups:read", "im:read", "mpim:read"} <= set(scopes)


# The real worker, the real flows, the sandbox


@pytest.fixture
def runner(database: Database, made: World) -> FlowRunner:
    runner = FlowRunner(database)

    def adapter(wanted: Any) -> Adapter:
        return made.adapter(wanted)

    runner.can = runner.can._replace(adapter=adapter)
    return runner


def comments(world: World) -> list[str]:
    return [one["body"] for one in world.hub.issue(SHOP, 1)["comments"]]


def test_a_member_who_can_only_read_plans_nothing_and_is_refused_once(
    runner: FlowRunner, made: World
) -> None:
    before = len(comments(made))
    for number in range(3):
        event = on_github(made, "olga", "issue", "plan")._replace(id=f"github:o{number}")
        assert event.actor.role == "member"
        assert runner.deliver(plan, event) == []
    assert runner.database.run("github:acme", [Statement("select 1 from plans", {})]) == [[]]
    [said] = comments(made)[before:]
    assert "it needs write permission" in said


def test_rules_are_set_by_who_may_write_whatever_the_event_calls_them(
    runner: FlowRunner, made: World
) -> None:
    for login, kept in (("olga", 0), ("cora", 0), ("li", 1)):
        event = on_github(made, login, "issue", "remember")
        runner.deliver(memory, event._replace(text="rule: be kind"))
        rules = "select 1 from memories where kind = 'rule'"
        found = runner.database.run("github:acme", [Statement(rules, {})])[0]
        assert len(found) == kept, login


def test_another_attempt_gets_the_answer_of_the_first(runner: FlowRunner, made: World) -> None:
    event = by_li(made, "remember")._replace(text="rule: ship on Fridays", id="github:again")
    made.hub.fail_next(429, path="/issues/1/comments", method="POST", retry_after=3600)
    assert runner.deliver(memory, event) == [event.id]
    made.hub.forget_faults()
    made.hub.set_permission(SHOP, "li", "read")
    runner.can.services.get(RecentAnswers, RecentAnswers)._kept.clear()
    before = asked(made)
    assert runner.deliver(memory, event, receives=2) == []
    assert asked(made) == before
    assert "I keep it as a rule." in comments(made)[-1]
