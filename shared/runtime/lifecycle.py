"""The life of a run, whether an event or the state of a plan causes it: claim it, let its agent
work, record its end, tell the person who waits."""

import time
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
from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.database import Database, Statement
from shared.errors import (
    AgentFlowsError,
    Declined,
    EffectUnknown,
    Parked,
    PublishError,
    RunBusy,
    Stopped,
)
from shared.events import Event
from shared.installations.connected import connected_repositories
from shared.journal import Allowance, Journal, Run
from shared.metrics import measure
from shared.models.payers import paid_by, payer_of
from shared.people.store import PeopleTable
from shared.perception.commands import command_of
from shared.proposals.done import publish_done, waits_elsewhere
from shared.runtime.patience import GRACE, Consequence, Patience
from shared.runtime.telling import about, clear, close, described, line_of, log_of, show, tell, try_
from shared.runtime.wanted import check_wanted
from shared.settings import Settings

#: Does the run's work with its agent; returns statements to commit with the end of the run.
Work = Callable[[Agent], Sequence[Statement]]
#: Returns further statements to commit with the end of the run, given the state that it ends in.
Closing = Callable[[Run, str], Sequence[Statement]]

#: Seconds by which the lease outlives the function: a function that was stopped acts no more.
_GRACE = 5.0
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
        the event again, and people hear of an error or a long wait. Without it the caller tries
        again. Raises RunBusy when another holds the run, or it is not due.
        """
        taken = {"queued": bool(patience), "stoppable": stoppable and self._flow.stops(event)}
        if not (run := self._journal.claim(event, self._flow.name, remaining() + _GRACE, **taken)):
            return Ending("")
        run.inputs, run.allowance = [*run.inputs, *shown], allowance or run.allowance
        acting_now = partial(self._acting, run, remaining, acts=acts, seen=bool(patience))
        authority, acting = self._authority(run), acting_now()
        try:
            check_wanted(run, self._flow, patience)
            show(self._flow, run, acting, "", patience)
            run.event = authority.placed()
            acting = acting_now()
            with paid_by(payer_of(run.event, run.flow)):
                statements = work(self._agent(run, acting, remaining, authority))
            close(self._flow, run, acting)
            show(self._flow, run, acting, "done", patience)
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
        acting.presence.greet()
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
        settings, adapter = self._can.settings, within(self._can.adapter, run.event)
        connected = connected_repositories(settings, run.event)
        policy = self._flow.policy(run.event, acts=acts, connected=connected)
        presence = Presence(run, self._flow.may, adapter, seen=seen and acts)
        hosts, pace = own_hosts(settings), self._can.pace
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
            show(self._flow, run, acting, state, patience)
            try_(run, "draft left", partial(acting.drafts.leave, left))
        elif isinstance(left, Declined):
            state = "done"
            log_of("run declined", run, reason=str(left))
        else:
            try:
                self._looks.after("batches", _SETTLED)
            except PublishError as err:
                return self._fail(run, acting, err, patience, closing)
        if state != "parked":
            clear(self._flow, run, acting)
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
            log_of("run failed", run, retry=False, **described(err))
            return self._leave(run, acting, stopped, closing)
        run.ending = True
        then = Consequence("retrying", is_said=False)
        if patience:
            then = patience.consequence(err, run.failures, run.pauses)
            run.message = patience.message
        state, pause = then.state, then.pause
        show(self._flow, run, acting, state, patience)
        log_of("run failed", run, retry=state in {"retrying", "parked"}, **described(err))
        if then.is_said:
            tell(self._flow, run, acting, err, waits=state == "parked")
        if then.gave_up or state in {"failed", "waiting"}:
            try_(run, "thread not told", partial(self._tell_elsewhere, run, err))
        if then.is_said or state == "parked":
            try_(run, "draft left", acting.drafts.take_back)
        reason = str(err) if isinstance(err, AgentFlowsError) else type(err).__name__
        statements = closing(run, state)
        self._end(run, acting, state, reason, statements, pause=pause, gave_up=then.gave_up)
        if then.gave_up and not run.is_shadow:
            log_of("run given up", run)  # infra/flow.yaml raises an alarm for this line
        return Ending(state, err, pause)

    def _tell_elsewhere(self, run: Run, err: Exception) -> None:
        """Tell the failure where people wait for it in another place than the run's."""
        if waits_elsewhere(run.event):
            publish_done(self._can.services[Bus], run.event, line_of(run, err))

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
            log_of("run went another way than recorded", run, steps=sorted(set(other)))
        if run.is_shadow:
            return
        values = {"Runs": 1, "RunSeconds": time.perf_counter() - run.begun}
        measure("run ended", values, **about(run), end=state, cost=run.cost)

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
                log_of("look not set", run, kind=kind, **described(err))


def own_hosts(settings: Settings) -> frozenset[str]:
    """Return the hosts whose links always stay: those of LINK_HOSTS, the front door's, and those of
    the GitHub of the settings, wherever it is."""
    github = hosts_in(f"{settings.github_api_url} {settings.github_web_url}")
    pages = {host.removeprefix("api.") for host in github}
    return link_hosts(settings.link_hosts) | hosts_in(settings.front_door_url) | github | pages


def _is_asked(event: Event) -> bool:
    """Does a person speak to the agent in Slack, and wait for what it says?"""
    is_said = event.source == "slack" and event.addressed and event.response_target is None
    return is_said and not command_of(event.type)


def _in_doubt(run: Run) -> bool:
    """Whether the next attempt has to look up if an effect happened."""
    return any(row["state"] in {"dispatched", "unknown"} for row in run.effects.values())
