"""The database in memory: it answers the statements of a run as Postgres does, without SQL."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared import journal
from shared.database import Database, Row, Statement
from shared.errors import RunBusy, SettingsError
from shared.evidence import gaps, standing
from shared.learning import attention, findings
from shared.learning.rules import store as rules
from shared.learning.signals import store as signals
from shared.memory import By, store
from shared.memory.conversations import turns
from shared.memory.embedding import tenant_embedders
from shared.memory.ranking import WEIGHTS
from shared.team_settings import desk as team_settings

#: Lets every run that is held, or waits, go on at once, as after its lease and its pause.
EXPIRE = Statement(
    "update runs set lease_until = now(), due_at = now()"
    " where state in ('running', 'retrying', 'parked')",
    {},
)

Values = Mapping[str, Any]
_WAITS = frozenset({"retrying", "parked"})


@dataclass
class _Tables:
    """The rows of one tenant."""

    runs: dict[str, Row] = field(default_factory=dict)
    steps: dict[tuple[str, str], Row] = field(default_factory=dict)
    effects: dict[str, Row] = field(default_factory=dict)
    memories: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    turns: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    embedders: list[Row] = field(default_factory=list)


class DatabaseInMemory(Database):
    """Knows what a run of a flow reads and writes: runs, steps, effects, memories, turns. Of
    reviews it keeps nothing, so each is the first.

    It finds memories by their words alone, stops and pauses no runs, and raises SettingsError for
    all that desks ask for: those tests take the real database.
    """

    def __init__(self) -> None:
        super().__init__("host=nowhere")
        self._tenants: dict[str, _Tables] = {}

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        with self._lock:
            tables = self._tenants.setdefault(tenant, _Tables())
            return [_answered(tables, statement) for statement in statements]


def _answered(tables: _Tables, statement: Statement) -> list[Row]:
    answer = _ANSWERS.get(statement.sql)
    if answer is None:
        opening = " ".join(statement.sql.split()[:6])
        raise SettingsError(
            f"the database in memory cannot do “{opening} …”; give the test a real one:"
            " FlowRunner(database)"
        )
    return answer(tables, statement.parameters) or []


def _claim(tables: _Tables, values: Values) -> None:
    now, owner = time.time(), values["owner"]
    until = now + values["lease"]
    held = {"state": "running", "reason": "", "lease_owner": owner, "lease_until": until}
    held["due_at"] = until if values["queued"] else None
    run = tables.runs.get(values["run"])
    if run is None:
        if not _is_repeated(tables, values):
            counted = {"attempts": 1, "failures": 0, "pauses": 0, "stopped": None}
            about = {name: values[name] for name in ("event", "flow", "digest")}
            tables.runs[values["run"]] = held | counted | about
    elif _is_free(run, owner, now):
        died = run["state"] == "running" and run["lease_owner"] != owner
        run |= held | {"attempts": run["attempts"] + 1, "failures": run["failures"] + died}


def _is_repeated(tables: _Tables, values: Values) -> bool:
    """Did the flow have this body, or act on the twin of this event?"""
    acted = {effect["run"] for effect in tables.effects.values()}
    return any(
        run["flow"] == values["flow"]
        and (
            run["digest"] == values["digest"] != ""
            or (run["event"] == values["twin"] and key in acted)
        )
        for key, run in tables.runs.items()
    )


def _is_free(run: Row, owner: str, now: float) -> bool:
    if run["state"] in _WAITS:
        return bool(run["due_at"] is None or run["due_at"] <= now)
    is_over = run["state"] == "running" and run["lease_until"] < now
    return bool(is_over or run["lease_owner"] == owner)


def _read_run(tables: _Tables, values: Values) -> list[Row]:
    if (run := tables.runs.get(values["run"])) is None:
        return []
    ends = [at for at in (run["lease_until"], run["due_at"]) if at is not None]
    return [
        run
        | {
            "quiet": False,
            "channel": None,
            "policies": None,
            "held_for": max(0.0, max(ends) - time.time()) if ends else 0.0,
        }
    ]


def _hold(tables: _Tables, values: Values) -> list[Row]:
    run = tables.runs.get(values["run"], {})
    if run.get("state") != "running" or run["lease_owner"] != values["owner"]:
        raise RunBusy(f"run {values['run']} is held by another function")
    return [{"stopped": None}]


def _finish(tables: _Tables, values: Values) -> None:
    run, state, pause = tables.runs[values["run"]], values["state"], values["pause"]
    run |= {"state": state, "reason": values["reason"], "lease_owner": None, "lease_until": None}
    run["failures"] += state == "retrying"
    run["pauses"] += state == "parked" and pause is not None
    run["due_at"] = None if pause is None else time.time() + pause


def _expire(tables: _Tables, _: Values) -> None:
    for run in tables.runs.values():
        if run["state"] == "running" or run["state"] in _WAITS:
            run |= {"lease_until": time.time() - 1, "due_at": time.time() - 1}


def _record_step(tables: _Tables, values: Values) -> None:
    kept = {name: values[name] for name in ("run", "key", "name", "model", "cost", "input")}
    kept["output"] = json.loads(values["output"])
    tables.steps.setdefault((values["run"], values["key"]), kept)


def _of_run(rows: Mapping[Any, Row], values: Values) -> list[Row]:
    return [dict(row) for row in rows.values() if row["run"] == values["run"]]


def _dispatch(tables: _Tables, values: Values) -> None:
    row = {"receipt": None, "reason": ""} | tables.effects.get(values["key"], dict(values))
    row["arguments"] = json.loads(values["arguments"])
    tables.effects[values["key"]] = row | {"state": "dispatched", "settled_at": None}


def _settle(tables: _Tables, values: Values) -> None:
    if row := tables.effects.get(values["key"]):
        receipt = values["receipt"] and json.loads(values["receipt"])
        row |= {"state": values["state"], "reason": values["reason"], "receipt": receipt}
        row["settled_at"] = time.monotonic()


def _previous(tables: _Tables, values: Values) -> list[Row]:
    same = [
        row
        for row in tables.effects.values()
        if row["state"] == "committed" and row["key"] != values["key"]
        if all(row[name] == values[name] for name in ("flow", "tool", "target"))
        if row["arguments"].get("name") == json.loads(values["arguments"]).get("name")
    ]
    return sorted(same, key=lambda row: float(row["settled_at"]))[-1:]


def _effects_at(tables: _Tables, values: Values) -> list[Row]:
    return [
        row
        for row in tables.effects.values()
        if row["target"].lower() == values["target"].lower() or row["key"] == values["key"]
    ]


def _remember(tables: _Tables, values: Values) -> None:
    subject = (values["flow"], values["kind"], values["ref"])
    old = tables.memories.get(subject)
    if old and old["trust"] == "inside" and values["trust"] not in {"inside", "own"}:
        is_own = old["author"] == values["author"] and values["source"].startswith("github:")
        if not is_own:
            return
    new = {"id": str(uuid.uuid4()), "remembered_at": datetime.now(UTC)}
    tables.memories[subject] = dict(values) | new


def _recall(tables: _Tables, values: Values) -> list[Row]:
    found = [hit for row in tables.memories.values() if (hit := _hit(row, values))]
    found.sort(key=lambda row: (-row["score"], row["ref"]))
    counts = {"counted": len(found), "indexed": len(found)}
    return [row | {"place": place, "near": []} | counts for place, row in enumerate(found, 1)]


def _hit(row: Row, values: Values) -> Row | None:
    """Return the memory with its score, the share of the question's words that it holds."""
    if row["flow"] not in ("", values["flow"]) or row["audience"] not in values["audiences"]:
        return None
    if row["ref"] == values["exclude_ref"] or (
        values["kinds"] and row["kind"] not in values["kinds"]
    ):
        return None
    terms = values["terms"]
    matched = [place for place, term in enumerate(terms, 1) if term in row["terms"]]
    score = WEIGHTS[By.BOTH].words * len(matched) / max(len(terms), 1)
    return row | {"score": score, "matched": matched, "meaning": None} if matched else None


def _standing(tables: _Tables, values: Values) -> list[Row]:
    return [row for row in tables.memories.values() if row["id"] in values["ids"]]


def _said(tables: _Tables, values: Values) -> list[Row]:
    place = values["conversation"]
    return [{"text": row["text"]} for key, row in tables.turns.items() if key[0] == place]


def _append(tables: _Tables, values: Values) -> None:
    key = (values["conversation"], values["event"], values["role"])
    place = tables.turns.get(key, {"seq": len(tables.turns) + 1})["seq"]
    tables.turns[key] = dict(values) | {"seq": place}


def _drop(tables: _Tables, values: Values) -> None:
    for key in [one for one in tables.turns if one[0] == values["conversation"]]:
        if key[1] in values["events"]:
            del tables.turns[key]


def _newest(tables: _Tables, values: Values) -> list[Row]:
    names = ("seq", "role", "author", "text", "trust")
    said = [row for key, row in tables.turns.items() if key[0] == values["conversation"]]
    return [{name: row[name] for name in names} for row in said[-values["limit"] :]]


def _attached(tables: _Tables, values: Values) -> list[Row]:
    said = [row for key, row in tables.turns.items() if key[0] == values["conversation"]]
    rows = [
        {name: row[name] for name in ("author", "trust", "url")} | {"about": about}
        for row in reversed(said)
        if row["event"] not in values["without"]
        for about in json.loads(row["attached"])
    ]
    return rows[: values["files"]]


def _appoint(tables: _Tables, values: Values) -> None:
    named = {"embedder": values["embedder"], "dimensions": values["dimensions"]}
    tables.embedders = tables.embedders or [named | {"state": "answering", "age": 0.0}]


def _nothing(_: _Tables, __: Values) -> None:
    """Answer a lock, or what no run reads."""


_ANSWERS: Mapping[str, Callable[[_Tables, Values], list[Row] | None]] = {
    EXPIRE.sql: _expire,
    journal.SQL["hold_claim"]: _nothing,
    journal.SQL["record_event"]: _nothing,
    journal.SQL["claim_run"]: _claim,
    journal.SQL["read_run"]: _read_run,
    journal.SQL["read_steps"]: lambda tables, values: _of_run(tables.steps, values),
    journal.SQL["read_effects"]: lambda tables, values: _of_run(tables.effects, values),
    journal.SQL["hold_lease"]: _hold,
    journal.SQL["record_step"]: _record_step,
    journal.SQL["finish_run"]: _finish,
    journal.SQL["dispatch_effect"]: _dispatch,
    journal.SQL["settle_effect"]: _settle,
    journal.SQL["previous_receipt"]: _previous,
    journal.SQL["effects_at"]: _effects_at,
    store.SQL["remember"]: _remember,
    store.SQL["recall"]: _recall,
    store.SQL["used"]: _nothing,
    gaps.SQL["mark"]: _nothing,
    standing.SQL["memories"]: _standing,
    standing.SQL["turns"]: _said,
    turns.SQL["append"]: _append,
    turns.SQL["drop"]: _drop,
    turns.SQL["summary"]: _nothing,
    turns.SQL["newest"]: _newest,
    turns.SQL["attached"]: _attached,
    **dict.fromkeys(findings.SQL.values(), _nothing),
    **dict.fromkeys(rules.SQL.values(), _nothing),
    **dict.fromkeys(signals.SQL.values(), _nothing),
    **dict.fromkeys(team_settings.SQL.values(), _nothing),
    attention.SQL["spend"]: lambda _, values: [{"granted": values["urgent"] + values["others"]}],
    tenant_embedders.SQL["lock"]: _nothing,
    tenant_embedders.SQL["appoint"]: _appoint,
    tenant_embedders.SQL["appointed"]: lambda tables, _: list(tables.embedders),
}
