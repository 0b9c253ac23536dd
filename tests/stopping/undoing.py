"""A sandbox whose signed webhooks reach the flows, as people see it: what they ask for, what the
agent did, and what is left of it after an undo."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flows.control import control
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Adapter, Query
from shared.actions.platforms import Platforms
from shared.agent.flow import Flow
from shared.database import Database, Statement
from shared.events import Event, Json
from shared.perception import github
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.infra.local.sandbox.github.receiver import Receiver, receiving

SECRET = "secret"


class Repository:
    """A repository, and the flows that hear of it."""

    def __init__(self, database: Database, hub: GitHubSandbox, door: Receiver) -> None:
        given = {name: value for name, value in as_app(hub)._asdict().items() if value}
        self.hub = hub
        self.runner = FlowRunner(database, **given)
        self.settings = self.runner.can.settings
        self._door = door
        self.said: list[Event] = []

    def heard(self) -> list[Event]:
        """Return what GitHub has sent since, with its signature checked."""
        assert self.hub.settle(10)
        received, self._door.received = self._door.received, []
        for headers, body in received:
            github.verify(body, headers, SECRET)
        return [github.to_event(body, headers, {}, time.time()) for headers, body in received]

    def tell(self, *flows: Flow, times: int = 1) -> list[Event]:
        """Hand what GitHub has sent to the flows that take it, so many times."""
        events = self.heard()
        for event in events * times:
            for flow in flows:
                if event.type in flow.types:
                    self.deliver(flow, event)
        self.said += events
        return events

    def deliver(self, flow: Flow, event: Event) -> None:
        self.runner.adapters = self.platforms(flow)
        self.runner.expire(event.tenant)
        assert self.runner.deliver(flow, event) == []

    def platforms(self, flow: Flow) -> "Watched":
        return Watched(Platforms(flow.may, flow.reads, self.settings))

    def undo(self, number: int, by: str = "maria", of: str = "", times: int = 1) -> str:
        """Let a person give the command, and return the answer."""
        before = len(self.comments(number))
        self.hub.comment(SHOP, number, f"/undo {of}".strip(), author=by)
        self.tell(control, times=times)
        answers = [text for text in self.comments(number)[before:] if not text.startswith("/undo")]
        assert len(answers) <= 1, answers
        return "".join(answers).partition("\n\n<!--")[0]

    def comments(self, number: int) -> list[str]:
        return [one["body"] for one in self.hub.issue(SHOP, number)["comments"]]

    def labels(self, number: int) -> list[str]:
        return sorted(one["name"] for one in self.hub.issue(SHOP, number)["labels"])

    def rows(self, sql: str, **values: Any) -> list[Json]:
        tenant = self.said[0].tenant if self.said else "github:acme"
        return self.runner.database.run(tenant, [Statement(sql, {"tenant": tenant, **values})])[0]


class Watched:
    """Gives adapters that a test may let fail."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    def __call__(self, wanted: Action | Query) -> Adapter:
        return self._platforms(wanted)


@contextmanager
def on_github(database: Database, files: Sequence[str] = ()) -> Iterator[Repository]:
    with receiving() as door, GitHubSandbox(door.url, SECRET) as hub:
        hub.push(SHOP, {"README.md": "# Shop\n", **dict.fromkeys(files, "1\n")})
        assert hub.settle(10)
        door.received.clear()
        yield Repository(database, hub, door)
