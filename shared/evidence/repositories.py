"""The repositories that a conversation may be about: connected ones that all of its readers see."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from shared.actions.asking import AskRepository
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.evidence.readers import Readers
from shared.installations.connected import connected_repositories, is_own_of_channel
from shared.journal import Outcome
from shared.memory.audience import Audiences
from shared.perception.github import audience_of
from shared.settings import Settings

#: How many are looked at.
_MOST = 8
#: The part of an event's payload that says which one a person chose.
CHOSEN = "chosen"


class Repositories:
    """The repositories of the run's conversation."""

    def __init__(self, loan: Loan) -> None:
        self._loan, self._event = loan, loan.run.event
        self._readers = Readers(loan.run, loan.services[Audiences])
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @cached_property
    def connected(self) -> Sequence[str]:
        """Those that REPOSITORIES connects with the place and its workspace, its own first."""
        return connected_repositories(self._settings, self._event)[:_MOST]

    @property
    def is_certain(self) -> bool:
        """Is the event's own repository meant where nobody names one? The channel's own is, one
        that a person chose, and the only one."""
        event = self._event
        chosen = bool(event.payload.get(CHOSEN)) or is_own_of_channel(self._settings, event)
        return bool(event.repository) and (chosen or len(self.connected) == 1)

    @cached_property
    def visible(self) -> list[str]:
        """Those of them that everybody may see who reads the conversation; a recorded step."""

        def work() -> Outcome:
            return Outcome([one for one in self.connected if self.sees(one)])

        if not self.connected:
            return []
        about = {"of": [*self.connected]}
        found: list[str] = self._loan.run.step("repositories", about, work, defer=True)
        return found

    def is_shown(self, repository: str) -> bool:
        """Does everybody see this one who reads the conversation? A recorded step."""

        def work() -> Outcome:
            return Outcome(self.sees(repository))

        about = {"repository": repository}
        return bool(self._loan.run.step("repository shown", about, work, defer=True))

    def sees(self, repository: str) -> bool:
        """Does everybody see it now who reads the conversation?"""
        try:
            about = self._loan.read(AskRepository(repository))
        except ActionRejected:
            return False
        return self._readers.see(audience_of(about))

    def named(self, repository: str) -> str:
        """Return the visible one of this name, as it is written; '' for none. GitHub's names ignore
        case."""
        wanted = repository.lower()
        return next((one for one in self.visible if one.lower() == wanted), "")
