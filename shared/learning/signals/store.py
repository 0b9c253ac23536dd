"""Keeps what people made of a run: each signal once, and each person's within a bound."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from shared.canonical import digest
from shared.database import Statement, queries
from shared.journal import Run
from shared.redaction.redacting import redacted

SQL = queries(__file__, "store.sql")

Kind = Literal[
    "liked",
    "disliked",
    "accepted",
    "dismissed",
    "resolved",
    "relabelled",
    "undone",
    "edited",
    "corrected",
    "committed",
    "changed_before_merge",
    "unchanged_before_merge",
    "closed_as_duplicate",
    "not_duplicate",
    "reopened",
    "quiet",
    "escalated",
    "answered_after",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: What each says of what was done, from -1, it was wrong, to 1, it was right. What people only let
#: happen says less than what they did, and that less than what they said.
VALUES: Mapping[Kind, float] = {
    "liked": 1.0,
    "disliked": -1.0,
    "accepted": 1.0,
    "dismissed": -1.0,
    "resolved": 1.0,
    "relabelled": -1.0,
    "undone": -1.0,
    "edited": 0.0,  # by how much of it is left, from -1 to 1
    "corrected": -1.0,
    "committed": 1.0,
    "changed_before_merge": 0.75,
    "unchanged_before_merge": -0.25,
    "closed_as_duplicate": 1.0,
    "not_duplicate": -0.75,
    "reopened": -1.0,
    "quiet": 0.25,
    "escalated": -0.5,
    "answered_after": -0.5,
}
#: Signals of one person about a flow in a repository that count within a week.
MOST_A_WEEK = 20
#: Characters of a person's words that are kept.
_WORDS = 1_000


class Caused(NamedTuple):
    """What a signal is about: an effect, a run, what made a proposal, or the last answer in a
    thread of Slack. The first that is named counts. A plan has the name of its first run."""

    effect: str = ""
    run: str = ""
    proposal: str = ""
    thread: str = ""


class Signal(NamedTuple):
    """What somebody made of what was done. `thing` is what may be said once of it: a later word of
    the same thing replaces an earlier one, in whatever order they come. `at` is in seconds since
    the epoch; `actor` is the account on the platform, empty for what nobody in particular did."""

    thing: tuple[str, ...]
    caused: Caused
    kind: Kind
    at: float
    actor: str = ""
    repository: str = ""
    value: float | None = None
    cause: str = ""
    words: str = ""

    @property
    def key(self) -> str:
        return digest(list(self.thing))

    @property
    def worth(self) -> float:
        return VALUES[self.kind] if self.value is None else max(-1.0, min(1.0, self.value))


def kept(run: Run, signals: Sequence[Signal]) -> list[Statement]:
    """Return the statements that keep the signals. What has no run any more is not kept."""
    return [
        Statement(SQL[name], _values(run, signal))
        for signal in signals
        for name in _statements_of(signal)
    ]


def _statements_of(signal: Signal) -> tuple[str, ...]:
    is_thumb = signal.kind in {"liked", "disliked"} and signal.caused.effect
    return ("keep", *(["replace_copied"] if is_thumb else []), "weigh")


def _values(run: Run, signal: Signal) -> dict[str, object]:
    return {
        "tenant": run.event.tenant,
        "key": signal.key,
        "effect": signal.caused.effect,
        "caused": signal.caused.run,
        "proposal": signal.caused.proposal,
        "thread": signal.caused.thread,
        "repository": signal.repository,
        "kind": signal.kind,
        "value": signal.worth,
        "actor": signal.actor,
        "cause": signal.cause,
        "words": redacted(signal.words)[:_WORDS],
        "at": signal.at,
        "most": MOST_A_WEEK,
    }
