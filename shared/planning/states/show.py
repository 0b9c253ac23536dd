"""Shows a plan while it runs: each message exists once, and is edited as the plan goes on.

Showing is not part of the plan: an error here is logged, and the next state shows what is missing.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from shared.actions import Action, Mark, Receipt
from shared.actions.links import hosts_in
from shared.agent.agent import Agent
from shared.canonical import digest
from shared.database import Statement
from shared.errors import ActionUnavailable, AgentFlowsError
from shared.events import Json
from shared.log import log
from shared.planning.messages import (
    PlanMessage,
    asking,
    beginning,
    in_full,
    live,
    live_name,
    question,
    question_name,
)
from shared.planning.states.runner import StateCall, StateRunner
from shared.planning.store import Approval, Situation, as_json, statement

#: A turn lasts no longer, in seconds: two calls of the platform that hang.
_TURN = 25.0
#: Between two edits while a wave runs, in seconds.
_PAUSE = 1.0
#: What must remain of the function's time to wait for a platform, in seconds.
_MARGIN = 15.0


def show(
    runner: StateRunner, payload: Json, remaining: Callable[[], float], *, alone: bool
) -> None:
    """Edit the messages that have changed; raises nothing.

    A state that runs beside others, not `alone`, skips its edit while another edits or has just
    done so: the end of the wave shows its result.
    """
    if runner.plans.show is None:
        return
    try:
        if _bring_up(runner, payload, remaining, alone=alone):
            _bring_up(runner, payload, remaining, alone=alone)
    except AgentFlowsError as err:
        log("plan not shown", plan=payload["plan"], error=type(err).__name__, reason=str(err))


def _bring_up(
    runner: StateRunner, payload: Json, remaining: Callable[[], float], *, alone: bool
) -> bool:
    """Edit, and return True when a message was found only now, so that it must be edited too."""
    tenant, plan, owner = payload["tenant"], payload["plan"], uuid.uuid4().hex
    turn = {"owner": owner, "seconds": _TURN, "pause": _PAUSE, "steals": alone}
    # The plan is read behind the turn: who has it shows the newest.
    rows, situation = runner.store.load_after(
        tenant, plan, [statement("take_turn", tenant, plan, **turn)]
    )
    if not rows[0]:
        return False
    call = StateCall(runner, payload, remaining, situation)
    try:
        return _edit(call, rows[0][0]["cards"])
    finally:
        call.write(situation.statement("end_turn", owner=owner))


def _edit(call: StateCall, cards: Mapping[str, Json]) -> bool:
    situation = call.situation
    if _action(call, beginning(situation)) is None:
        return False
    asked = [a for a in situation.approvals if question_name(situation, a) in cards]
    wanted = [question(situation, approval) for approval in asked]
    if live_name(situation) in cards:
        wanted.append(live(situation, call.next_state()))
    elif not situation.over:
        _begin(call)
    for message in wanted:
        card = cards[message.name]
        if card["shown"] != _shown(message):
            receipt = _change(call, message, Receipt(**card["receipt"]))
            call.write(_kept(situation, message, receipt))
    lost = [a for a in situation.approvals if a.token and a.state != "asked" and a not in asked]
    for approval in lost:
        # It was answered while the function that asked was dead: its message is found.
        ask(call, approval)
    return bool(lost)


def _begin(call: StateCall) -> None:
    message = beginning(call.situation)

    def work(agent: Agent) -> Sequence[Statement]:
        action = _action(call, message)
        return [_kept(call.situation, message, agent.act(action))] if action else []

    call.run("live", work, acts=True)


def _change(call: StateCall, message: PlanMessage, made: Receipt) -> Receipt:
    """Edit a message. The last edit of a plan waits, once, for a platform that asks for it."""
    situation, action = call.situation, _action(call, message)
    assert action is not None  # it stands there
    key = digest(["card", situation.flow, situation.id, message.name])
    hosts = call.runner.hosts | hosts_in(situation.event.to_json())
    mark = Mark(key, situation.flow, situation.event.depth + 1, hosts)
    adapter = call.adapter(action)
    try:
        return adapter.perform(action, mark, made)
    except ActionUnavailable as err:
        wait = 1.0 if err.retry_after is None else err.retry_after
        if not situation.over or call.remaining() < wait + _MARGIN:
            raise
        time.sleep(wait)
    return adapter.perform(action, mark, made)


def _action(call: StateCall, message: PlanMessage) -> Action | None:
    show = call.plans.show
    return show(call.situation.event, message) if show else None


def ask(call: StateCall, asked: Approval) -> None:
    """Ask people, once: first what the question has to cut, then the question with its buttons."""
    situation = call.situation

    def work(agent: Agent) -> Sequence[Statement]:
        for text in in_full(situation, asked):
            call.tell(agent, text)
        message = asking(situation, asked)
        statements = []
        if asked.state == "asked":
            statements.append(situation.statement("run_plan", state="waiting"))
        action = _action(call, message)
        receipt = agent.act(action) if action else None
        if call.plans.show is None:
            receipt = call.tell(agent, message.text)
        return [*statements, _kept(situation, message, receipt)] if receipt else statements

    call.run(f"ask/{asked.digest[:20]}", work, acts=True)


def _kept(situation: Situation, message: PlanMessage, receipt: Receipt) -> Statement:
    """Return the statement that notes where a message stands and what it shows."""
    card = {message.name: {"receipt": receipt.to_json(), "shown": _shown(message)}}
    return situation.statement("keep_card", cards=as_json(card))


def _shown(message: PlanMessage) -> str:
    return digest([message.text, message.asks])
