"""The desk that takes back what a run did, from the newest effect to the oldest, as far as nobody
built upon it; and says what it could not."""

import re
import time
from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple, Self

from shared.actions import Action, label_of
from shared.actions.github import actions as on_github
from shared.actions.github import reactions
from shared.actions.github.actions import RemoveLabels
from shared.actions.github.pulls import sections
from shared.actions.github.reactions import RemoveReaction
from shared.actions.past import PastEffect, TakeBack, TakeBackOnGitHub, TakeBackOnSlack, TakenBack
from shared.actions.past import left as stays
from shared.actions.slack import actions as on_slack
from shared.actions.slack.views import actions as for_one
from shared.actions.timers import SetTimer
from shared.agent.timers import Timers
from shared.database import Row, queries
from shared.desk import Loan
from shared.errors import (
    ActionRejected,
    ActionUnavailable,
    EventError,
    NotPermitted,
    PolicyError,
    SettingsError,
)
from shared.events import Event, Json
from shared.journal import Outcome
from shared.learning.signals.desk import SignalsDesk
from shared.learning.signals.issues import WINDOW_TIMER
from shared.learning.signals.store import Caused
from shared.memory.control.unremembering import unremember
from shared.perception.commands import command_of
from shared.stopping.desk import StopDesk, where

SQL = queries(__file__, "undo.sql")

#: Seconds between two looks whether a run has ended that was stopped.
_LOOK = 0.25
#: Seconds in which a plan that was stopped reports its end.
_REPORT = 10.0
#: Seconds of the function's time that must remain to wait, or to take one more effect back.
_MARGIN = 5.0

#: Every action by its name, as the journal has it, with what takes it back.
KINDS: dict[str, tuple[type[Action], type[TakeBack]]] = {
    name: (kind, by)
    for module, by in (
        (on_github, TakeBackOnGitHub),
        (reactions, TakeBackOnGitHub),
        (sections, TakeBackOnGitHub),
        (on_slack, TakeBackOnSlack),
        (for_one, TakeBackOnSlack),
    )
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Action)
}


class PastRun(NamedTuple):
    """A run to take back. `root` is the event that asked for it: the pieces of a plan have its
    name and more. The repository may have `had` another name then. `order` is the label that gave
    the command."""

    id: str
    flow: str
    root: str
    conversation: str
    had: str = ""
    order: str = ""


class UndoneRun(NamedTuple):
    """What became of the effects of a run, newest first; and how many memories it forgot."""

    run: PastRun
    effects: Sequence[TakenBack]
    memories: int


class UndoDesk:
    """Takes back in the name of the actor of the run's event."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def undo(self, named: str = "") -> UndoneRun | None:
        """Take back the run of this name, or the last one that acted in the conversation; None
        where there is none.

        A run that goes on is stopped first. Raises NotPermitted for a person who may not write and
        did not ask for it, and EventError for what is an undo itself.
        """
        found = self._found(named)
        if found is None:
            return None
        self._stop(found)
        rows = self._claimed(found)
        told = (row for row in _once(rows) if not _is_sign_off(row, found))
        effects = [(row, self._taken_back(row, rows)) for row in told]
        self._settle(found, effects)
        self._note(effects)
        memories = unremember(self._run, found.flow, found.root)
        return UndoneRun(found, [taken for _, taken in effects], memories)

    def _found(self, named: str) -> PastRun | None:
        """Find the run in the place of the event, as far as this person may take it back."""
        may_write = self._loan.may_write()
        conversation, actor = where(self._event)
        about = {
            "named": named,
            "conversation": conversation,
            "actor": actor,
            "at": self._event.received_at,
            "asker": "" if may_write else self._event.actor.id,
            "source": self._event.source,
        }

        def work() -> Outcome:
            rows = self._run.write([self._run.statement("find", about, SQL)])[0]
            return Outcome([_judged(row, self._event) for row in rows])

        found = self._run.step("find run", {"named": named, "may_write": may_write}, work)
        if not found or not found[0]["is_here"]:
            return None
        [row] = found
        if not (may_write or row["is_asker"]):
            raise NotPermitted("that needs write permission, or to have asked for it")
        if row["flow"] == self._run.flow:
            raise EventError("what stops or takes back is not taken back itself")
        return PastRun(*(row[name] for name in PastRun._fields))

    def _stop(self, found: PastRun) -> None:
        """Stop what is still open, and wait for its end: until then it may act. Raises
        ActionUnavailable when that takes longer than the function lives."""
        if not self._open(found):
            return
        StopDesk.lend(self._loan).halt(found.id)
        until = time.monotonic() + _REPORT
        while going := self._open(found):
            if "run" not in going and time.monotonic() > until:
                return  # its machine is gone; what it says later of its end does no harm
            if self._loan.seconds_left() < _MARGIN:
                raise ActionUnavailable(f"run {found.id} has not stopped yet", 5.0, sent=False)
            time.sleep(_LOOK)

    def _open(self, found: PastRun) -> set[str]:
        about = {"of": found.flow, "root": found.root}
        rows = self._run.write([self._run.statement("open", about, SQL)])[0]
        return {row["what"] for row in rows}

    def _claimed(self, found: PastRun) -> list[Row]:
        """Take the effects of the run, and return all, newest first; and what gave commands."""
        about: Json = {"of": found.flow, "root": found.root}
        about["conversations"] = [self._event.conversation, found.conversation]
        names = ("claim", "effects", "commands")

        def work() -> Outcome:
            statements = [self._run.statement(name, about, SQL) for name in names]
            _, rows, commands = self._run.write(statements)
            aside = [row["ts"] for row in commands]
            return Outcome(
                [row | {"aside": aside} for row in map(self._moved, rows, repeat(found))]
            )

        rows: list[Row] = self._run.step("effects", about, work)
        return rows

    def _moved(self, row: Row, found: PastRun) -> Row:
        """Name the place of an effect as it is called now."""
        had, has = (name.partition(":")[2] for name in (found.had, self._event.place))
        is_there = had and re.match(re.escape(had) + r"(?![\w.-])", row["ref"])
        return row | {"ref": f"{has}{row['ref'][len(had) :]}"} if is_there else row

    def _taken_back(self, row: Row, rows: Sequence[Row]) -> TakenBack:
        if not row["is_taken"]:
            return stays(f"{_named(row)} was taken back before")
        if row["state"] != "committed":
            return stays(f"{_named(row)} stays: nobody can tell whether it happened, please look")
        if row["tool"] == SetTimer.__name__:
            return self._timer_cancelled(row)
        if row["tool"] not in KINDS:
            return stays(f"{_named(row)} stays: I no longer know how to take it back")
        if self._loan.seconds_left() < _MARGIN:
            raise ActionUnavailable("there is no time left for the next effect", 1.0, sent=False)
        same = (
            one["key"] for one in rows if (one["tool"], one["ref"]) == (row["tool"], row["ref"])
        )
        told = {name: row[name] for name in _TOLD} | {"aside": tuple(row["aside"])}
        effect = PastEffect(**told, asked_at=self._event.received_at, keys=tuple(same))
        try:
            receipt = self._loan.act(KINDS[row["tool"]][1](effect))
        except (ActionRejected, PolicyError, SettingsError) as err:
            return stays(f"{_named(row)} stays: {err}")
        said = receipt.data or {}
        return TakenBack(said["said"], said["is_left"], tuple(said["changed"]))

    def _timer_cancelled(self, row: Row) -> TakenBack:
        timers = Timers(self._loan, flow=row["flow"], conversation=row["ref"])
        if timers.cancel(row["receipt"]["id"]):
            return TakenBack("Cancelled a timer")
        return stays("A timer stays: it came already")

    def _note(self, effects: Sequence[tuple[Row, TakenBack]]) -> None:
        """Note that a person wanted what is gone taken back."""
        signals = SignalsDesk.lend(self._loan)
        gone = [row["key"] for row, taken in effects if row["is_taken"] and not taken.is_left]
        signals.note(*(signals.said("undone", Caused(key)) for key in gone))

    def _settle(self, found: PastRun, effects: Sequence[tuple[Row, TakenBack]]) -> None:
        """Leave what stays to a later undo; forget what was said and found of what is gone."""
        own = [(row, taken) for row, taken in effects if row["is_taken"]]
        kept = [row for row, taken in own if taken.is_left]
        about: Json = {"of": found.flow, "root": found.root, "keys": [row["key"] for row in kept]}
        about["gone"] = [name for _, taken in own for name in taken.changed]
        tools, there = {row["tool"] for row in kept}, {row["tool"] for row, _ in own}
        names = ["release", "unfind"]
        names += ["unsay"] if there - tools >= {"Reply"} else []
        told = next((name for name in ("SubmitReview", "Comment") if name in there), "")
        names += ["unreview"] if told and told not in tools else []
        statements = [self._run.statement(name, about, SQL) for name in names]
        self._run.step("settle", about, lambda: Outcome(None, statements=statements))


#: The fields of a row that tell of an effect.
_TOLD = (
    *("key", "run", "flow", "tool", "ref", "arguments", "receipt", "since", "until", "before"),
    "is_replaced",
)


def _judged(row: Row, asked: Event) -> Json:
    """Say of a run what decides whether it may be taken back by who asked."""
    event = Event.from_json(row["event"])
    is_same = bool(asked.actor.id) and event.actor.id == asked.actor.id
    # What is kept of an event follows a repository to its new name; the event itself does not.
    is_moved = event.place != asked.place and row["conversation"].partition("#")[0] == asked.place
    return {
        "id": row["id"],
        "flow": row["flow"],
        "root": row["root"],
        "conversation": row["conversation"],
        "had": event.place if is_moved else "",
        "order": label_of(event),
        # Who asks through the API names a run of the tenant, wherever it was.
        "is_here": is_moved or event.place == asked.place or asked.source == "api",
        "is_asker": is_same
        and event.source == asked.source
        and not asked.actor.is_bot
        and _is_wish(event),
    }


def _is_wish(event: Event) -> bool:
    """Did a person ask us for it? Whoever only opened an issue or pushed on GitHub did not: nobody
    without rights there takes labels off their issue, or a review off their pull request."""
    is_named = command_of(event.type) or ".mention." in event.type
    return event.source != "github" or bool(is_named)


def _is_sign_off(row: Row, found: PastRun) -> bool:
    """Did it only take off what showed that a command was heard, or only set when people's
    opinions are read? That stays: a label that is put on again would be an order that nobody
    gave."""
    if row["tool"] == SetTimer.__name__ and row["arguments"].get("event") == WINDOW_TIMER:
        return True
    is_order = bool(found.order) and row["arguments"].get("labels") == [found.order]
    return row["tool"] == RemoveReaction.__name__ or (
        row["tool"] == RemoveLabels.__name__ and is_order
    )


def _once(rows: Sequence[Row]) -> list[Row]:
    """Leave out what a newer effect of the run made of the same thing."""
    seen: set[tuple[Any, ...]] = set()
    found = []
    for row in rows:
        kind = KINDS.get(row["tool"])
        receipt = row["receipt"] or {}
        same = (row["tool"], row["ref"], receipt.get("id"))
        if kind and kind[0].edits and receipt.get("id"):
            if same in seen:
                continue
            seen.add(same)
        found.append(row)
    return found


def _named(row: Row) -> str:
    return f"{row['tool']} at {row['ref']}"
