"""Shows what the journal knows to the page: runs, their steps, and why letters are dead."""

from collections.abc import Sequence

import psycopg
from psycopg.rows import dict_row

from shared.database import Row, queries
from shared.events import Json

_SQL = queries(__file__, "journal.sql")
_RUNS = 30
#: So much of a step's input and output, in characters.
_ROOM = 20_000


class JournalView:
    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def runs(self) -> list[Json]:
        return [_run(row) for row in self._query("runs", {"run": "", "limit": _RUNS})]

    def run(self, start: str) -> Json:
        """Return the run whose id starts so, with its steps; raises LookupError when none or
        several do."""
        found = self._query("runs", {"run": start, "limit": 2}) if start else []
        if len(found) != 1:
            raise LookupError(f"run {start}")
        steps = self._query("steps", {"run": found[0]["id"], "room": _ROOM})
        return {**_run(found[0]), "steps": [_step(row) for row in steps]}

    def dead_letters(self, letters: Sequence[Json]) -> list[Json]:
        """Return the runs that were given up and the dead letters of queues, each with its event,
        its run and its cause."""
        given_up = self._query("given_up", {"limit": _RUNS})
        if not letters:
            return given_up
        runs = self._query("causes", {"events": [_event(letter)["id"] for letter in letters]})
        return [*given_up, *(_dead(letter, runs) for letter in letters)]

    def _query(self, name: str, parameters: Row) -> list[Row]:
        with psycopg.connect(self._url, row_factory=dict_row, connect_timeout=2) as connection:
            return connection.execute(_SQL[name].encode(), parameters).fetchall()


def _run(row: Row) -> Json:
    same = ("id", "flow", "event", "conversation", "state", "attempts", "reason", "tokens")
    return {
        **{name: row[name] for name in same},
        "at": row["started_at"].isoformat(),
        "took": _seconds(row["took"]),
        "cost": "price unknown" if row["unpriced"] else _dollars(row["cost"]),
    }


def _step(row: Row) -> Json:
    same = ("kind", "name", "target", "state", "model", "attempt", "input", "output")
    tokens = f"{row['input_tokens']} → {row['output_tokens']} tokens" if row["model"] else ""
    milliseconds = row["duration_ms"]
    return {
        **{name: row[name] for name in same},
        "tokens": tokens,
        "took": _seconds(None if milliseconds is None else milliseconds / 1000),
        "cost": "price unknown"
        if row["model"] and row["cost"] is None
        else _dollars(row["cost"] if row["model"] else None),
    }


def _dead(letter: Json, runs: Sequence[Row]) -> Json:
    event, flow = _event(letter), _flow(letter["queue"])
    run = next((r for r in runs if (r["event_id"], r["flow"]) == (event["id"], flow)), None)
    return {
        "id": letter["id"],
        "flow": flow,
        "queue": letter["queue"],
        "type": event["type"],
        "conversation": event["conversation"],
        "tries": max(1, letter["receives"]),
        "run": run["id"] if run else "",
        "cause": (run and run["reason"]) or "its function ended without a word; look into the log",
    }


def _event(letter: Json) -> dict[str, str]:
    """Return what a dead letter tells of its event; a large one only names a place in S3."""
    body = letter["body"] if isinstance(letter["body"], dict) else {}
    return {name: str(body.get(name, "")) for name in ("id", "type", "conversation")}


def _flow(queue: str) -> str:
    """Return the flow of a queue, which is the last word of its name: agent-flows-triage.fifo."""
    return queue.removesuffix(".fifo").rpartition("-")[2]


def _dollars(cost: float | None) -> str:
    if not cost:
        return "" if cost is None else "$0"
    return f"${cost:.4f}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
