"""Reach: the memories that somebody may see, and delete, from the place where they ask."""

from collections.abc import Iterable

from shared.events import Event
from shared.frozen import frozen


@frozen
class Reach:
    """The bounds of one request; an operator's has none.

    A person sees what `audiences` may see. Of that, they delete what was said within `grounds`, and
    what they said themselves (as one of `own`, on their `platform`); with `own_only` only their
    own. Turns and records go if they lie in `place`. A person who names themselves deletes what
    they said anywhere.
    """

    audiences: frozenset[str] = frozenset()
    place: str = ""
    grounds: str = ""
    platform: str = ""
    own: frozenset[str] = frozenset()
    own_only: bool = True
    everywhere: bool = False
    workplace: str = ""

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of a statement, by the names of the fields."""
        return {
            "audiences": sorted(self.audiences),
            "place": self.place,
            "grounds": self.grounds,
            "platform": self.platform,
            "own": sorted(self.own),
            "own_only": self.own_only and not self.everywhere,
            "everywhere": self.everywhere,
            "workplace": self.workplace,
        }

    def includes_place(self, place: str) -> bool:
        """Is `place` within the grounds?"""
        place, region = place.lower(), self.grounds.lower()
        return bool(region) and (
            place == region or (place.startswith(region) and place[len(region)] in "/#:")
        )


OPERATOR = Reach(everywhere=True)


def reach_from(event: Event, audiences: Iterable[str], *, own_only: bool = True) -> Reach:
    """Return the reach of the person who caused `event`: in Slack, their whole workspace."""
    is_slack = event.source == "slack"
    return Reach(
        audiences=frozenset(audiences),
        place=event.scope,
        grounds=":".join(event.scope.split(":")[:2]) if is_slack else event.scope,
        platform=f"{event.source}:",
        own=names_of(event),
        own_only=own_only,
        workplace=event.repository,
    )


def author_of(event: Event) -> str:
    """Return the actor as memories name their author: in Slack by id, since names can change."""
    return event.actor.id if event.source == "slack" else event.actor.name


def names_of(event: Event) -> frozenset[str]:
    """Return all names under which memories and events may hold the actor. A login of digits alone
    reads as the id of somebody else."""
    is_number = event.source == "github" and event.actor.name.isdigit()
    name = "" if is_number else author_of(event)
    return frozenset({name, event.actor.id} - {""})
