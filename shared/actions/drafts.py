"""Shows an answer while it grows; the action that gives the answer takes over the same message.

Drafts are not effects and are not recorded. A draft carries a key of its run, so an attempt after a
crash finds the draft of the one before.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from shared.actions import WAITING, Action, Adapter, Mark, Query, Receipt
from shared.actions.effects import branch
from shared.actions.links import hosts_of
from shared.actions.policy import Policy
from shared.actions.secrets_kept_out import without_unfinished
from shared.canonical import digest
from shared.errors import (
    ActionError,
    ActionRejected,
    ActionUnavailable,
    DatabaseUnavailable,
    EffectUnknown,
    RunBusy,
    Stopped,
)
from shared.journal import Run

#: Seconds of the function's time to keep for a call that might hang.
_MARGIN = 15.0
#: Takes the whole text so far, and returns what may be shown of it.
Sift = Callable[[str], str]


class Pace(NamedTuple):
    """Seconds from the first text to the draft, and from one change to the next.

    The first wait keeps short answers whole and lets a notification quote more than one word. Slack
    takes some 50 changes a minute for all threads together, so each pause is longer than the last.
    https://docs.slack.dev/apis/web-api/rate-limits
    """

    first: float = 0.7
    between: float = 1.2
    growth: float = 1.1


PACE = Pace()


class Drafts:
    """The drafts of one run. Its threads may share them. Before the first `begins` is called."""

    def __init__(
        self,
        run: Run,
        policy: Policy,
        adapter: Callable[[Action], Adapter],
        remaining: Callable[[], float],
        *,
        pace: Pace,
        begins: Callable[[], None] = lambda: None,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._run = run
        self._hosts = hosts
        self._policy = policy
        self._adapter = adapter
        self._remaining = remaining
        self._pace = pace
        self._begins = begins
        self._answer = policy.answer_to(run.event)
        self._mark = _mark(run, self._answer)
        #: The draft that this attempt knows.
        self._draft: Receipt | None = None
        self._shown = ""
        #: There may be another: an earlier attempt may have left one, or a call had no answer.
        self._unsure = run.attempt > 1
        #: A draft of this attempt, or a change of it, may still arrive, even after the answer.
        self._late_draft = self._late_change = False
        self._lock = threading.RLock()

    def sink(self, sift: Sift | None = None) -> "Sink | None":
        """Return a function that shows an answer as it grows, or None when it must come whole.

        Call it with the text so far; it never raises. `sift` stands before it: people see only what
        it returns of that text, such as the sentences that were checked, and it is called only when
        something is to be shown. Answers in the threads of `agent.map` come whole, since they would
        share one draft.
        """
        if self._answer is None or branch.get() or not self._policy.has_room_for(self._answer):
            return None
        self._begins()
        show = partial(self._show, sift=sift) if sift else self._show
        return Sink(show, self._remaining, self._pace)

    def adapter(self, wanted: Action) -> Adapter:
        """Return the adapter of `wanted`, which lets the answer take the draft's place."""
        answer, adapter = self._answer, self._adapter(wanted)
        same = answer and type(wanted) is type(answer) and wanted.target == answer.target
        return _Finishing(adapter, self) if same else adapter

    def finish(
        self, adapter: Adapter, action: Action, mark: Mark, previous: Receipt | None
    ) -> Receipt:
        """Perform `action` in the place of the draft, if there is one."""
        with self._lock:
            standing = self._standing()
            try:
                receipt = adapter.perform(action, mark, standing or previous)
            except ActionError:
                # The draft may already be the answer, and then nothing may replace it.
                self._unsure = True
                raise
            self._draft = None
        return receipt

    def finished(self) -> None:
        """Note that the draft has become the answer, though the platform's response was lost."""
        with self._lock:
            self._draft = None

    def take_back(self) -> None:
        """Remove an unfinished draft; raises ActionUnavailable when it may still be there."""
        with self._lock:
            settled = self._answered() and self._draft is None and not self._late_draft
            if not settled and self._standing():
                self._remove()

    def close(self, line: str) -> None:
        """Finish the draft with what it shows and `line`, if there is a draft; raises as
        `take_back`."""
        with self._lock:
            if self._answer is None or self._answered() or not (standing := self._standing()):
                return
            shown = "" if self._shown.startswith(WAITING) else self._shown
            text = f"{shown}\n\n{line}".strip()
            said = type(self._answer).notice(self._run.event, text)
            assert said
            # Under another key: who looks for the draft afterwards finds none.
            mark = self._named(self._mark._replace(key=digest(["closed", self._mark.key])))
            self._adapter(said).perform(said, mark, standing)
            self._draft = None

    def leave(self, stopped: Stopped) -> None:
        """End the draft of a run that was stopped: it keeps what it shows, with who stopped it,
        unless something newer takes its place. Raises as `take_back`."""
        if stopped.state == "superseded":
            self.take_back()
        else:
            self.close(f"⏹ {stopped.reason}")

    def _answered(self) -> bool:
        """Tell whether this run, in any of its attempts, has given its answer."""
        answer = self._answer
        slot = f"|{type(answer).__name__}|{answer.target.ref}|" if answer else ""
        effects = self._run.effects.values()
        return any(e["state"] == "committed" and slot in e["slot"] for e in effects)

    def _show(self, text: str, sift: Sift | None = None) -> None:
        """Show `text` in the draft, unless that adds nothing but what may become a secret.

        Raises the errors of the adapter.
        """
        text = without_unfinished(sift(text) if sift else text)
        with self._lock:
            if self._shown.startswith(text) or not text or text.isspace():
                return
            self._check()
            standing = self._draft or self._find()
            try:
                self._draft = self._perform(text, standing)
                self._shown = text
            except ActionUnavailable as err:
                if err.sent and standing:
                    self._late_change = True
                elif err.sent:
                    self._late_draft = self._unsure = True
                raise

    def _check(self) -> None:
        """Show no more of a run that was stopped: the draft ends with who stopped it, or goes when
        something newer takes its place. Raises ActionRejected then, and also when another function
        has the run now."""
        try:
            stopped = self._run.look()
        except (RunBusy, DatabaseUnavailable) as err:
            raise ActionRejected(f"nothing more is shown: {err}") from err
        if stopped:
            self.leave(stopped)
            raise ActionRejected("nothing more is shown: the run was stopped")

    def _standing(self) -> Receipt | None:
        """Return the draft to finish or to remove."""
        self._draft = self._find()
        if self._draft and self._late_change:
            # A late change cannot reach a message that is gone.
            self._remove()
        return self._draft

    def _find(self) -> Receipt | None:
        """Return the standing draft, after a search if there may be another."""
        if not self._unsure or self._answer is None:
            return self._draft
        try:
            return self._adapter(self._answer).find(_drafted(self._answer, ""), self._mark)
        except EffectUnknown:
            # A failed search must not hold the answer back.
            return self._draft

    def _remove(self) -> None:
        self._perform("", self._draft)
        self._draft, self._late_change = None, False

    def _perform(self, text: str, draft: Receipt | None) -> Receipt:
        assert self._answer
        mark = self._named(self._mark)
        return self._adapter(self._answer).perform(_drafted(self._answer, text), mark, draft)

    def _named(self, mark: Mark) -> Mark:
        """Add the hosts of links that the run was shown."""
        return mark._replace(hosts=self._hosts | hosts_of(self._run))


class Sink:
    """Shows a growing text until that fails, within the platform's rate limit."""

    def __init__(
        self,
        show: Callable[[str], None],
        remaining: Callable[[], float],
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._show = show
        self._remaining = remaining
        self._clock = clock
        self._pause, self._growth = pace.between, pace.growth
        self._first = pace.first
        self._next: float | None = None
        self._open = True

    def __call__(self, text: str) -> None:
        """Take the whole text so far, which may differ from the one before."""
        if not self._open or not text or text.isspace():
            return
        if self._next is None:
            self._next = self._clock() + self._first
        if self._clock() < self._next or self._remaining() < _MARGIN:
            return
        wait = max(self._pause, self._try(text))
        self._pause *= self._growth
        self._next = self._clock() + wait

    def waits(self, what: str) -> None:
        """Say what is waited for, as long as there is no text; it never raises."""
        if self._open and self._next is None and self._remaining() >= _MARGIN:
            self._try(f"{WAITING}{what}")

    def _try(self, text: str) -> float:
        """Show `text`, and return the seconds for which the platform wants no more."""
        try:
            self._show(text)
        except ActionUnavailable as err:
            self._open = err.retry_after is not None and not err.sent
            self._pause *= 2  # others change messages too
            return err.retry_after or 0.0
        except ActionRejected:
            self._open = False
        return 0.0


class _Finishing:
    """An adapter whose actions take the draft's place."""

    def __init__(self, adapter: Adapter, drafts: Drafts) -> None:
        self._adapter = adapter
        self._drafts = drafts

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        return self._drafts.finish(self._adapter, action, mark, previous)

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        if found := self._adapter.find(action, mark):
            self._drafts.finished()
        return found

    def read(self, query: Query) -> Any:
        return self._adapter.read(query)


def _mark(run: Run, answer: Action | None) -> Mark:
    """Name the drafts of this run; the answer's own key needs its text, which comes later."""
    about = [type(answer).__name__, answer.target.ref] if answer else []
    return Mark(digest(["draft", run.flow, *about, run.event.id]), run.flow, run.event.depth + 1)


def _drafted(answer: Action, text: str) -> Action:
    drafted = answer.drafted(text)
    assert drafted
    return drafted
