"""Shows people that a run works for them, that it waits, and that it is over. What it shows is no
effect and nothing records it: a later attempt shows it again."""

import threading
from collections.abc import Callable, Sequence
from typing import Literal

from shared.actions import Action, Adapter, Mark, Permission
from shared.errors import ActionError
from shared.events import Event
from shared.journal import Run
from shared.log import log

#: How a run stands: it works, it waits for something, it gave its answer, it is over without one.
Standing = Literal["works", "waits", "answered", "over"]
#: The states of a run that is not over; one that is tried again soon works on.
_GOING_ON: dict[str, Standing] = {"parked": "waits", "retrying": "works"}


class Presence:
    """What one attempt of a run shows, in the first way that its flow may; nothing if it is not
    `seen`."""

    def __init__(
        self,
        run: Run,
        may: Sequence[Permission],
        adapter: Callable[[Action], Adapter],
        *,
        seen: bool,
    ) -> None:
        self._run = run
        self._may = may if seen else ()
        self._adapter = adapter
        self._begun = False
        self._lock = threading.Lock()

    def greet(self) -> None:
        """Begin at once for what a person says to the agent in Slack, and waits to hear of."""
        event = self._run.event
        is_said = event.source == "slack" and event.addressed and event.response_target is None
        if is_said and ".command." not in event.type:
            self.begin()

    def begin(self) -> None:
        """Show that the run works, once."""
        with self._lock:
            if not self._begun:
                self._begun = True
                self._show("works")

    def end(self, state: str) -> None:
        """Show how the attempt leaves its run. An earlier one that died may have begun."""
        if self._begun or self._run.attempt > 1:
            over: Standing = "answered" if self._is_answered() else "over"
            standing = _GOING_ON.get(state, over)
            if standing != "works":
                self._show(standing)

    def _show(self, standing: Standing) -> None:
        event = self._run.event
        shown = (one.action.presence(event, standing) for one in self._may)
        if (action := next(filter(None, shown), None)) is not None:
            show(self._adapter(action), action, self._run.flow, event)

    def _is_answered(self) -> bool:
        """Has the run replied where people wait?"""
        rows = self._run.effects.values()
        slots = [row["slot"].split("|") for row in rows if row["state"] == "committed"]
        thread = self._run.event.thread_target
        return thread is not None and any(slot[1:3] == ["Reply", thread.ref] for slot in slots)


def show(adapter: Adapter, action: Action, flow: str, event: Event) -> None:
    """Perform an action that only shows how a run stands. It may fail: nothing depends on it."""
    try:
        adapter.perform(action, Mark("", flow, event.depth + 1), None)
    except ActionError as err:
        log("standing not shown", flow=flow, event=event.id, reason=str(err))
