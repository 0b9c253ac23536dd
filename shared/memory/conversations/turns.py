"""The short-term memory: the turns of a conversation, and the window that a model is shown."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.events import Json
from shared.memory import Trust
from shared.memory.attribution import is_trusted, lowest, person, trust_label
from shared.memory.stored_text import STORED_CHARACTERS, storable
from shared.models.prompts import data
from shared.models.tokens import CUT, shortened, tokens
from shared.redaction.redacting import redacted

SQL = queries(__file__, "turns.sql")

Speaker = Literal["user", "assistant"]

#: How many tokens of a conversation a model is shown. In a longer one, all but the newest half of
#: them is summarised, so a summary is made once in many turns and the beginning stays the same.
BUDGET = 6_000
#: The shares of the budget for one turn, and for the turns of one summary.
_ONE_TURN, _SUMMARISED = 0.25, 2.0
#: How many tokens the marks of a turn count, which say who said it; in a small budget fewer.
_MARKS, _MARKS_SHARE = 16, 0.01
#: How many turns and characters of a conversation are read at once.
_READ_TURNS, _READ_CHARACTERS = 400, 200_000
#: How many files that came earlier are shown, and characters of all of them.
_FILES, _FILE_CHARACTERS = 6, 24_000


class Turn(NamedTuple):
    """One message of a conversation. Of an answer, `trust` is that of what it answers."""

    role: Speaker
    author: str
    text: str
    trust: Trust = "outside"

    @property
    def block(self) -> str:
        """The message as a model is shown it: data, with its author."""
        if self.role == "assistant":
            return data("turn", self.text, author="agent", trust=_own(self.trust))
        trust = trust_label(self.trust)
        return data("turn", self.text, author=person(self.author), trust=trust)


class Origin(NamedTuple):
    """The place where a turn was said, its audience, and the flow that its facts belong to.

    Without an audience no facts are taken from it.
    """

    url: str = ""
    audience: str = ""
    source: str = ""
    trust: Trust = "outside"
    flow: str = ""


class EarlierFile(NamedTuple):
    """A file that came with a turn: by whom, where it stands, and what was read of it, as
    `{"id", "name", "text", "note", "digest", "image"}`."""

    author: str
    trust: Trust
    url: str
    about: Json


class Window(NamedTuple):
    """The part of a conversation that a model is shown: a summary, then the newest turns. `files`
    are the newest that came with any turn.

    The `older` turns between them, `first` to `up_to`, are not in the summary yet. The summary
    reaches up to `previous`, which is 0 without one, and has the lowest `trust` of its turns.
    """

    summary: str
    older: tuple[Turn, ...]
    newest: tuple[Turn, ...]
    previous: int = 0
    first: int = 0
    up_to: int = 0
    trust: Trust = "outside"
    files: tuple[EarlierFile, ...] = ()

    @property
    def told(self) -> Trust:
        """The trust of a summary that holds the older turns as well."""
        before: tuple[Trust, ...] = (self.trust,) if self.summary else ()
        return lowest([*before, *(turn.trust for turn in self.older)])


def summary_block(text: str, trust: Trust) -> str:
    """Show the summary of a conversation to a model; it tells what all of its authors said."""
    said = "summary of the earlier conversation"
    return data(said, text, author="agent", trust=_own(trust))


def _own(trust: Trust) -> str:
    """Say how far the agent's own words are to be trusted, made of something of that trust."""
    return trust_label("own" if is_trusted(trust) else "own_outside")


def window_of(row: Json) -> Window:
    """Read a window that was written as JSON."""
    turns = {name: tuple(Turn(*turn) for turn in row[name]) for name in ("older", "newest")}
    files = tuple(EarlierFile(*file) for file in row.get("files", ()))
    return Window(**row | turns | {"files": files})


class Conversations:
    """The conversations of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def window(
        self,
        tenant: str,
        conversation: str,
        budget: int = BUDGET,
        *,
        without: Sequence[str] = (),
    ) -> Window:
        """Return the window of a conversation in `budget` tokens, `without` the turns of some
        events; raises DatabaseUnavailable."""
        key = {
            "tenant": tenant,
            "conversation": conversation,
            "without": list(without),
            "limit": _READ_TURNS,
            "characters": _READ_CHARACTERS,
            "files": _FILES,
        }
        statements = [Statement(SQL[name], key) for name in ("summary", "newest", "attached")]
        summaries, rows, files = self._database.run(tenant, statements)
        last: Row = summaries[0] if summaries else {"up_to_seq": 0, "text": "", "trust": "outside"}
        turns = [(row.pop("seq"), Turn(**row)) for row in rows]
        window = fit(turns, budget, last["text"], last["up_to_seq"])
        return window._replace(trust=last["trust"], files=_fitting(EarlierFile(**f) for f in files))

    def append(
        self,
        tenant: str,
        conversation: str,
        turn: Turn,
        event: str,
        origin: Origin | None = None,
        *,
        asker: str = "",
        attached: Sequence[Json] = (),
    ) -> Statement:
        """Return the statement that appends `turn` with the files that came with it, or replaces
        that of the same event and role; it keeps nothing of an `asker`, by default the author, who
        said `forget me`.

        A text too long to keep loses its middle.
        """
        row = {
            "tenant": tenant,
            "conversation": conversation,
            "role": turn.role,
            "author": storable(turn.author),
            "text": stored_text(turn.text),
            "event": event,
            "asker": storable(asker or turn.author),
            "attached": json.dumps([_storable(file) for file in attached]),
        }
        origin = origin or Origin()
        return Statement(SQL["append"], row | origin._asdict() | {"url": storable(origin.url)})

    def drop(self, tenant: str, conversation: str, events: Sequence[str]) -> Statement:
        """Return the statement that takes the turns of these events out of a conversation."""
        key = {"tenant": tenant, "conversation": conversation, "events": list(events)}
        return Statement(SQL["drop"], key)

    def summarise(self, tenant: str, conversation: str, window: Window, text: str) -> Statement:
        """Return the statement that keeps `text` as the summary of all but the newest turns.

        It keeps nothing if one of the turns, or the summary that it extends, was deleted meanwhile.
        """
        row = {
            "tenant": tenant,
            "conversation": conversation,
            "text": storable(text),
            "trust": window.told,
            "turns": len(window.older),
            "first": window.first,
            "up_to": window.up_to,
            "previous": window.previous,
        }
        return Statement(SQL["summarise"], row)


def fit(
    turns: Sequence[tuple[int, Turn]], budget: int, summary: str = "", previous: int = 0
) -> Window:
    """Choose the window from numbered turns, which come after a summary up to `previous`.

    It shows all of them if they fit. Else it shows the newest that fill half of the budget, at
    least one; `older` are those that a summary should add, the newest that one call can read.
    """
    most = max(int(budget * _ONE_TURN), 1)
    short = [(seq, turn._replace(text=shortened(turn.text, most))) for seq, turn in turns]
    marks = _marks(budget)
    if tokens(summary) + sum(tokens(turn.text) + marks for _, turn in short) <= budget:
        return Window(summary, (), tuple(turn for _, turn in short), previous)
    kept = max(_count(short, budget / 2, marks), 1)
    newest, rest = short[-kept:], short[:-kept]
    older = rest[len(rest) - _count(rest, budget * _SUMMARISED, marks) :]
    shown = tuple(turn for _, turn in newest)
    if not older:
        return Window(summary, (), shown, previous)
    told = tuple(turn for _, turn in older)
    return Window(summary, told, shown, previous, first=older[0][0], up_to=older[-1][0])


def unsummarised(window: Window, budget: int = BUDGET) -> tuple[Turn, ...]:
    """Return the turns to show when the summary failed: the newest within the budget."""
    turns = [(0, turn) for turn in (*window.older, *window.newest)]
    room = budget - tokens(window.summary)
    fitting = max(_count(turns, room, _marks(budget)), len(window.newest))
    return tuple(turn for _, turn in turns[-fitting:]) if fitting else ()


def _marks(budget: int) -> int:
    return min(_MARKS, int(budget * _MARKS_SHARE))


def _count(turns: Sequence[tuple[int, Turn]], budget: float, marks: int) -> int:
    """Count how many of the last turns, with their marks, fit into the budget together."""
    total = 0
    for number, (_, turn) in enumerate(reversed(turns)):
        total += tokens(turn.text) + marks
        if total > budget:
            return number
    return len(turns)


def _fitting(files: Iterable[EarlierFile]) -> tuple[EarlierFile, ...]:
    """Keep the beginnings of texts that are too long together; the newest come first."""
    kept, room = [], _FILE_CHARACTERS
    for file in files:
        text = str(file.about.get("text", ""))
        note = {"note": "the rest is left out"} if len(text) > room else {}
        kept.append(file._replace(about=file.about | {"text": text[:room]} | note))
        room -= min(len(text), room)
    return tuple(kept)


def _storable(file: Json) -> Json:
    return {name: storable(value) for name, value in file.items() if isinstance(value, str)}


def stored_text(text: str) -> str:
    """Return the text of a turn as it is stored: without secrets, and cut in the middle."""
    return storable(_kept(redacted(text)))


def _kept(text: str) -> str:
    if len(text) <= STORED_CHARACTERS:
        return text
    half = (STORED_CHARACTERS - len(CUT) - 2) // 2
    return f"{text[:half]} {CUT} {text[-half:]}"
