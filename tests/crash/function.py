"""The real function of a flow that kills itself at the boundary that a table names for its event.

A boundary is the moment before or after anything that leaves the process: a transaction, a model
call, a call to a platform. An event whose text says `boundary 7` kills the function at its seventh
boundary, once. The table `deaths` keeps who died, `reached` how many boundaries an event's longest
attempt had, and `calls` what reached the model.
"""

import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.platforms import Platforms
from shared.agent.flow import load_flow
from shared.database import Database, Row, Statement
from shared.events import Event
from shared.journal import Journal, Run
from shared.models import ModelReply, ModelRequest
from shared.models.routing import Models
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings

TABLES = """
create table deaths (event text primary key, boundary int not null);
create table reached (event text primary key, boundaries int not null);
create table calls (event text not null, at timestamptz not null default now());
grant select, insert, update on deaths, reached, calls to public;
"""

DIED = "insert into deaths values (%s, %s) on conflict do nothing"
REACHED = """insert into reached values (%s, %s) on conflict (event)
             do update set boundaries = greatest(reached.boundaries, excluded.boundaries)"""

#: Long enough for a run, short enough to wait for in a test.
LEASE = 6.0


class KillSwitch:
    """Knows the event at hand and when the function has to die of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._event = ""
        self._seen = 0
        self._end = 0

    def begin(self, event: Event) -> None:
        self._event, self._seen = event.id, 0
        asked = re.search(r"boundary (\d+)", event.text)
        self._end = int(asked[1]) if asked else 0

    def boundary(self) -> None:
        self._seen += 1
        self._tell(REACHED, self._event, self._seen)
        if self._seen == self._end and self._tell(DIED, self._event, self._end):
            os.kill(os.getpid(), signal.SIGKILL)

    def count_call(self) -> None:
        self._tell("insert into calls (event) values (%s)", self._event)

    def _tell(self, sql: LiteralString, *values: object) -> int:
        """Write it down at once, beside whatever the flow is in the middle of."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(sql, values).rowcount


class KillableDatabase(Database):
    def __init__(self, url: str, switch: KillSwitch) -> None:
        super().__init__(url)
        self._switch = switch

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self._switch.boundary()
        rows = super().run(tenant, statements)
        self._switch.boundary()
        return rows


class KillableJournal(Journal):
    def __init__(self, database: KillableDatabase, switch: KillSwitch) -> None:
        super().__init__(database)
        self._switch = switch

    def claim(
        self,
        event: Event,
        flow: str,
        lease: float,
        *,
        queued: bool = False,
        stoppable: bool = True,
    ) -> Run | None:
        self._switch.begin(event)
        return super().claim(event, flow, LEASE, queued=queued, stoppable=stoppable)


class KillableModels(Models):
    def __init__(self, settings: Settings, database: Database, switch: KillSwitch) -> None:
        super().__init__(settings, database)
        self._switch = switch

    def reply(self, role: str, request: ModelRequest, **more: Any) -> ModelReply:
        self._switch.boundary()
        self._switch.count_call()
        reply = super().reply(role, request, **more)
        self._switch.boundary()
        return reply


@dataclass(frozen=True)
class KillableAdapter:
    adapter: Adapter
    switch: KillSwitch

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self.switch.boundary()
        receipt = self.adapter.perform(action, mark, previous)
        self.switch.boundary()
        return receipt

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return self.adapter.find(action, mark)

    def read(self, query: Query) -> Any:
        self.switch.boundary()
        return self.adapter.read(query)


def __getattr__(name: str) -> object:
    if name != "handler":
        raise AttributeError(name)
    settings = Settings.from_environment()
    flow = load_flow(settings.require("flow"))
    switch = KillSwitch(settings.database_url)
    database = KillableDatabase(settings.database_url, switch)
    can = capabilities(settings, database, Platforms(flow.may, flow.reads, settings))
    killable = can._replace(
        models=KillableModels(settings, database, switch),
        adapter=lambda wanted: KillableAdapter(can.adapter(wanted), switch),
    )
    return handler_of(flow, KillableJournal(database, switch), killable)
