"""The desk that spreads a tick of a schedule: one event for each place that its flow names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Self

from shared.actions import Query
from shared.actions.asking import AskChannel, AskRepositories, AskRepository
from shared.actions.places import EVERY
from shared.aws.bus import Bus
from shared.desk import Loan
from shared.errors import ActionRejected, ActionUnavailable, AgentFlowsError
from shared.events import Event, Json
from shared.journal import Outcome
from shared.log import log
from shared.perception.github import audience_of
from shared.settings import Settings


class SpreadDesk:
    """Makes each place an event of its own, with its tenant, audience, conversation and payer."""

    def __init__(self, loan: Loan, bus: Bus, settings: Settings) -> None:
        self._loan = loan
        self._bus = bus
        self._settings = settings

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan, loan.services[Bus], loan.services[Settings])

    def spread(self, flow: str, places: Sequence[str]) -> None:
        """Publish an event for each place. One that fails stops no other; its error is raised after
        them, so that the tick comes again where that helps.

        A place that was published is a step: a retry goes on after it. The events' ids stay the
        same, so what a crash lets it publish twice still runs once.
        """
        failed: dict[str, AgentFlowsError] = {}
        done: set[str] = set()
        for scope in places:
            with _caught(failed, flow, scope):
                for place, describe in self._each(scope):
                    with _caught(failed, flow, place):
                        if place not in done:
                            self._publish(flow, place, describe)
                            done.add(place)
        log("schedule spread", flow=flow, run=self._loan.run.id, places=len(done))
        if failed:
            raise _together(failed)

    def _each(self, scope: str) -> Iterator[tuple[str, Callable[[], Json]]]:
        """Yield the places of a scope, each with what asks the platform about it."""
        platform, _, name = scope.partition(":")
        if name.endswith(EVERY):
            listed = AskRepositories(name.removesuffix(EVERY))
            found = self._loan.run.step("places", {"of": scope}, lambda: self._asked(listed))
            for one in found:
                yield f"github:{str(one['full_name']).lower()}", partial(dict, one)
        else:
            query: Query = AskRepository(name) if platform == "github" else AskChannel(name)
            yield scope, lambda: self._loan.read(query)

    def _asked(self, query: Query) -> Outcome:
        return Outcome(self._loan.read(query))

    def _publish(self, flow: str, place: str, describe: Callable[[], Json]) -> None:
        if self._loan.seconds_left() <= 0:
            raise ActionUnavailable(
                f"{flow}: no time was left to spread to {place}; the next attempt goes on",
                sent=False,
            )

        def work() -> Outcome:
            found, tenants = describe(), self._settings.tenant_of
            event = place_event(self._loan.run.event, place, found, tenants, flow)
            self._bus.publish(event)
            return Outcome({"event": event.id})

        self._loan.run.step("spread", {"place": place}, work)


def place_event(
    tick: Event, place: str, found: Json, tenant_of: Mapping[str, str], flow: str = ""
) -> Event:
    """Return the event of a tick for one place, as far as the platform describes it, and for one
    flow, as far as it is named."""
    owner, scope, audience = _whose(place, found)
    return tick._replace(
        id=":".join(filter(None, (tick.id, flow, place))),
        tenant=tenant_of.get(owner, owner),
        conversation=scope,
        payload={"place": place} | ({"flow": flow} if flow else {}),
        audience=audience,
    )


def _whose(place: str, found: Json) -> tuple[str, str, str]:
    """Return the organisation or workspace of a place, its scope, and who reads there."""
    if place.startswith("github:"):
        scope = f"github:{found['full_name']}"
        return scope.partition("/")[0], scope, audience_of(found)
    owner, channel = f"slack:{found['team']}", found["channel"]
    one_company = f"channel:{channel}" if found["private"] else f"team:{found['team']}"
    audience = f"shared:{channel}" if found["shared"] else one_company
    return owner, f"{owner}:{channel}", audience


@contextmanager
def _caught(failed: dict[str, AgentFlowsError], flow: str, place: str) -> Iterator[None]:
    try:
        yield
    except AgentFlowsError as err:
        failed[place] = err
        log("place left out", flow=flow, place=place, reason=str(err))


def _together(failed: Mapping[str, AgentFlowsError]) -> AgentFlowsError:
    """Return an error that may pass when one of them may: the tick then comes again."""
    if passing := next((err for err in failed.values() if err.retryable), None):
        return passing
    reasons = "; ".join(f"{place}: {err}" for place, err in failed.items())
    return ActionRejected(f"{len(failed)} places were left out: {reasons}")
