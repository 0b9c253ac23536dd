"""Removes the tokens of a workspace or an organisation that removed the app."""

from typing import Self

from shared.database import Statement, queries
from shared.desk import Loan
from shared.events import Event, Json
from shared.installations import org_of
from shared.journal import Outcome
from shared.settings import Settings

SQL = queries(__file__, "removal.sql")

#: The events after which the bot's token is none. Slack sends both, in any order.
#: https://docs.slack.dev/reference/events/app_uninstalled
LEAVING = ("slack.app_uninstalled", "slack.tokens_revoked")


class RemovalDesk:
    """Follows the workspaces that remove the app."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def leave(self) -> None:
        """Delete the tokens of whoever removed the app, and the proofs of its people, unless it was
        installed again since."""
        event = self._run.event
        if not (place := _leaver(event)):
            return
        name = f"slack:{place}"
        tenant = self._settings.tenant_of.get(name, name)
        row: Json = {"tenant": tenant, "place": place, "before": event.received_at}
        wanted = [Statement(SQL[one], row) for one in ("delete", "unlink")]
        self._run.step("uninstall", {"place": place}, lambda: Outcome({}, statements=wanted))


def _leaver(event: Event) -> str:
    """Return the workspace or the organisation that removed the app; '' for any other event."""
    if event.type not in LEAVING:
        return ""
    inner = event.payload.get("event")
    tokens = inner.get("tokens") if isinstance(inner, dict) else None
    bots = tokens.get("bot") if isinstance(tokens, dict) else None
    if event.type == "slack.tokens_revoked" and not bots:
        return ""  # the tokens of persons are not ours
    return org_of(event.payload) or event.conversation.split(":")[1]
