"""Finds the question that a person's answer is about, and tells whether they may give it."""

from collections.abc import Sequence

from shared.database import Row
from shared.errors import PolicyError
from shared.events import Event
from shared.perception.written import Moment, on_github, on_slack, written
from shared.planning.messages import NAMED
from shared.planning.store import QUESTION


class AnswerRefused(PolicyError):
    """An answer that cannot be taken; `public` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.public = reason


def question_for(event: Event, asked: Sequence[Row], of: str, step: str) -> Row | None:
    """Return the open question of `asked` that the answer of `event` names; None without one.

    A digest, or its first characters, says exactly which. Without it there must be no other open
    question, and the person must have seen this one when they wrote: raises AnswerRefused.
    """
    named = [row for row in asked if not of or _names(of, row)]
    if step:
        named = [row for row in named if step in (row["steps"] or [QUESTION])]
    if not named:
        return None
    exact = [row for row in named if _is_exact(of, row)]
    if len(exact) == 1:
        return exact[0]
    if len(asked) > 1:
        raise AnswerRefused(f"Several questions are open here. Name one of them: {_short(asked)}.")
    if not _was_shown(named[0], event):
        raise AnswerRefused(
            "I asked that only after you wrote, or cannot tell. Look at the question, and name it:"
            f" {_short(named)}."
        )
    return named[0]


def check_differs(event: Event, question: Row) -> None:
    """Raise AnswerRefused unless the person is surely another than those whose words the plan
    follows: who asked, and who had it changed. Only accounts of one platform can be compared."""
    authors = {question["asker"] or "", *question["changers"]}
    if identified(event) in authors:
        raise AnswerRefused("You asked for this yourself. Somebody else must approve it.")
    if any(author.partition(":")[0] != event.source for author in authors):
        raise AnswerRefused(
            "I cannot tell whether you asked for this yourself. It must be approved where it was"
            " asked for, by somebody else."
        )


def identified(event: Event) -> str:
    """Name the actor by what does not change: the platform, and the id of the account there."""
    return f"{event.source}:{event.actor.id}"


def _names(of: str, row: Row) -> bool:
    return _is_exact(of, row) or of == row["plan_id"] or of in row["steps"]


def _is_exact(of: str, row: Row) -> bool:
    """Equal questions of two plans have one digest, so a plan's id may stand before it."""
    digest: str = row["digest"]
    short = of.removeprefix(f"{row['plan_id']}/")
    return len(short) >= NAMED and digest.startswith(short)


def _was_shown(row: Row, event: Event) -> bool:
    """Did the question stand there when the person wrote?"""
    shown, wrote = _shown(row, event.source), written(event)
    return shown is not None and wrote is not None and shown.is_before(wrote)


def _shown(row: Row, source: str) -> Moment | None:
    """Return when the question was shown, from the receipt of its message."""
    receipt = row["shown"] or {}
    if source == "slack":
        return on_slack(receipt.get("id", ""))
    number = receipt.get("id", "")
    at = (receipt.get("data") or {}).get("at", "")
    return on_github(at, int(number) if number.isdecimal() else 0)


def _short(rows: Sequence[Row]) -> str:
    short = [row["digest"][:NAMED] for row in rows]
    if len(set(short)) < len(short):
        short = [f"{row['plan_id']}/{name}" for row, name in zip(rows, short, strict=True)]
    return ", ".join(f"`{name}`" for name in short)
