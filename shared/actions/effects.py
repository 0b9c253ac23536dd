"""Effects: the intent of an action is committed before the call, and a call with an unknown end is
looked up before it is sent again."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar

from shared.actions import Action, Adapter, Mark, Receipt
from shared.actions.links import hosts_of
from shared.actions.secrets_kept_out import masked
from shared.canonical import canonical, digest
from shared.database import Row
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown, ReplayError
from shared.events import Json
from shared.journal import Run
from shared.metrics import measure
from shared.redaction.redacting import redacted

#: The branch of `agent.map` that this thread works in: slots must not depend on the threads' order.
branch: ContextVar[str] = ContextVar("branch", default="")

#: Seconds of the function's time that must remain after a pause for a further try.
_MARGIN = 3.0
#: A longer pause, in seconds, and further tries, wait in the queue: others need the function.
_LONGEST = 4.0
_TRIES = 6


class Effects:
    """The effects of one run. `remaining` gives the seconds that the function still has; links to
    `hosts`, and to those that the run was shown, stay links."""

    def __init__(
        self,
        run: Run,
        adapter: Callable[[Action], Adapter],
        remaining: Callable[[], float],
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._run = run
        self._hosts = hosts
        self._adapter = adapter
        self._remaining = remaining
        self._slots: Counter[str] = Counter()
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()

    def perform(self, action: Action) -> Receipt:
        """Perform `action` exactly once and return the platform's receipt.

        Raises ActionRejected when the platform refuses or a file would hold a secret,
        ActionUnavailable when the run should be tried again later, EffectUnknown when nobody can
        tell whether it happened, and ReplayError when an earlier attempt of this run began another
        action in this place.
        """
        begun, action = time.perf_counter(), masked(action)
        tool, target = type(action).__name__, action.target.ref
        key = digest([self._run.flow, tool, target, action.arguments, self._run.event.id])
        recorded = self._recorded(key, self._slot(tool, target), action.arguments)
        if recorded and recorded["state"] == "committed":
            return Receipt(**recorded["receipt"])
        if recorded and recorded["state"] == "failed":
            raise ActionRejected(recorded["reason"])
        self._begun[key] = begun
        hosts = self._hosts | hosts_of(self._run)
        mark = Mark(key, self._run.flow, self._run.event.depth + 1, hosts)
        doubtful = recorded is not None and recorded["state"] in {"dispatched", "unknown"}
        if doubtful and not action.idempotent and (found := self._look_up(action, mark)):
            return self._settle(action, key, found)
        if self._run.stopped and doubtful:
            # What was looked up in vain was not done. Nobody looks up what may be done twice.
            self._record(key, "unknown" if action.idempotent else "planned", None, "stopped")
        previous = self._dispatch(action, key, tool, target)
        return self._settle(action, key, self._call(action, mark, previous))

    def _slot(self, tool: str, target: str) -> str:
        """Number the acts of one kind on one target, per branch of a map."""
        name = f"{branch.get()}|{tool}|{target}"
        with self._lock:
            self._slots[name] += 1
            return f"{name}|{self._slots[name]}"

    def _recorded(self, key: str, slot: str, arguments: Json) -> Row | None:
        """Return the record of an earlier attempt; raises ReplayError when it is of another
        action."""
        row = self._run.effects.get(key)
        if row is None:
            for other in self._run.effects.values():
                if other["slot"] == slot and other["state"] != "planned":
                    raise ReplayError(
                        f"run {self._run.id}: attempt {self._run.attempt} wants another"
                        f" {slot.split('|')[1]} than an earlier attempt did; make the flow depend"
                        " on its event and its recorded steps only"
                    )
            self._run.effects[key] = {"slot": slot, "state": "planned", "arguments": arguments}
        elif canonical(row["arguments"]) != canonical(arguments):
            raise ReplayError(f"effect {key[:12]} is recorded with other arguments")
        return row

    def _dispatch(self, action: Action, key: str, tool: str, target: str) -> Receipt | None:
        """Commit the intent; return the receipt of this flow's last such action at this target."""
        name = action.arguments.get("name")
        parameters = {
            "key": key,
            "flow": self._run.flow,
            "tool": tool,
            "target": target,
            "slot": self._run.effects[key]["slot"],
            "arguments": canonical(action.arguments),
            "named": f'"name":{canonical(name)}' if name is not None else None,
        }
        names = ("dispatch_effect", "previous_receipt")
        rows = self._run.write([self._run.statement(name, parameters) for name in names])
        return Receipt(**rows[1][0]["receipt"]) if rows[1] else None

    def _call(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Call the platform until it answers or wants to be left alone for longer. After a doubtful
        end, look there before the next try."""
        adapter, pause, doubtful = self._adapter(action), 0.5, False
        tries = 0
        while True:
            tries += 1
            try:
                if doubtful and not action.idempotent and (found := self._look_up(action, mark)):
                    return found
                return adapter.perform(action, mark, previous)
            except ActionRejected as err:
                self._record(mark.key, "failed", None, str(err))
                raise
            except ActionUnavailable as err:
                doubtful = doubtful or err.sent
                wait = (
                    err.retry_after
                    if err.retry_after is not None
                    else pause * random.uniform(0.5, 1)
                )
                if tries == _TRIES or wait > min(_LONGEST, self._remaining() - _MARGIN):
                    self._record(mark.key, "unknown" if doubtful else "planned", None, str(err))
                    raise
                time.sleep(wait)
                pause *= 2

    def _look_up(self, action: Action, mark: Mark) -> Receipt | None:
        try:
            return self._adapter(action).find(action, mark)
        except EffectUnknown as err:
            self._record(mark.key, "unknown", None, str(err))
            raise

    def _settle(self, action: Action, key: str, receipt: Receipt) -> Receipt:
        self._record(key, "committed", receipt, "", defer=action.idempotent)
        return receipt

    def _record(
        self, key: str, state: str, receipt: Receipt | None, reason: str, *, defer: bool = False
    ) -> None:
        parameters = {
            "key": key,
            "state": state,
            "receipt": canonical(receipt.to_json()) if receipt else None,
            "reason": redacted(reason),
        }
        self._run.write([], done=[self._run.statement("settle_effect", parameters)], defer=defer)
        self._run.effects[key] |= {
            "state": state,
            "receipt": receipt and receipt.to_json(),
            "reason": reason,
        }
        end = "put off" if state == "planned" else state
        values = {"Effects": 1, "EffectSeconds": time.perf_counter() - self._begun[key]}
        kind = self._run.effects[key]["slot"].split("|")[1]
        if not self._run.is_shadow:
            about = {"flow": self._run.flow, "run": self._run.id}
            measure("effect ended", values, kind=kind, end=end, **about)
