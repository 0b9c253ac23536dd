"""Says what a migration breaks for the code before it, and where it holds up live traffic: applies
it and compares Postgres's catalogue before and after."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from infra.migrations import Migration
from infra.migrations.files import Step
from shared.database import queries

_SQL = {name: text.encode() for name, text in queries(__file__, "expanding.sql").items()}
_NARROWS = {"f": "foreign key", "u": "unique", "p": "primary key", "x": "exclusion"}


class Thing(NamedTuple):
    """Something in the catalogue. `of` is its table."""

    kind: str
    name: str
    of: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Things = dict[tuple[str, str, str], Thing]
Connection = psycopg.Connection[Any]


def faults(connection: Connection, migration: Migration) -> list[str]:
    """Apply the migration and say what is wrong with it, step by step."""
    found = []
    for step in migration.steps:
        found += step_faults(connection, step, contracts=migration.contracts)
        _apply(connection, step)
    return found


def step_faults(connection: Connection, step: Step, *, contracts: bool = False) -> list[str]:
    """Say what is wrong with a step, and leave the database as it was."""
    if step.kind == "in batches":
        return []
    if step.kind == "concurrently":
        return [] if step.makes or contracts else ["drops an index"]
    before = _things(connection)
    try:
        with connection.transaction(force_rollback=True):
            earlier = set(connection.execute(_SQL["touched"]))
            connection.execute(step.sql.encode())
            after = _things(connection)
            rows = set(connection.execute(_SQL["touched"])) - earlier
            touched = {name for name, count in rows if count}
    except psycopg.errors.IntegrityError as err:
        return [f"fails on rows that are there: {err.diag.message_primary}"]
    made = _Made(before, after)
    found = [*made.holds_up(touched)]
    if not contracts:
        found += [*made.takes_away(), *made.narrows(), *_checks(connection, made)]
    return found


def _apply(connection: Connection, step: Step) -> None:
    after = None
    while step.kind == "in batches":
        row = connection.execute(step.sql.encode(), {"after": after}).fetchone()
        if row is None or row[0] is None:
            return
        after = row[0]
    connection.execute(step.sql.encode())


def _things(connection: Connection) -> Things:
    rows = (Thing(*row) for row in connection.execute(_SQL["catalogue"]))
    return {(one.kind, one.of, one.name): one for one in rows}


def _checks(connection: Connection, made: "_Made") -> Iterator[str]:
    """Name the new checks on what was there that the old ones do not imply.

    Postgres's planner proves it: no row that the old checks let in is looked for.
    https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-CONSTRAINT-EXCLUSION
    """
    for one in made.new("constraint"):
        if one.facts["type"] == "c" and not made.is_of_new_columns(one):
            table = sql.Identifier(one.of)
            ask = sql.SQL("explain (costs off) select from {} where not ({})")
            with connection.transaction(force_rollback=True):
                connection.execute("set local constraint_exclusion = on")
                plan = connection.execute(ask.format(table, sql.SQL(one.facts["form"]))).fetchall()
            if not any("One-Time Filter: false" in line for (line,) in plan):
                yield f"narrows what {one.of} takes: {one}"


class _Made:
    """What a step made of the catalogue."""

    def __init__(self, before: Things, after: Things) -> None:
        self._before, self._after = before, after
        self._tables = {one.name for one in before.values() if one.kind == "table"}

    def new(self, kind: str) -> Iterator[Thing]:
        """What is new, or has another form, on tables that were there."""
        for key, one in self._after.items():
            was = self._before.get(key)
            is_new = was is None or was.facts.get("form") != one.facts.get("form")
            if one.kind == kind and is_new and one.of in self._tables | {""}:
                yield one

    def is_of_new_columns(self, constraint: Thing) -> bool:
        columns = constraint.facts["columns"] or []
        return bool(columns) and all(
            ("column", constraint.of, name) not in self._before for name in columns
        )

    def takes_away(self) -> Iterator[str]:
        """Name what is gone, but for a check: without it more is taken."""
        gone = {one.name for key, one in self._before.items() if key not in self._after}
        for key, one in self._before.items():
            lost_with_table = one.kind != "table" and one.of in gone
            is_check = one.kind == "constraint" and one.facts["type"] == "c"
            if key not in self._after and not lost_with_table and not is_check:
                yield f"takes away {one}"

    def narrows(self) -> Iterator[str]:
        for key, one in self._after.items():
            if was := self._before.get(key):
                yield from _changed(was, one)
        for one in self.new("column"):
            facts = one.facts
            if facts["not null"] and not facts["default"] and not facts["made"]:
                yield f"{one} is not null and has no default: code before it does not write it"
        for one in self.new("constraint"):
            kind = _NARROWS.get(one.facts["type"])
            if kind and not self.is_of_new_columns(one):
                yield f"narrows what {one.of} takes: {kind} {one.name}"
        for one in self.new("policy"):
            earlier = self._facts_before(one)
            if not one.facts["permissive"] or (earlier and earlier != one.facts):
                yield f"narrows what is seen of {one.of}: {one}"
        yield from self._ambiguous()

    def _facts_before(self, one: Thing) -> Mapping[str, Any]:
        was = self._before.get((one.kind, one.of, one.name))
        return was.facts if was else {}

    def _ambiguous(self) -> Iterator[str]:
        known = [one.facts for one in self._before.values() if one.kind == "function"]
        for one in self.new("function"):
            if ("function", "", one.name) in self._before:
                continue
            for was in known:
                most, least = one.facts["parameters"], one.facts["parameters"]
                least -= one.facts["defaults"]
                if was["name"] == one.facts["name"] and least <= was["parameters"] <= most:
                    yield f"{one} may be called in place of the one of that name before"

    def holds_up(self, touched: set[str]) -> Iterator[str]:
        """Name what takes as long as the table is big, under a lock."""
        for key, one in self._after.items():
            was = self._before.get(key)
            if was and one.kind == "table" and was.facts["files"] != one.facts["files"]:
                yield f"writes {one.of} anew under a lock"
            if was and one.kind == "column" and one.facts["not null"] > was.facts["not null"]:
                yield f"looks at all rows of {one.of} under a lock: not null of {one.name}"
        for name in sorted(touched & self._tables):
            yield f"changes rows of {name} in one transaction; do it in batches"
        indexed = {one.name for one in self.new("constraint")}
        for one in self.new("index"):
            if one.name not in indexed:
                yield f"locks {one.of} while it makes {one}; make it concurrently"
        for one in self.new("constraint"):
            if one.facts["valid"] and not self.is_indexed_before(one):
                yield f"looks at all rows of {one.of} under a lock: {one}; add it not valid"

    def is_indexed_before(self, one: Thing) -> bool:
        """Was the index of a constraint there before, made concurrently?"""
        return one.facts["type"] in "up" and ("index", one.of, one.name) in self._before


def _changed(was: Thing, one: Thing) -> Iterator[str]:
    before, after = was.facts, one.facts
    if one.kind == "column":
        yield from _changed_column(one.name, before, after)
    if one.kind == "function":
        for fact in ("result", "strict", "definer", "names"):
            if before[fact] != after[fact]:
                yield f"changes {one}: {fact}"
        if after["defaults"] < before["defaults"]:
            yield f"takes away a default of {one}"
    if one.kind == "table" and after["bound"] and not before["bound"]:
        yield f"binds {one.name} by row level security"
    if one.kind == "index" and before != after:
        yield f"changes {one}"


def _changed_column(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    if before["type"] != after["type"]:
        yield f"changes the type of {name} from {before['type']} to {after['type']}"
    if after["not null"] and not before["not null"]:
        yield f"narrows {name} to not null"
    if after["not null"] and before["default"] and not after["default"]:
        yield f"takes away the default of {name}"
    if before["made"] != after["made"]:
        yield f"changes how {name} is made"
