"""The real function of a flow that kills itself at the boundary that a table names for its event.

A boundary is the moment before or after anything that leaves the process: a transaction, a model
call, a call to a platform. An event whose text says `boundary 7` kills the function at its seventh
boundary, once. The table `deaths` keeps who died, `reached` how many boundaries an event's longest
attempt had, and `calls` what reached the model.
"""

import os
import re
import signal
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from infra.certify.killing import BriefJournal, KillableDatabase, KillableModels, KillSwitch
from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.platforms import Platforms
from shared.agent.flow import load_flow
from shared.aws.secrets import function_settings
from shared.database import PATIENCE
from shared.events import Event
from shared.journal import Run
from shared.runtime.composition import capabilities, handler_of

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


class TableSwitch(KillSwitch):
    """Knows the event at hand and when the function has to die of it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._event = ""
        self._end = 0

    def begin(self, event: Event) -> None:
        self._event, self.boundaries = event.id, []
        asked = re.search(r"boundary (\d+)", event.text)
        self._end = int(asked[1]) if asked else 0

    def boundary(self, label: str = "") -> None:
        super().boundary(label)
        seen = len(self.boundaries)
        self._tell(REACHED, self._event, seen)
        if seen == self._end and self._tell(DIED, self._event, self._end):
            os.kill(os.getpid(), signal.SIGKILL)

    def loses(self, label: str) -> bool:
        self._tell("insert into calls (event) values (%s)", self._event)
        return super().loses(label)

    def _tell(self, sql: LiteralString, *values: object) -> int:
        """Write it down at once, beside whatever the flow is in the middle of."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(sql, values).rowcount


class TellingJournal(BriefJournal):
    """Tells the switch of the event at hand."""

    def __init__(self, database: KillableDatabase, switch: TableSwitch) -> None:
        super().__init__(database, LEASE)
        self._switch = switch

    def claim(
        self, event: Event, flow: str, lease: float, *, queued: bool = False, stoppable: bool = True
    ) -> Run | None:
        self._switch.begin(event)
        return super().claim(event, flow, lease, queued=queued, stoppable=stoppable)


@dataclass(frozen=True)
class KillableAdapter:
    adapter: Adapter
    switch: TableSwitch

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
    settings = function_settings()
    flow = load_flow(settings.require("flow"))
    switch = TableSwitch(settings.database_url)
    database = KillableDatabase(settings.database_url, switch, patience=PATIENCE)
    can = capabilities(settings, database, Platforms(flow.may, flow.reads, settings))
    killable = can._replace(
        models=KillableModels(settings, switch, database),
        adapter=lambda wanted: KillableAdapter(can.adapter(wanted), switch),
    )
    return handler_of(flow, TellingJournal(database, switch), killable)
