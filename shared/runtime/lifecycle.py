"""The life of a run, whether an event or the state of a plan causes it: claim it, let its agent
work, record its end, tell the person who waits."""

import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from shared.actions.authority import Authority, RecentAnswers
from shared.actions.links import hosts_in, link_hosts
from shared.actions.platforms import within
from shared.actions.presence import Presence
from shared.agent.acting import Acting
from shared.agent.agent import Agent, Capabilities
from shared.agent.flow import Flow
from shared.agent.previewing import previewed
from shared.aws.looks import Looks
from shared.database import Database, Statement
from shared.errors import (
    AgentFlowsError,
    BudgetExceeded,
    Declined,
    EffectUnknown,
    NotPermitted,
    Parked,
    PublishError,
    RunBusy,
    Stopped,
)
from shared.events import Event
from shared.journal import Allowance, Journal, Run
from shared.log import log
from shared.metrics import measure
from shared.models.payers import paid_by, payer_of
from shared.people.store import PeopleTable
from shared.perception.commands import command_of
from shared.runtime.patience import GRACE, Consequence, Patience
from shared.runtime.wanted import check_wanted

#: Does the run's work with its agent; returns statements to commit with the end of the run.
Work = Callable[[Agent], Sequence[Statement]]
#: Returns further statements to commit with the end of the run, given the state that it ends in.
Closing = Callable[[Run, str], Sequence[Statement]]

#: Seconds by which the lease outlives the function: a function that was stopped acts no more.
_GRACE = 5.0
#: The name of what a run tells beside its answers: why it fails, or waits.
_NOTICE = "notice"
#: Seconds after which what a run leaves is committed, or the run comes again.
_SETTLED = 120.0


class Ending(NamedTuple):
    """The state in which an attempt left its run, the error that it failed with, and the seconds
    until its queue should bring it again.

    The state is '' when the run had ended before; the pause is None when nothing follows.
    """

    state: str
    error: Exception | None = None
    pause: float | None = None


class Lifecycle:
    """Lives the runs of one flow."""

    def __init__(self, flow: Flow, journal: Journal, can: Capabilities) -> None:
        self._flow = flow
        self._journal = journal
        self._can = can
        settings = can.settings
        self._looks = can.services.get(Looks, lambda: Looks.of(settings))

    def attempt(
        self,
        event: Event,
        remaining: Callable[[], float],
        work: Work,
        *,
        patience: Patience | None = None,
        acts: bool = True,
        stoppable: bool = True,
        allowance: Allowance | None = None,
        shown: Sequence[Any] = (),
        closing: Closing = lambda run, state: (),
    ) -> Ending:
        """Do `work` as the run for `event`, unless it has ended before. It only reads unless it
        `acts`, goes on when the conversation is stopped unless it is `stoppable`, and its model
        calls keep within the `allowance`. What it is `shown` beside its event counts as its inputs.
        `remaining` gives the seconds that the function still has. With `patience` a queue brings
        the event again, and a person is told of an end in an error, or a long wait. Without it the
        caller tries again. Raises RunBusy when the run is held by another, or not due.
        """
        taken = {"queued": bool(patience), "stoppable": stoppable and self._flow.stoppable}
        if not (run := self._journal.claim(event, self._flow.name, remaining() + _GRACE, **taken)):
            return Ending("")
        run.inputs, run.allowance = [*run.inputs, *shown], allowance or run.allowance
        authority = self._authority(run)
        acting_now = partial(self._acting, run, remaining, acts=acts, seen=bool(patience))
        acting = acting_now()
        try:
            check_wanted(run, self._flow, patience)
            self._show(run, acting, "", patience)
            run.event = authority.placed()
            acting = acting_now()
            with paid_by(payer_of(run.event, run.flow)):
                statements = work(self._agent(run, acting, remaining, authority))
            self._close(run, acting)
            self._show(run, acting, "done", patience)
            self._end(run, acting, "done", "", [*statements, *closing(run, "done")])
        except RunBusy:
            raise
        except (Parked, Stopped, Declined) as left:
            return self._leave(run, acting, left, closing, patience)
        # The outermost place of a run: an author's code may raise anything.
        except Exception as err:
            return self._fail(run, acting, err, patience, closing)
        return Ending("done")

    def _agent(
        self, run: Run, acting: Acting, remaining: Callable[[], float], authority: Authority
    ) -> Agent:
        if _is_asked(run.event):
            acting.presence.begin()
        shares = self._flow.shares
        return Agent(run, self._can, acting, remaining, authority=authority, shares=shares)

    def _authority(self, run: Run) -> Authority:
        recent = self._can.services.get(RecentAnswers, RecentAnswers)
        adapter = within(self._can.adapter, run.event)
        if not self._can.settings.github_client_id:  # nobody could prove anything
            return Authority(run, adapter, recent)
        return Authority(run, adapter, recent, PeopleTable(self._can.services[Database]).of)

    def _acting(
        self, run: Run, remaining: Callable[[], float], *, acts: bool, seen: bool
    ) -> Acting:
        """Let the run act in the place of its event as it is known by now, `seen` by people who
        wait."""
        policy = self._flow.policy(run.event, acts=acts)
        settings, adapter = self._can.settings, within(self._can.adapter, run.event)
        presence = Presence(run, self._flow.may, adapter, seen=seen and acts)
        hosts, pace = link_hosts(settings.link_hosts), self._can.pace
        hosts |= hosts_in(settings.front_door_url)
        return Acting(run, policy, adapter, remaining, pace=pace, presence=presence, hosts=hosts)

    def _leave(
        self,
        run: Run,
        acting: Acting,
        left: Parked | Stopped | Declined,
        closing: Closing,
        patience: Patience | None = None,
    ) -> Ending:
        """End a run that left its work half-way. What it shows of an answer stays, with a line that
        says who stopped it, unless nobody waits for it any more. A parked one waits in its queue
        while nobody can set the clock for the batches: nothing else would bring it again."""
        state = "parked"
        if isinstance(left, Stopped):
            state, run.ending = left.state, True
            self._show(run, acting, state, patience)
            _try(run, "draft left", partial(acting.drafts.leave, left))
        elif isinstance(left, Declined):
            state = "done"
            _log("run declined", run, reason=str(left))
        else:
            try:
                self._looks.after("batches", _SETTLED)
            except PublishError as err:
                return self._fail(run, acting, err, patience, closing)
        if state != "parked":
            self._clear(run, acting)
        self._end(run, acting, state, str(left), closing(run, state))
        return Ending(state)

    def _fail(
        self,
        run: Run,
        acting: Acting,
        err: Exception,
        patience: Patience | None,
        closing: Closing,
    ) -> Ending:
        if not (_in_doubt(run) or isinstance(err, EffectUnknown)) and (stopped := run.look()):
            _log("run failed", run, retry=False, **described(err))
            return self._leave(run, acting, stopped, closing)
        run.ending = True
        then = Consequence("retrying", is_said=False)
        if patience:
            then = patience.consequence(err, run.failures, run.pauses)
            run.message = patience.message
        state, pause = then.state, then.pause
        self._show(run, acting, state, patience)
        _log("run failed", run, retry=state in {"retrying", "parked"}, **described(err))
        if then.is_said:
            self._tell(run, acting, err, waits=state == "parked")
        if then.is_said or state == "parked":
            _try(run, "draft left", acting.drafts.take_back)
        reason = str(err) if isinstance(err, AgentFlowsError) else type(err).__name__
        statements = closing(run, state)
        self._end(run, acting, state, reason, statements, pause=pause, gave_up=then.gave_up)
        if then.gave_up:
            _log("run given up", run)  # infra/flow.yaml raises an alarm for this line
        return Ending(state, err, pause)

    def _end(
        self,
        run: Run,
        acting: Acting,
        state: str,
        reason: str,
        statements: Sequence[Statement],
        *,
        pause: float | None = None,
        gave_up: bool = False,
    ) -> None:
        run.write(self._can.models.unsent(run.event.tenant), defer=True)
        self._look(run, pause)
        acting.presence.end(state)
        run.finish(state, reason, statements, pause=pause, gave_up=gave_up)
        if state == "done" and (other := run.unasked()):
            _log("run went another way than recorded", run, steps=sorted(set(other)))
        values = {"Runs": 1, "RunSeconds": time.perf_counter() - run.begun}
        measure("run ended", values, **_about(run), end=state, cost=run.cost)

    def _look(self, run: Run, pause: float | None) -> None:
        """Set the clock for what the run leaves: work for the background, or itself, which the
        sweep looks after if its queue does not bring it. Each night they come anyway."""
        wanted = dict.fromkeys(run.wakes, _SETTLED)
        if pause is not None:
            wanted["sweep"] = pause + GRACE + _SETTLED
        for kind, seconds in sorted(wanted.items()):
            try:
                self._looks.after(kind, seconds)
            except AgentFlowsError as err:
                _log("look not set", run, kind=kind, **described(err))

    def _show(self, run: Run, acting: Acting, state: str, patience: Patience | None) -> None:
        """Show how the run stands, in the ways that the flow may; a failure stops nobody. A piece
        of a plan, which has no patience, is not shown."""
        for permission in self._flow.may if patience else ():
            for action in permission.action.shown(run.event, state):
                _try(run, "not shown", partial(acting.notify, action))

    def _close(self, run: Run, acting: Acting) -> None:
        """Take back unfinished answers. Say in one place what a preview would have done, where
        there is one; who gave a command hears of it in any case."""
        acting.drafts.take_back()
        self._clear(run, acting)
        actions, command = acting.preview.actions, command_of(run.event.type)
        if not acting.preview.is_on or not (actions or command):
            return
        text = previewed(run.flow, actions)
        for permission in self._flow.may:
            told = permission.action.aside(run.event, "preview", text)
            if told is not None:
                acting.notify(told)
                return

    def _clear(self, run: Run, acting: Acting) -> None:
        """Take away what an earlier attempt told of a failure or a wait."""
        told = [row["arguments"] for row in run.effects.values() if row["state"] == "committed"]
        if not any(one.get("name") == _NOTICE and one.get("text") for one in told):
            return
        for permission in self._flow.may:
            if (action := permission.action.withdrawn(run.event, _NOTICE)) is not None:
                _try(run, "notice stays", partial(acting.notify, action))
                return

    def _tell(self, run: Run, acting: Acting, err: Exception, *, waits: bool) -> None:
        """Leave one visible line with a reason and the run's id where the person waits; `waits`
        when the run goes on by itself."""
        if not (run.event.addressed or run.effects) or not _is_said(run, err):
            return
        public = err.public if isinstance(err, AgentFlowsError) else AgentFlowsError.public
        line = f"⏳ {public} I go on when it is back." if waits else f"⚠️ {public}"
        kinds = [permission.action for permission in self._flow.may]
        name, line = _NOTICE, f"{line} Run `{run.id}`."
        if isinstance(err, NotPermitted):
            name = "refusal"
            kinds.sort(key=lambda kind: not kind.private)
        for kind in kinds:
            if (action := kind.aside(run.event, name, line)) is not None:
                _try(run, "notice failed", partial(acting.notify, action))
                return


def _is_asked(event: Event) -> bool:
    """Does a person speak to the agent in Slack, and wait for what it says?"""
    is_said = event.source == "slack" and event.addressed and event.response_target is None
    return is_said and not command_of(event.type)


def _in_doubt(run: Run) -> bool:
    """Whether the next attempt has to look up if an effect happened."""
    return any(row["state"] in {"dispatched", "unknown"} for row in run.effects.values())


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


def _try(run: Run, message: str, work: Callable[[], None]) -> None:
    try:
        work()
    except AgentFlowsError as failure:
        _log(message, run, **described(failure))


def _log(message: str, run: Run, **fields: object) -> None:
    log(message, **_about(run), **fields)


def _about(run: Run) -> dict[str, object]:
    return {"flow": run.flow, "run": run.id, "event": run.event.id, "attempt": run.attempt}
