"""The readers of an answer: everybody who may see the place where it is given."""

from functools import cached_property

from shared.desk import Loan
from shared.journal import Run
from shared.memory.audience import Audiences, narrowed


class Readers:
    """Knows which audiences all readers of one event's answer belong to."""

    def __init__(self, run: Run, audiences: Audiences) -> None:
        self._run, self._audiences = run, audiences

    @cached_property
    def visible(self) -> frozenset[str]:
        """The audiences that all of them belong to, as far as the channel wants their knowledge."""
        event = self._run.event
        visible = self._audiences.visible_from(event.audience, event.scope)
        return narrowed(visible, self._run.channel, event.audience)

    def see(self, audience: str) -> bool:
        """May all of them see what was said to this audience? GitHub's names ignore case, and
        `repo:acme/*` stands for every repository of an owner."""
        if audience in self.visible:
            return True
        if not audience.startswith(("repo:", "org:")):
            return False
        small = audience.lower()
        every = f"{small.partition('/')[0]}/*"
        return any(one.lower() in {small, every} for one in self.visible)


def readers_of(loan: Loan) -> Readers:
    """Return the readers of the answer of a desk's run."""
    return Readers(loan.run, loan.services[Audiences])
