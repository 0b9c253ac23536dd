"""Explains: the runs behind what a person points at, and of each the delivery, who caused it,
which texts a model saw, which memories with whose authority, which right let it through, what it
did, and why it did not act."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.explaining.question import Pointer
from shared.frozen import frozen
from shared.patterns import lazily

SQL = queries(__file__, "explanation.sql")

#: How many runs are told of.
_MOST = 10
_BLOCK = lazily(r"<data ([^>]{0,600})>\n?(.*?)\n?</data>", re.DOTALL)
_FIELD = lazily(r'(\w+)="([^"]*)"')
_SHOWN = 240
#: What a state says about a run that did nothing.
_STATES = {
    "superseded": "a newer event took its place",
    "cancelled": "somebody stopped it",
    "failed": "it failed",
    "waiting": "it waits for a person",
    "parked": "it waits for something that is away",
    "retrying": "it tries again later",
    "running": "it is still at work",
}


class SeenText(NamedTuple):
    """A text that a model was shown: where it is from, who wrote it, how far it is trusted."""

    source: str
    author: str
    trust: str
    text: str


class UsedMemory(NamedTuple):
    id: str
    kind: str
    author: str
    trust: str
    audience: str
    why: str
    text: str
    url: str


class DoneThing(NamedTuple):
    """Something that the run did, or set out to do."""

    tool: str
    target: str
    state: str
    reason: str
    url: str


@frozen
class Reasons:
    """One run. `row` holds its columns; `not_acted` says why it did nothing, '' if it acted."""

    row: Row
    caused_by: str
    role: str
    said: str
    url: str
    texts: tuple[SeenText, ...] = ()
    memories: tuple[UsedMemory, ...] = ()
    rights: tuple[str, ...] = ()
    deeds: tuple[DoneThing, ...] = ()
    not_acted: str = ""


class ReasonFinder:
    """Explains the runs of one tenant, as far as a reader may see: `bounds` are the parameters
    `everywhere` and `audiences`. Threads may share it."""

    def __init__(self, database: Database, tenant: str, bounds: Mapping[str, object]) -> None:
        self._database = database
        self._bounds = {"everywhere": False, "audiences": []} | dict(bounds) | {"tenant": tenant}
        self._tenant = tenant

    def of(self, question: Pointer) -> list[Reasons]:
        """Return the explanations, the newest run first; none where nothing may be shown."""
        return self.of_runs(self._found(question))

    def of_runs(self, ids: Sequence[str]) -> list[Reasons]:
        """Explain these runs."""
        if not ids:
            return []
        rows, steps, effects = self._rows(("runs", "steps", "effects"), ids=[*ids])
        return [_explained(row, _of(row, steps), _of(row, effects)) for row in rows]

    def _found(self, question: Pointer) -> list[str]:
        values: Row = {**question._asdict(), "limit": _MOST}
        names: tuple[str, ...] = ()
        if question.run:
            names = ("by_run",)
        elif question.event:
            names = ("by_event",)
        elif question.ts:
            names, values["at"] = ("by_message",), float(question.ts)
        elif question.target:
            names = ("by_target", "by_conversation")
            values["conversation"] = f"github:{question.target}"
        found = [row["id"] for rows in self._rows(names, **values) for row in rows]
        return [*dict.fromkeys(found)][:_MOST]

    def _rows(self, names: Sequence[str], **values: object) -> list[list[Row]]:
        bounds = self._bounds | values
        statements = [Statement(SQL[name], bounds) for name in names]
        return self._database.run(self._tenant, statements) if statements else []


def _of(row: Row, parts: Sequence[Row]) -> list[Row]:
    return [part for part in parts if part["run_id"] == row["id"]]


def _explained(row: Row, steps: Sequence[Row], effects: Sequence[Row]) -> Reasons:
    who = _read(row["who"])
    name, role = (str(who[1]), str(who[3])) if isinstance(who, list) and len(who) > 3 else ("", "")
    deeds = tuple(map(_deed, effects))
    texts = [text for step in steps if step["model"] for text in _texts(step)]
    memories = [one for step in steps if step["name"] == "recall" for one in _memories(step)]
    return Reasons(
        row, name, role, _cut(_read(row["said"])), str(_read(row["url"]) or ""),
        tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(memories)),
        tuple(dict.fromkeys(filter(None, map(_right, steps)))), deeds, _not_acted(row, deeds),
    )  # fmt: skip


def _not_acted(row: Row, deeds: Sequence[DoneThing]) -> str:
    if any(deed.state == "committed" for deed in deeds):
        return ""
    because = row["reason"] or _STATES.get(row["state"], "")
    if not because:
        return "it ended without finding anything to do"
    told = _STATES.get(row["state"], "it declined")
    return because if because == told else f"{told}: {because}"


def _deed(row: Row) -> DoneThing:
    receipt = _read(row["receipt"])
    url = str(receipt.get("url") or "") if isinstance(receipt, dict) else ""
    return DoneThing(row["tool"], row["target"], row["state"], row["reason"], url)


def _texts(step: Row) -> list[SeenText]:
    """Return the texts of a prompt that stand in marked blocks, which data from outside does."""
    given = _read(step["input"])
    request = given.get("request") if isinstance(given, dict) else None
    messages = request.get("messages") if isinstance(request, dict) else None
    found = []
    for message in messages or ():
        for block in _BLOCK.finditer(str(message.get("text", ""))):
            about = dict(_FIELD.findall(block[1]))
            source, author, trust = (about.get(k, "") for k in ("source", "author", "trust"))
            found.append(SeenText(source, author, trust, _cut(block[2])))
    return found


def _memories(step: Row) -> list[UsedMemory]:
    found = _read(step["output"])
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [_memory(one) for one in rows]


def _memory(one: Mapping[str, Any]) -> UsedMemory:
    told = {k: str(one.get(k) or "") for k in ("kind", "author", "trust", "audience", "why", "url")}
    return UsedMemory(id=f"m-{str(one.get('id', ''))[:8]}", text=_cut(one.get("text")), **told)


def _right(step: Row) -> str:
    """Say which right was asked for, and what the platform answered."""
    if step["name"] not in {"right", "proved"}:
        return ""
    asked, answer = _read(step["input"]), _read(step["output"])
    if step["name"] == "proved":
        count = len(answer) if isinstance(answer, list) else 0
        return f"the person proved {count} GitHub account{'' if count == 1 else 's'}"
    asked = dict(asked) if isinstance(asked, dict) else {}
    name = str(asked.pop("query", "right"))
    about = ", ".join(str(value) for value in asked.values())
    told = answer if isinstance(answer, dict) else {"answer": answer}
    return f"{name} ({about}): " + ", ".join(f"{key} {value}" for key, value in told.items())


def _read(text: str | None) -> Any:
    """Return the JSON of a text; of one that was cut, its characters."""
    try:
        return json.loads(text) if text is not None else None
    except ValueError:
        return (text or "").strip('"').replace("\\n", "\n")


def _cut(text: object) -> str:
    said = str(text or "").strip()
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
