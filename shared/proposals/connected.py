"""The repositories that a place in Slack works on, and whether a person may open issues there."""

from collections.abc import Sequence
from typing import Self

from shared.desk import Loan
from shared.evidence.repositories import Repositories
from shared.installations.connected import is_of_tenant
from shared.settings import Settings


class ConnectedRepositories:
    """Those that REPOSITORIES connects with the channel of the event, or else with its workspace,
    if they belong to the same tenant."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the repositories of the event's place."""
        return cls(loan)

    @property
    def here(self) -> Sequence[str]:
        """Their names, that of the channel first. Where another company may read along, the channel
        must be named itself."""
        event = self._event
        if event.source != "slack":
            return [event.repository] if event.repository else []
        team = event.conversation.split(":")[1]
        places = [f"channel:{event.scope.rpartition(':')[2]}"]
        places += [] if event.is_shared else [f"team:{team}"]
        named = [self._settings.repository_of.get(place, "") for place in places]
        tenant = event.tenant
        ours = (one for one in named if one and is_of_tenant(self._settings, one, tenant))
        return list(dict.fromkeys(ours))

    @property
    def offered(self) -> Sequence[str]:
        """Those, and behind them what other places of the workspace have, as far as everybody here
        may see it and the person may write there."""
        more = (one for one in self._seen if one not in self.here and self._loan.may_write(one))
        return [*self.here, *more]

    @property
    def _seen(self) -> Sequence[str]:
        return Repositories.lend(self._loan).visible if self._event.source == "slack" else ()

    def why_not(self, repository: str) -> str:
        """Say why the person may not open an issue there; '' when they may."""
        if repository not in self.here and repository not in self._seen:
            return "This place is not connected with it."
        if not self._loan.may_write(repository):
            return "Only full members of the workspace may do that, with write access on GitHub."
        return ""
