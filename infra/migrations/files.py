"""Reads the migrations: numbered .sql files, each with its phase and its steps."""

import hashlib
import re
from pathlib import Path
from typing import Literal, NamedTuple

from shared.errors import SettingsError

#: How a step is done: in one transaction, outside of any, or in many transactions.
Kind = Literal["in a transaction", "concurrently", "in batches"]

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_STEP = re.compile(r"^-- step: (.+)\n", re.MULTILINE)
_KINDS: dict[str, Kind] = {"concurrently": "concurrently", "in batches": "in batches"}
_ONE_INDEX = re.compile(
    r"(?:create\s+(?:unique\s+)?index\s+concurrently\s+(?P<made>\w+)\s+on\s[^;]+"
    r"|drop\s+index\s+concurrently\s+if\s+exists\s+(?P<dropped>\w+));?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


class Step(NamedTuple):
    """What is done, and recorded as done, at once."""

    name: str
    kind: Kind
    sql: str

    @property
    def makes(self) -> str:
        """The index that a step makes concurrently; empty where it drops one."""
        found = _ONE_INDEX.fullmatch(_COMMENT.sub("", self.sql).strip())
        return found["made"] or "" if found else ""


class Migration(NamedTuple):
    number: int
    name: str
    sql: str

    @property
    def title(self) -> str:
        return f"{self.number:04}_{self.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def contracts(self) -> bool:
        """Does it take away what the code before it used?"""
        return self.sql.startswith("-- contract")

    @property
    def steps(self) -> list[Step]:
        """Return its steps in order: the whole file is one, unless it names them.

        Raises SettingsError when a step is not written as CONTRIBUTING.md says.
        """
        before, *parts = _STEP.split(self.sql)
        if not parts:
            return [Step("", "in a transaction", self.sql)]
        if _COMMENT.sub("", before).strip():
            raise self._wrong("has SQL before its first step")
        steps = [_step(head, sql) for head, sql in zip(parts[::2], parts[1::2], strict=True)]
        if len({step.name for step in steps}) < len(steps):
            raise self._wrong("names two steps alike")
        for step in steps:
            self._check(step)
        return steps

    @property
    def described(self) -> str:
        """Say whether it expands or contracts, and in which steps it runs.

        >>> Migration(52, "slots", "alter table runs add slot int;").described
        'expands, in one transaction'
        """
        does, steps = "contracts" if self.contracts else "expands", self.steps
        if [one.kind for one in steps] == ["in a transaction"]:
            return f"{does}, in one transaction"
        return f"{does}, in steps: " + ", ".join(f"{one.name} ({one.kind})" for one in steps)

    def _check(self, step: Step) -> None:
        code = _COMMENT.sub("", step.sql).strip()
        if step.kind == "concurrently" and not _ONE_INDEX.fullmatch(code):
            raise self._wrong(
                f"step {step.name!r} must be one `create index concurrently NAME on …` or"
                " `drop index concurrently if exists NAME`"
            )
        if step.kind == "in batches" and "%(after)s" not in code:
            raise self._wrong(f"step {step.name!r} does not go on after %(after)s")

    def _wrong(self, what: str) -> SettingsError:
        return SettingsError(f"migration {self.title} {what}")


def _step(head: str, sql: str) -> Step:
    name, comma, kind = head.strip().rpartition(", ")
    if comma and kind in _KINDS:
        return Step(name, _KINDS[kind], sql)
    return Step(head.strip(), "in a transaction", sql)


def migrations(folder: Path = Path(__file__).parent) -> list[Migration]:
    """Return the migrations that ship with this code, in order."""
    found = []
    for file in folder.iterdir():
        if match := _FILE.fullmatch(file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return sorted(found)
