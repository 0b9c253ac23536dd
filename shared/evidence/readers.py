"""The readers of an answer: everybody who may see the place where it is given."""

from functools import cached_property

from shared.events import Event
from shared.memory.audience import Audiences


class Readers:
    """Knows which audiences all readers of one event's answer belong to."""

    def __init__(self, event: Event, audiences: Audiences) -> None:
        self._event, self._audiences = event, audiences

    @cached_property
    def _visible(self) -> frozenset[str]:
        return self._audiences.visible_from(self._event.audience, self._event.scope)

    def see(self, audience: str) -> bool:
        """May all of them see what was said to this audience? GitHub's names ignore case, and
        `repo:acme/*` stands for every repository of an owner."""
        if audience in self._visible:
            return True
        if not audience.startswith(("repo:", "org:")):
            return False
        small = audience.lower()
        every = f"{small.partition('/')[0]}/*"
        return any(one.lower() in {small, every} for one in self._visible)
