"""Gives the front door the token of a workspace that it lacked: of an installation that is older
than this way, or of one whose token expired while nothing happened there."""

from typing import Self

from shared.database import Database
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.installations import Workspace
from shared.installations.credentials import Installations
from shared.journal import Outcome
from shared.settings import Settings


class HandingDesk:
    """Hands over the token that serves the workspace of the run's event."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._database = loan.services[Database]
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def hand_over(self) -> bool:
        """Return whether the front door has a token now that it may have lacked."""
        return bool(self._run.step("hand over", {}, lambda: Outcome(self._is_done())))

    def _is_done(self) -> bool:
        if not (self._settings.slack_client_id and self._settings.token_path):
            return False
        found = Installations.of(self._settings, self._database)
        credential = found.credential(Workspace.of(self._run.event))
        try:
            return credential is not None and credential.hand_over()
        except ActionRejected:  # the app is to be installed there again
            return False
