"""The JSON view of a run: its state, the result of each step, and the approvals it waits for."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.database import Database, Row, Statement, queries
from shared.events import Json
from shared.planning.checklist import Line, checklist
from shared.planning.store import QUESTION, Approval, PlanStore, Situation, StepRow

SQL = queries(__file__, "run_view.sql")

#: Characters of a step's output that are shown.
_SHOWN = 2_000


def read(database: Database, tenant: str, run: str) -> Json | None:
    """Return the run of `tenant`, with its plan if it began one; None when there is no such run."""
    key = {"tenant": tenant, "run": run}
    found, steps, costs = database.run(
        tenant, [Statement(SQL[name], key) for name in ("read_run", "read_steps", "read_costs")]
    )
    if not found:
        return None
    row = found[0]
    told: Json = {
        "id": run,
        "flow": row["flow"],
        "state": row["state"],
        "reason": row["reason"],
        "started_at": _time(row["started_at"]),
        "finished_at": _time(row["finished_at"]),
        "cost": None if row["unpriced"] else row["cost"],
    }
    if row["plans"]:
        return told | _plan(PlanStore(database).load(tenant, run), costs, row)
    return told | {"steps": [_journaled(step) for step in steps]}


def _plan(situation: Situation, costs: Sequence[Row], row: Row) -> Json:
    by_step = _by_step(situation, costs)
    lines = [Line(row.step, row.state, row.reason) for row in situation.steps]
    cost, unpriced = row["cost"] + situation.cost, row["unpriced"] or situation.unpriced
    return {
        "state": situation.state,
        "reason": situation.reason,
        "goal": situation.goal,
        "version": len(situation.versions),
        "cost": None if unpriced else cost,
        "checklist": checklist(lines, cost=cost, unpriced=unpriced) if lines else "",
        "steps": [_step(row, by_step[row.step.id]) for row in situation.steps],
        "approvals": [_approval(approval) for approval in situation.approvals],
    }


def _by_step(situation: Situation, costs: Sequence[Row]) -> dict[str, float | None]:
    """Add up the cost of each step: its act and its check, in all versions; None is unknown."""
    paid: dict[str, float | None] = defaultdict(float)
    for row in costs:
        kind, _, rest = row["event_id"].removeprefix(f"{situation.event.id}/").partition("/")
        if kind in {"act", "verify"}:
            step = rest.partition("/")[0]
            before = paid[step]
            paid[step] = None if row["unpriced"] or before is None else before + row["cost"]
    return paid


def _step(row: StepRow, cost: float | None) -> Json:
    return {
        "id": row.step.id,
        "goal": row.step.goal,
        "tool": row.step.tool,
        "depends_on": sorted(row.step.waits_for),
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts + 1,
        "cost": cost,
        "output": _in_short(row.output),
    }


def _in_short(output: Any) -> str:
    """Return the output as JSON, cut to a readable length."""
    text = "" if output is None else json.dumps(output, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _approval(asked: Approval) -> Json:
    state = "expired" if asked.state == "asked" and asked.expired else asked.state
    return {
        "state": state,
        "steps": list(asked.steps) or [QUESTION],
        "digest": asked.digest,
        "asks": asked.payload,
        "expires_at": _time(asked.expires_at),
        "decided_by": asked.decided_by,
        "said": asked.said,
    }


def _journaled(row: Row) -> Json:
    return {
        "name": row["name"],
        "model": row["model"],
        "cost": row["cost"] if row["model"] else 0.0,
        "ms": round(row["duration_ms"], 1),
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
