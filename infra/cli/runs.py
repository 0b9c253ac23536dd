"""Lists the newest runs, and shows one as a tree of its steps and effects."""

import argparse
from collections.abc import Iterator

import psycopg
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, cost, in_colour, show, show_json
from shared.database import Row, queries
from shared.database.address import arguments_of
from shared.errors import SettingsError

SQL = queries(__file__, "runs.sql")


def _why(row: Row) -> str:
    """Say why a run is not done, and what happens next."""
    wait = row["waits"]
    if wait is not None:
        return f"{row['reason']}; again {_in_time(wait)}"
    return f"{row['reason']}; dead letter" if row["gave_up"] else str(row["reason"])


def _in_time(seconds: float) -> str:
    """Write a time to come in its largest unit."""
    if seconds <= 0:
        return "now"
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"in {seconds / size:.0f} {unit}"
    return f"in {seconds:.0f} s"


_COLUMNS: Columns = {
    "run": lambda row: str(row["id"]),
    "flow": lambda row: str(row["flow"]),
    "event": lambda row: str(row["event"]),
    "conversation": lambda row: str(row["conversation"]),
    "state": lambda row: str(row["state"]),
    "tries": lambda row: str(row["attempts"]),
    "took": lambda row: f"{row['seconds']:.2f} s",
    "tokens": lambda row: str(row["tokens"] or 0),
    "cost": lambda row: cost(row["cost"]),
    "why": _why,
}


def run_runs(known: KnownSystem, options: argparse.Namespace) -> None:
    wanted = {"flow": options.flow, "state": options.state, "limit": options.limit}
    show(_query(database_url(known), "runs", wanted), _COLUMNS, options, "no runs yet")


def run_run(known: KnownSystem, options: argparse.Namespace) -> None:
    url = database_url(known)
    head = find_run(url, options.id)
    parts = _query(url, "steps", {"tenant": head["tenant"], "run": head["id"]})
    if not options.json:
        print("\n".join(_tree(head, parts, full=options.full)))
        return
    hidden = () if options.full else ("detail", "result")
    shown = [{name: part[name] for name in part if name not in hidden} for part in parts]
    show_json({**head, "steps": shown})


def find_run(url: str, run: str) -> Row:
    """Return the run whose id starts so; raises SettingsError when `run` names none or several."""
    found = _query(url, "run", {"run": run})
    if len(found) != 1:
        many = "several runs start" if found else "no run starts"
        raise SettingsError(f"{many} with {run!r}; `./scripts/flows runs` lists them")
    return found[0]


def _tree(head: Row, parts: list[Row], *, full: bool) -> Iterator[str]:
    """Yield the lines of one run's tree; `full` adds inputs and outputs, which hold people's
    text."""
    state = in_colour(head["state"])
    yield f"run {head['id']}  {head['flow']}  {state}  {_seconds(head)}  {_tries(head)}"
    yield f"event {head['event']}  {head['event_id']}  in {head['conversation']}"
    if why := _why(head):
        yield f"reason {why}"
    for part in parts:
        last = part is parts[-1]
        yield f"{'└' if last else '├'}─ {_part(part)}"
        if full:
            bar = " " if last else "│"
            yield f"{bar}    in   {part['detail']}"
            yield f"{bar}    out  {part['result']}"
    tokens = sum(part["input_tokens"] + part["output_tokens"] for part in parts)
    unpriced = any(part["model"] and part["cost"] is None for part in parts)
    spent = None if unpriced else sum(part["cost"] or 0.0 for part in parts)
    yield f"{len(parts)} steps, {tokens} tokens, {cost(spent)}"


def _query(url: str, name: str, parameters: Row) -> list[Row]:
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        return connection.execute(SQL[name].encode(), parameters).fetchall()


def _part(part: Row) -> str:
    text = f"{part['name']:<28}"
    if part["kind"] == "effect":
        text = f"{part['name']:<28}  {in_colour(part['state'])}"
    if part["duration_ms"] is not None:
        text += f"  {part['duration_ms']:.0f} ms"
    if part["model"]:
        text += f"  {part['model']}  {part['input_tokens']} → {part['output_tokens']} tokens"
        text += "  price unknown" if part["cost"] is None else f"  {cost(part['cost'])}"
    return text + (f"  try {part['attempt']}" if part["attempt"] > 1 else "")


def _seconds(row: Row) -> str:
    return f"{row['seconds']:.2f} s"


def _tries(row: Row) -> str:
    return "1 try" if row["attempts"] == 1 else f"{row['attempts']} tries"
