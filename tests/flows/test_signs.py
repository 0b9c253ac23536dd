"""Reactions show how each command on GitHub stands; what fails is told beside the answers."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from flows.control import control
from flows.explain import explain
from flows.memory import memory
from flows.plan import plan
from flows.review import review
from flows.triage import triage
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Mark, Query, Receipt
from shared.actions.github.queries import ReadChange, ReadChecks
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.database import Database
from shared.errors import ActionUnavailable
from shared.events import Event
from shared.perception.commands import COMMANDS
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.flows.test_review import Mortal, PullRequest
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

SHIPPED = (control, explain, memory, plan, review, triage)
BY = {name: one for name in COMMANDS for one in SHIPPED if f"github.command.{name}" in one.types}


class Watched(Mortal):
    """Remembers what it did, and may have an outage of reading."""

    def __init__(self, sandbox: GitHubSandbox) -> None:
        super().__init__(as_app(sandbox))
        self.done: list[str] = []
        self.is_away = False

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self.done.append(str(action.arguments.get("reaction", type(action).__name__)))
        return super().perform(action, mark, previous)

    def read(self, query: Query) -> object:
        if self.is_away and isinstance(query, ReadChange | ReadChecks):
            raise ActionUnavailable("github: no answer", sent=False)
        return super().read(query)


class Said:
    """A pull request on which somebody gives commands in comments."""

    def __init__(self, sandbox: GitHubSandbox, database: Database) -> None:
        self.pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)
        self.adapter = self.pull.adapter = Watched(sandbox)
        self._sandbox = sandbox

    def event(self, name: str, by: str = "maria") -> Event:
        """Comment, and return the event of that command."""
        self._sandbox.comment(SHOP, self.pull.number, f"/{name}", author=by)
        self.comment = self._sandbox.issue(SHOP, self.pull.number)["comments"][-1]["id"]
        event = self.pull.event(f"command.{name}", delivery=str(uuid4()), by=by)
        about = {**event.payload["comment"], "id": self.comment}
        return event._replace(payload={**event.payload, "comment": about}, text="")

    @property
    def reactions(self) -> list[str]:
        return self.pull.reactions(self.comment)

    def bodies(self) -> list[str]:
        return [body for body in self.pull.sticky if not body.startswith("/")]


@pytest.fixture
def said(sandbox: GitHubSandbox, database: Database) -> Iterator[Said]:
    yield Said(sandbox, database)


@pytest.mark.parametrize("name", BY)
def test_each_command_is_seen_at_once_and_its_end_is_shown(said: Said, name: str) -> None:
    said.pull.runner.deliver(BY[name], said.event(name))
    assert said.adapter.done[0] == "eyes"
    assert said.adapter.done[-2:] == ["rocket", "eyes"]  # the one is added, the other removed
    assert said.reactions == ["rocket"]


@pytest.mark.parametrize("name", ["export", "plan", "cancel", "triage", "describe", "review"])
def test_who_may_not_give_it_sees_that_it_failed(said: Said, name: str) -> None:
    said.pull.runner.deliver(BY[name], said.event(name, by="eve"))
    assert said.reactions == ["confused"]
    [told] = said.bodies()
    assert "it needs write permission" in told


def test_a_flow_of_an_author_shows_it_without_a_line_of_its_own(said: Said) -> None:
    from shared.actions.github.actions import AddLabels

    @flow("github.command.know", may=[AddLabels.at_most(1)])
    def quiet(event: Event, agent: Agent) -> None:
        pass

    said.pull.runner.deliver(quiet, said.event("know"))
    assert said.reactions == ["rocket"]


def test_a_flow_that_acts_nowhere_shows_nothing() -> None:
    @flow("github.command.know", "slack.command.know")
    def silent(event: Event, agent: Agent) -> None:
        pass

    @flow("github.issues.opened", may=BY["triage"].may[:1])
    def hears_no_command(event: Event, agent: Agent) -> None:
        pass

    assert (silent.may, len(hears_no_command.may)) == ((), 1)


@pytest.mark.parametrize(
    ("first", "then"), [("describe", "why-red"), ("review", "improve"), ("review", "review")]
)
def test_what_fails_is_told_beside_what_others_read(said: Said, first: str, then: str) -> None:
    said.pull.runner.deliver(BY[first], said.event(first))
    [before] = said.bodies()
    said.adapter.is_away = True
    asked, again = said.event(then), BY[then]
    for _ in range(3):
        said.pull.runner.deliver(again, asked)
        said.pull.runner.expire(asked.tenant)
    [kept, notice] = said.bodies()
    assert kept == before
    assert notice.startswith("⏳ The platform")
    assert said.reactions == ["eyes"]
    said.adapter.is_away = False
    said.pull.runner.deliver(again, asked)
    assert not any(body.startswith("⏳") for body in said.bodies())
    assert said.reactions == ["rocket"]


def test_an_end_in_an_error_takes_the_place_of_a_wait(said: Said) -> None:
    said.adapter.is_away = True
    asked = said.event("why-red")
    for age in (0, 0, 0, 14 * 86_400):
        said.pull.runner.deliver(explain, asked, age=age)
        said.pull.runner.expire(asked.tenant)
    [notice] = said.bodies()
    assert notice.startswith("⚠️ The platform")
    assert said.reactions == ["confused"]


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_its_rights_hold_what_shows_it(one: Flow) -> None:
    kinds = {permission.action.__name__ for permission in one.may}
    assert {"AddReaction", "RemoveReaction"} <= kinds
