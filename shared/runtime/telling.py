"""Tells people how a run stands: shows it, says why it fails or waits, and takes that back."""

import traceback
from collections.abc import Callable
from functools import partial

from shared.agent.acting import Acting
from shared.agent.flow import Flow
from shared.agent.previewing import previewed
from shared.errors import (
    AgentFlowsError,
    BudgetExceeded,
    EffectUnknown,
    EventError,
    NotPermitted,
    PolicyError,
    ReplayError,
    SettingsError,
)
from shared.journal import Run
from shared.log import log
from shared.perception.commands import command_of
from shared.runtime.patience import Patience

#: The name of what a run tells beside its answers: why it fails, or waits.
_NOTICE = "notice"
#: Errors that another try would only meet again.
_FINAL = (BudgetExceeded, EffectUnknown, EventError, PolicyError, ReplayError, SettingsError)


def show(flow: Flow, run: Run, acting: Acting, state: str, patience: Patience | None) -> None:
    """Show how the run stands, in the ways that the flow may; a failure stops nobody. A piece
    of a plan, which has no patience, is not shown."""
    for permission in flow.may if patience else ():
        for action in permission.action.shown(run.event, state):
            try_(run, "not shown", partial(acting.notify, action))


def close(flow: Flow, run: Run, acting: Acting) -> None:
    """Take back unfinished answers. Say in one place what a preview would have done, where
    there is one; who gave a command hears of it in any case."""
    acting.drafts.take_back()
    clear(flow, run, acting)
    actions, command = acting.preview.actions, command_of(run.event.type)
    if not acting.preview.is_on or not (actions or command):
        return
    text = previewed(run.flow, actions)
    for permission in flow.may:
        told = permission.action.aside(run.event, "preview", text)
        if told is not None:
            acting.notify(told)
            return


def clear(flow: Flow, run: Run, acting: Acting) -> None:
    """Take away what an earlier attempt told of a failure or a wait."""
    told = [row["arguments"] for row in run.effects.values() if row["state"] == "committed"]
    if not any(one.get("name") == _NOTICE and one.get("text") for one in told):
        return
    for permission in flow.may:
        if (action := permission.action.withdrawn(run.event, _NOTICE)) is not None:
            try_(run, "notice stays", partial(acting.notify, action))
            return


def tell(flow: Flow, run: Run, acting: Acting, err: Exception, *, waits: bool) -> None:
    """Leave one visible line with a reason and the run's id where the person waits; `waits`
    when the run goes on by itself."""
    if not (run.event.addressed or run.effects) or not _is_said(run, err):
        return
    kinds = [permission.action for permission in flow.may]
    name, line = _NOTICE, line_of(run, err, waits=waits)
    if isinstance(err, NotPermitted):
        name = "refusal"
        kinds.sort(key=lambda kind: not kind.private)
    for kind in kinds:
        if (action := kind.aside(run.event, name, line)) is not None:
            if not (waits or isinstance(err, _FINAL) or _has_done(flow, run)):
                action = action.retried(run.id)
            try_(run, "notice failed", partial(acting.notify, action))
            return


def line_of(run: Run, err: Exception, *, waits: bool = False) -> str:
    """Say in one line why a run fails or `waits`."""
    public = err.public if isinstance(err, AgentFlowsError) else AgentFlowsError.public
    line = f"⏳ {public} I go on when it is back." if waits else f"⚠️ {public}"
    return f"{line} Run `{run.id}`."


def _has_done(flow: Flow, run: Run) -> bool:
    """Did the run do what its event, tried again, would do a second time? What it shows of itself
    does not count."""
    kinds = {one.action.__name__ for one in flow.may if not one.action.idempotent}
    acts = (row for row in run.effects.values() if row["state"] not in {"planned", "failed"})
    slots = (row["slot"].split("|") for row in acts)
    return any(slot[1] in kinds and not slot[0].startswith(_NOTICE) for slot in slots)


def _is_said(run: Run, err: Exception) -> bool:
    """Whether people are told of it: of a spent budget, somebody from outside not each time."""
    if not (isinstance(err, BudgetExceeded) and run.event.by_outsider):
        return True
    from shared.models.guards.budgets import first_notice

    return bool(run.write([first_notice(run.event)])[0])


def described(err: Exception) -> dict[str, str]:
    """Describe an error without people's text: its type, its place, and its message if ours."""
    frames = traceback.extract_tb(err.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {
        "error": type(err).__name__,
        "reason": str(err) if isinstance(err, AgentFlowsError) else "",
        "place": place,
    }


def try_(run: Run, message: str, work: Callable[[], None]) -> None:
    try:
        work()
    except AgentFlowsError as failure:
        log_of(message, run, **described(failure))


def log_of(message: str, run: Run, **fields: object) -> None:
    log(message, **about(run), **fields)


def about(run: Run) -> dict[str, object]:
    return {"flow": run.flow, "run": run.id, "event": run.event.id, "attempt": run.attempt}
