"""A sandbox whose signed webhooks reach the flows, as people see it: what they ask for, what the
agent did, and what is left of it after an undo."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from flows.control import control
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.actions.platforms import Platforms
from shared.agent.flow import Flow
from shared.database import Database, Statement
from shared.events import Event, Json
from shared.perception import github
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.infra.local.sandbox.github.receiver import Receiver, receiving

SECRET = "secret"
TENANT = "github:acme"


class Repository:
    """A repository, and the flows that hear of it."""

    def __init__(self, database: Database, hub: GitHubSandbox, door: Receiver) -> None:
        given = {name: value for name, value in as_app(hub)._asdict().items() if value}
        self.hub = hub
        self.database = database
        self.runner = FlowRunner(database, **given)
        self._door = door
        #: Called with "before" and "after" and the action, each time that something is done.
        self.watch: Callable[[str, Action], None] = lambda when, action: None

    def heard(self) -> list[Event]:
        """Return what GitHub has sent since, with its signature checked."""
        assert self.hub.settle(10)
        received, self._door.received = self._door.received, []
        for headers, body in received:
            github.verify(body, headers, SECRET)
        told = partial(github.to_event, label_prefix="agent:")
        return [told(body, headers, {}, time.time()) for headers, body in received]

    def tell(self, *flows: Flow, times: int = 1) -> list[Event]:
        """Hand what GitHub has sent to the flows that take it, so many times."""
        events = self.heard()
        for event in events * times:
            for flow in flows:
                if event.type in flow.types:
                    self.deliver(flow, event)
        return events

    def deliver(self, flow: Flow, event: Event) -> None:
        """Hand an event to a flow, again and again while its function dies."""
        platforms = Platforms(flow.may, flow.reads, self.runner.can.settings)
        self.runner.adapters = lambda wanted: Watched(self, platforms(wanted))
        for _ in range(30):
            self.runner.expire(event.tenant)
            try:
                if not self.runner.deliver(flow, event):
                    return
            except KeyboardInterrupt:
                continue
        raise AssertionError(f"{flow.name} does not end")

    def runner_of(self, flow: Flow, database: Database | None = None) -> FlowRunner:
        """Return a runner of its own, for a thread, or with a database of its own."""
        given = {name: value for name, value in as_app(self.hub)._asdict().items() if value}
        runner = FlowRunner(database or self.database, **given)
        platforms = Platforms(flow.may, flow.reads, runner.can.settings)
        runner.adapters = lambda wanted: Watched(self, platforms(wanted))
        return runner

    def undo(self, number: int, by: str = "maria", of: str = "", times: int = 1) -> str:
        """Let a person give the command, and return the answer."""
        before = self.comments(number)
        self.hub.comment(SHOP, number, f"/undo {of}".strip(), author=by)
        self.tell(control, times=times)
        own = self.own(number)
        answers = [one for one in own if one not in before and "flow=control" in one]
        assert len(answers) <= 1, answers
        return "".join(answers).partition("\n\n<!--")[0]

    def own(self, number: int) -> list[str]:
        """The comments that are the agent's."""
        return [one for one in self.comments(number) if "<!-- agent-flows" in one]

    def comments(self, number: int) -> list[str]:
        return [one["body"] for one in self.hub.issue(SHOP, number)["comments"]]

    def labels(self, number: int) -> list[str]:
        return sorted(one["name"] for one in self.hub.issue(SHOP, number)["labels"])

    def rows(self, sql: str) -> list[Json]:
        return self.runner.database.run(TENANT, [Statement(sql, {})])[0]

    def run(self, flow: str) -> str:
        """The id of the newest run of a flow."""
        query = f"select id from runs where flow = '{flow}' order by started_at desc"
        return str(self.rows(query)[0]["id"])


def is_sign(action: Action) -> bool:
    """Does it only show how a command stands?"""
    return isinstance(action, AddReaction | RemoveReaction)


class Watched:
    """An adapter that tells the repository what it does."""

    def __init__(self, told: Repository, adapter: Adapter) -> None:
        self._told, self._adapter = told, adapter

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        watch = self._told.watch if not is_sign(action) else lambda when, action: None
        watch("before", action)
        receipt = self._adapter.perform(action, mark, previous)
        watch("after", action)
        return receipt

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return self._adapter.find(action, mark)

    def read(self, query: Query) -> Any:
        return self._adapter.read(query)


@contextmanager
def on_github(database: Database, state: Path) -> Iterator[Repository]:
    """`state` is that of a sandbox that has its key."""
    with receiving() as door, GitHubSandbox(door.url, SECRET, state=state) as hub:
        hub.push(SHOP, {"README.md": "# Shop\n"})
        assert hub.settle(10)
        door.received.clear()
        yield Repository(database, hub, door)


def lines(told: str) -> list[str]:
    """The lines of an answer that say what became of each effect."""
    return [re.sub(r" \(http\S+\)", "", line[2:]) for line in told.splitlines() if line[:2] == "- "]
