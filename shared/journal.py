"""The journal: each run of a flow is a list of steps, each recorded once and replayed for ever.

The key of a step is its content: the run, its name, the hash of its canonical input, and how often
these came before. If the key is there, its record is the answer; else the step runs.
"""

import hashlib
import json
import math
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.canonical import as_column, canonical, canonical_without_secrets, digest
from shared.choosing import KnownPolicies, PolicyInUse
from shared.database import Database, Row, Statement, queries
from shared.database.gathering import Gathering
from shared.errors import RunBusy, Stopped
from shared.events import Event, Json, run_id
from shared.log import log
from shared.redaction.redacting import redacted

SQL = queries(__file__, "journal.sql")

#: Outputs that take more bytes than this are read one by one when an attempt comes by them.
LARGE = 2_000
#: Steps whose outputs were said by people or platforms, and not by a model.
_INPUTS = frozenset({"read", "recall", "turns", "know", "tool"})


class Allowance(NamedTuple):
    """What the model calls of a run may take together: seconds and US dollars."""

    seconds: float = math.inf
    dollars: float = math.inf


class Outcome(NamedTuple):
    """The result of a step: plain JSON, its cost, statements to commit together with its record,
    and a choice made on the way, with its probability."""

    output: Any
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = None
    statements: Sequence[Statement] = ()
    choice: dict[str, Any] | None = None


def keeping(event: Event) -> Statement:
    """Return the statement that keeps `event`; a second time it changes nothing."""
    return Statement(SQL["record_event"], _columns(event))


def _columns(event: Event) -> dict[str, object]:
    return {
        "tenant": event.tenant,
        "event": event.id,
        "type": event.type,
        "conversation": event.conversation,
        "actor_name": as_column(event.actor.name.lower()),
        "audience": event.audience,
        "body": event.to_json(),
        "number": event.repository_number,
    }


def _about(event: Event) -> dict[str, object]:
    """Return what a claim tells of its event."""
    asked_at = event.timer.get("set_at", event.received_at)  # a stop is about what came before it
    stops = {"place": event.place, "actor": event.actor.id, "received_at": asked_at}
    return _columns(event) | stops | {"digest": event.digest, "twin": event.twin}


class Journal:
    """The runs of one function process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = uuid.uuid4().hex
        self._policies = KnownPolicies()

    def claim(
        self, event: Event, flow: str, lease: float, *, queued: bool = False, stoppable: bool = True
    ) -> "Run | None":
        """Take the run of `flow` for `event` for `lease` seconds, in one round trip. A `queued` one
        is brought again by its queue until it has ended.

        Returns None when the run has ended before, when it is `stoppable` and its event came before
        a stop, when the flow had the same signed body under another id within ten minutes, or acted
        on the twin of the event. Raises RunBusy when another function holds it, and when it waits
        for its next attempt.
        """
        owner = f"{self._owner}-{threading.get_ident()}"  # each thread is a holder
        key = {"tenant": event.tenant, "run": run_id(event, flow), "owner": owner}
        how: Row = {"flow": flow, "lease": lease, "queued": queued, "stoppable": stoppable}
        how["large"] = LARGE
        known = self._policies.versions(event.tenant, flow)
        how["policies"] = [*known]
        names = ("hold_claim", "claim_run", "read_run", "read_steps", "read_effects")
        claiming = [Statement(SQL[name], key | _about(event) | how) for name in names]
        _, _, runs, steps, effects = self._database.run(event.tenant, claiming)
        if not runs:
            log("event repeated", flow=flow, event=event.id)
            return None
        [state] = runs
        if state["state"] not in {"running", "retrying", "parked"}:
            return None
        if state["lease_owner"] != owner:
            seconds = state["held_for"] or 0.0
            held = "is held by another function" if state["lease_owner"] else "waits"
            raise RunBusy(f"run {key['run']} {held} for {seconds:.0f} s more", seconds)
        run = Run(
            self._database,
            event,
            flow,
            key,
            attempt=state["attempts"],
            failures=state["failures"],
            pauses=state["pauses"],
            steps=steps,
            effects=effects,
            stopped=_stopped(state["stopped"]),
        )
        run.quiet, run.channel = state["quiet"], state["channel"] or {}
        run.policies = self._policies.told(event.tenant, flow, state["policies"] or {}, known)
        return run

    def effects_at(self, tenant: str, target: str, key: str, since: float) -> list[Row]:
        """Return the effects at `target`, and that of `key`, of all flows, that may have happened
        after `since`, in seconds since the epoch; each with its tool, key, arguments, receipt."""
        values = {"tenant": tenant, "target": target, "key": key, "since": since}
        return self._database.run(tenant, [Statement(SQL["effects_at"], values)])[0]


class Run:
    """One flow handling one event. Threads of `agent.map` may share it."""

    #: What names the message of its queue that waits with it.
    message: Json | None = None
    is_shadow = False  # lived once more without effects: it never parks, and counts as no run
    #: People want the agent to do nothing by itself where its event happened.
    quiet = False
    #: What they set for its channel: by key the value, who set it, and when.
    channel: Mapping[str, Any] = MappingProxyType({})
    #: By which it chooses among arms, by the name of the choice.
    policies: Mapping[str, PolicyInUse] = MappingProxyType({})

    def __init__(
        self,
        database: Database,
        event: Event,
        flow: str,
        key: dict[str, str],
        *,
        attempt: int,
        failures: int,
        pauses: int,
        steps: Sequence[Row],
        effects: Sequence[Row],
        stopped: Stopped | None = None,
    ) -> None:
        self.event = event
        self.flow = flow
        self.id = key["run"]
        self.begun = time.perf_counter()
        self.attempt = attempt
        #: How many attempts failed or died before this one, and how often the run was put off.
        self.failures, self.pauses = failures, pauses
        self.effects = {row["key"]: row for row in effects}
        self.cost = 0.0
        self.unpriced = False  # True when the price of one of its model calls is unknown
        self.allowance = Allowance()
        self.models: set[str] = set()
        self.inputs: list[Any] = []  # what it was shown so far, in a replay the same at each place
        self.choices: Counter[str] = Counter()  # how often it came by each, by its content
        self.wakes: set[str] = set()  # what of the background should come for what the run left
        self.stopped = stopped  # who or what stopped the run, as far as its last write knows
        self.ending = False  # what tells of its end is done although it was stopped
        self._database = database
        self._key = key
        self._steps = {row["key"]: row for row in steps}
        self._occurrences: Counter[tuple[str, str]] = Counter()
        self._waiting = Gathering()
        self._lock = threading.Lock()
        for row in steps:
            # No attempt comes by what failed before, but it was paid for.
            if row["name"] == "failed":
                self._count("", row["cost"])
                self.unpriced |= row["cost"] is None

    def step(
        self, name: str, input: object, work: Callable[[], Outcome], *, defer: bool = False
    ) -> Any:
        """Return the record of this step, or do `work` and record it; raises Stopped instead of
        starting it in a run that was stopped.

        With `defer` the record waits for the next write, which saves a round trip. A crash before
        that write repeats the step, so it suits cheap ones such as queries.
        """
        text = canonical_without_secrets(input)
        hashed = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            occurrence = self._occurrences[name, hashed]
            self._occurrences[name, hashed] += 1
        key = digest([name, hashed, occurrence])
        if row := self._steps.get(key):
            self._count(row["model"], row["cost"])
            return self._noted(name, self._output(row))
        self.check()
        started_at, start = time.time(), time.perf_counter()
        outcome = self._work_of(name, key, work)()
        output = canonical_without_secrets(outcome.output)
        record: dict[str, Any] = {
            "key": key,
            "name": name,
            "input_hash": hashed,
            "occurrence": occurrence,
            "attempt": self.attempt,
            "input": text,
            "output": output,
            "started_at": started_at,
            "duration_ms": (time.perf_counter() - start) * 1000,
            "model": outcome.model,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "cached_tokens": outcome.cached_tokens,
            "cost": outcome.cost,
            "choice": outcome.choice and canonical(outcome.choice),
        }
        self._count(outcome.model, outcome.cost)
        done = [self.statement("record_step", record)]
        self.write(outcome.statements, done=done, defer=defer)
        # A replay hands out the output as JSON gives it back; the first time must equal it.
        return self._noted(name, json.loads(output))

    def _output(self, row: Row) -> Any:
        if not row.get("left_out"):
            return row["output"]
        read = self.statement("read_output", {"key": row["key"]})
        return self._database.run(self.event.tenant, [read])[0][0]["output"]

    def _work_of(self, name: str, key: str, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        return work

    def unasked(self) -> list[str]:
        """Name the recorded steps that this attempt did not come by, since it went another way."""
        came = self._occurrences.items() if self._steps else ()
        asked = {digest([*step, number]) for step, times in came for number in range(times)}
        rows = self._steps.items()
        return [r["name"] for key, r in rows if key not in asked and r["name"] != "failed"]

    def _noted(self, name: str, output: Any) -> Any:
        if name in _INPUTS:
            with self._lock:
                self.inputs.append(output)
        return output

    def _count(self, model: str, cost: float | None) -> None:
        with self._lock:
            self.cost += cost or 0.0
            self.unpriced |= bool(model) and cost is None
            self.models |= {model} - {""}

    def statement(
        self, name: str, parameters: dict[str, Any], sql: Mapping[str, str] = SQL
    ) -> Statement:
        """Return the named statement, of journal.sql if no other is given, for this run."""
        return Statement(sql[name], self._key | {"flow": self.flow} | parameters)

    def check(self) -> None:
        """Raise Stopped if the run is known to be stopped: nothing starts any more."""
        if self.stopped and not self.ending:
            raise Stopped(self.stopped.state, self.stopped.reason)

    def look(self) -> Stopped | None:
        """Write what is deferred, and learn who or what stopped the run, if it is."""
        if not self.stopped:
            self.write([])
        return self.stopped

    def write(
        self,
        statements: Sequence[Statement],
        *,
        done: Sequence[Statement] = (),
        defer: bool = False,
    ) -> list[list[Row]]:
        """Commit the statements, `done` and all deferred ones, in one round trip, if the lease
        still holds.

        `statements` start something, such as an effect, and `done` records what has happened.
        Returns the rows of `statements`; none when they are deferred. Raises RunBusy when the lease
        was lost, and Stopped, with nothing started, when the run was stopped; what has happened is
        then recorded with the end of the run.
        """
        if defer:
            self._waiting.add([*done, *statements])
            return []
        try:
            if not statements:
                with self._waiting.taken(self._waiting.add(done)) as happened:
                    return [] if happened is None else self._commit(happened, (), starts=False)
            with self._waiting.taken(own=done) as happened:
                self.check()
                return self._commit(happened or (), statements, starts=not self.ending)
        except Stopped as stopped:
            self.stopped = stopped
            raise

    def _commit(
        self, happened: Sequence[Statement], statements: Sequence[Statement], *, starts: bool
    ) -> list[list[Row]]:
        """Return the rows of `statements`, and learn if the run was stopped."""
        hold = self.statement("hold_lease", {"starts": starts})
        rows = self._database.run(self.event.tenant, [hold, *happened, *statements])
        self.stopped = self.stopped or _stopped(rows[0][0]["stopped"])
        return rows[len(rows) - len(statements) :]

    def finish(
        self,
        state: str,
        reason: str = "",
        statements: Sequence[Statement] = (),
        *,
        pause: float | None = None,
        gave_up: bool = False,
    ) -> None:
        """End the run as `done`, `failed`, `waiting`, `cancelled` or `superseded`, or give it back
        as `retrying`, which counts as a failure, or `parked`, until `pause` seconds have passed or
        somebody wakes it.

        A run that failed and `gave_up` is a dead letter. `statements` are committed with it.
        """
        values = {"state": state, "reason": redacted(reason), "pause": pause, "gave_up": gave_up}
        waits = self.message and pause is not None
        values["message"] = json.dumps(self.message) if waits else None
        end = self.statement("finish_run", values)
        with self._waiting.taken() as happened:
            self._commit(happened or (), [*statements, end], starts=False)


def _stopped(mark: dict[str, str] | None) -> Stopped | None:
    return Stopped(**mark) if mark else None
