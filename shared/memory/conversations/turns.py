"""The short-term memory: the turns of one conversation in order, and what of them a model is
shown."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.memory.stored_text import STORED_CHARACTERS, storable
from shared.models.tokens import CUT, shortened, tokens

SQL = queries(__file__, "turns.sql")

Role = Literal["user", "assistant"]

#: How many tokens of a conversation a model is shown. Above that what is older than the newest half
#: is summarised, so that a summary is wanted once in many turns and the beginning stays the same.
BUDGET = 6_000
#: What one turn may take of the budget, and the turns that one summary is made of.
_ONE_TURN, _SUMMARISED = 0.25, 2.0
#: How much of a conversation is read at once.
_READ_TURNS, _READ_CHARACTERS = 400, 200_000


class Turn(NamedTuple):
    """What one side said."""

    role: Role
    author: str
    text: str


class Origin(NamedTuple):
    """Where a turn was said, who may see it, and whose facts it makes; without an audience it makes
    none."""

    url: str = ""
    audience: str = ""
    source: str = ""
    trust: Literal["inside", "outside"] = "outside"
    flow: str = ""


class Window(NamedTuple):
    """What of a conversation a model is shown: a summary, then the newest turns.

    `older` lies between them and is not in the summary yet: the turns `first` to `up_to`. The
    summary as it is reaches up to `previous`, 0 when there is none.
    """

    summary: str
    older: tuple[Turn, ...]
    newest: tuple[Turn, ...]
    previous: int = 0
    first: int = 0
    up_to: int = 0


class Conversations:
    """What was said in the conversations of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def window(self, tenant: str, conversation: str, budget: int = BUDGET) -> Window:
        """Return what of a conversation fits into `budget` tokens; raises DatabaseUnavailable."""
        key = {
            "tenant": tenant,
            "conversation": conversation,
            "limit": _READ_TURNS,
            "characters": _READ_CHARACTERS,
        }
        statements = [Statement(SQL[name], key) for name in ("summary", "newest")]
        summaries, rows = self._database.run(tenant, statements)
        last: Row = summaries[0] if summaries else {"up_to_seq": 0, "text": ""}
        turns = [(row.pop("seq"), Turn(**row)) for row in rows]
        return fit(turns, budget, last["text"], last["up_to_seq"])

    def append(
        self, tenant: str, conversation: str, turn: Turn, event: str, origin: Origin | None = None
    ) -> Statement:
        """Return the statement that appends `turn`; the same event and role replace its text.

        Of a text too long to keep, the middle is left out.
        """
        row = {
            "tenant": tenant,
            "conversation": conversation,
            "role": turn.role,
            "author": storable(turn.author),
            "text": storable(_kept(turn.text)),
            "event": event,
        }
        origin = origin or Origin()
        return Statement(SQL["append"], row | origin._asdict() | {"url": storable(origin.url)})

    def summarise(self, tenant: str, conversation: str, window: Window, text: str) -> Statement:
        """Return the statement that keeps `text` as the summary of all but the newest turns.

        It keeps nothing when one of the turns, or the summary that it extends, is gone since.
        """
        row = {
            "tenant": tenant,
            "conversation": conversation,
            "text": storable(text),
            "turns": len(window.older),
            "first": window.first,
            "up_to": window.up_to,
            "previous": window.previous,
        }
        return Statement(SQL["summarise"], row)


def fit(
    turns: Sequence[tuple[int, Turn]], budget: int, summary: str = "", previous: int = 0
) -> Window:
    """Choose what to show of numbered turns, which come after a summary up to `previous`.

    All of them when they fit. Else the newest that fill half of the budget, at least one, and
    `older` is what a summary should add: of more than one call of a model can read, the newest.
    """
    most = max(int(budget * _ONE_TURN), 1)
    short = [(seq, turn._replace(text=shortened(turn.text, most))) for seq, turn in turns]
    if tokens(summary) + sum(tokens(turn.text) for _, turn in short) <= budget:
        return Window(summary, (), tuple(turn for _, turn in short), previous)
    kept = max(_count(short, budget / 2), 1)
    newest, rest = short[-kept:], short[:-kept]
    older = rest[len(rest) - _count(rest, budget * _SUMMARISED) :]
    shown = tuple(turn for _, turn in newest)
    if not older:
        return Window(summary, (), shown, previous)
    told = tuple(turn for _, turn in older)
    return Window(summary, told, shown, previous, first=older[0][0], up_to=older[-1][0])


def unsummarised(window: Window, budget: int = BUDGET) -> tuple[Turn, ...]:
    """Return what is shown when no summary could be made: the newest turns within the budget."""
    turns = [(0, turn) for turn in (*window.older, *window.newest)]
    fitting = max(_count(turns, budget - tokens(window.summary)), len(window.newest))
    return tuple(turn for _, turn in turns[-fitting:]) if fitting else ()


def _count(turns: Sequence[tuple[int, Turn]], budget: float) -> int:
    """Count how many of the last turns fit into the budget together."""
    total = 0
    for number, (_, turn) in enumerate(reversed(turns)):
        total += tokens(turn.text)
        if total > budget:
            return number
    return len(turns)


def _kept(text: str) -> str:
    if len(text) <= STORED_CHARACTERS:
        return text
    half = (STORED_CHARACTERS - len(CUT) - 2) // 2
    return f"{text[:half]} {CUT} {text[-half:]}"
