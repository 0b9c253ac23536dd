"""Shows a plan while it runs: its messages exist once, and are edited in place as it goes on.

Showing is no part of the plan: what fails here is logged, and the next state makes it good.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.actions import Action, Mark, Receipt
from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import ActionUnavailable, AgentFlowsError
from shared.events import Json
from shared.journal import digest
from shared.log import log
from shared.planning.displays import (
    Display,
    asking,
    beginning,
    in_full,
    live,
    live_name,
    question,
    question_name,
)
from shared.planning.next_state import course
from shared.planning.states.runner import StateRunner
from shared.planning.store import Approval, Situation, as_json, statement

Cards = Mapping[str, Json]

#: A turn lasts no longer, in seconds: two calls of the platform that hang.
_TURN = 25.0
#: Between two edits while a wave runs, in seconds.
_PAUSE = 1.0
#: What must remain of the function's time to wait for a platform, in seconds.
_MARGIN = 15.0


class Showing:
    """Brings the messages of a plan to how it stands."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(
        self, tenant: str, plan: str, remaining: Callable[[], float], *, alone: bool
    ) -> None:
        """Edit what has changed. What runs beside others, not `alone`, skips its edit while another
        is at it or has just been: the end of the wave shows what it has done. Raises nothing."""
        if self._states.plans.show is None:
            return
        try:
            if self._bring_up(tenant, plan, remaining, alone=alone):
                self._bring_up(tenant, plan, remaining, alone=alone)
        except AgentFlowsError as err:
            log("plan not shown", plan=plan, error=type(err).__name__, reason=str(err))

    def _bring_up(
        self, tenant: str, plan: str, remaining: Callable[[], float], *, alone: bool
    ) -> bool:
        """Edit, and tell whether a message was found only now, so that it must be edited too."""
        owner = uuid.uuid4().hex
        turn = {"owner": owner, "seconds": _TURN, "pause": _PAUSE, "steals": alone}
        # The plan is read behind the turn: who has it shows the newest.
        rows, situation = self._states.store.load_after(
            tenant, plan, [statement("take_turn", tenant, plan, **turn)]
        )
        if not rows[0]:
            return False
        try:
            return self._edit(situation, rows[0][0]["cards"], remaining)
        finally:
            self._states.put(situation, [statement("end_turn", tenant, plan, owner=owner)])

    def _edit(self, situation: Situation, cards: Cards, remaining: Callable[[], float]) -> bool:
        if self._action(situation, beginning(situation)) is None:
            return False
        asked = [a for a in situation.approvals if question_name(situation, a) in cards]
        wanted = [question(situation, approval) for approval in asked]
        if live_name(situation) in cards:
            wanted.append(live(situation, self._course(situation)))
        elif not situation.over:
            self._begin(situation, remaining)
        for display in wanted:
            card = cards[display.name]
            if card["shown"] != _shown(display):
                receipt = self._change(situation, display, Receipt(**card["receipt"]), remaining)
                self._states.put(situation, [_kept(situation, display, receipt)])
        lost = [a for a in situation.approvals if a.token and a.state != "asked" and a not in asked]
        for approval in lost:
            # It was answered while the function that asked was dead: its message is found.
            ask(self._states, situation, approval, remaining)
        return bool(lost)

    def _course(self, situation: Situation) -> Any:
        gated = self._states.gates(situation).gated
        return course(situation, self._states.plans.limits, gated, time.time())

    def _begin(self, situation: Situation, remaining: Callable[[], float]) -> None:
        display = beginning(situation)

        def work(agent: Agent) -> Sequence[Statement]:
            action = self._action(situation, display)
            return [_kept(situation, display, agent.act(action))] if action else []

        self._states.run(situation, "live", remaining, work)

    def _change(
        self,
        situation: Situation,
        display: Display,
        made: Receipt,
        remaining: Callable[[], float],
    ) -> Receipt:
        """Edit a message; the last edit of a plan waits for a platform that asks for it, once."""
        action = self._action(situation, display)
        assert action is not None  # it stands there
        key = digest(["card", situation.flow, situation.id, display.name])
        mark = Mark(key, situation.flow, situation.event.depth + 1)
        adapter = self._states.adapter(action)
        try:
            return adapter.perform(action, mark, made)
        except ActionUnavailable as err:
            wait = 1.0 if err.retry_after is None else err.retry_after
            if not situation.over or remaining() < wait + _MARGIN:
                raise
            time.sleep(wait)
        return adapter.perform(action, mark, made)

    def _action(self, situation: Situation, display: Display) -> Action | None:
        show = self._states.plans.show
        return show(situation.event, display) if show else None


def ask(
    states: StateRunner, situation: Situation, asked: Approval, remaining: Callable[[], float]
) -> None:
    """Ask people, once: first what the question has to cut, then the question with its buttons."""

    def work(agent: Agent) -> Sequence[Statement]:
        for text in in_full(situation, asked):
            states.tell(agent, situation, text)
        display = asking(situation, asked)
        is_open = asked.state == "asked"
        waits = [statement("run_plan", situation.event.tenant, situation.id, state="waiting")]
        if states.plans.show is None:
            states.tell(agent, situation, display.text)
            return waits * is_open
        shown = states.plans.show(situation.event, display)
        if shown is None:
            return waits * is_open
        return [*waits * is_open, _kept(situation, display, agent.act(shown))]

    states.run(situation, f"ask/{asked.digest[:20]}", remaining, work)


def _kept(situation: Situation, display: Display, receipt: Receipt) -> Statement:
    """Return what notes where a message stands and what it shows."""
    card = {display.name: {"receipt": receipt.to_json(), "shown": _shown(display)}}
    return statement("keep_card", situation.event.tenant, situation.id, cards=as_json(card))


def _shown(display: Display) -> str:
    return digest([display.text, display.asks])
