"""Removes the tokens of a workspace or an organisation that removed the app."""

from typing import Self

from shared.aws.parameters import Parameters
from shared.database import Database, Statement, queries
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
        self._database = loan.services[Database]
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def leave(self) -> list[Event]:
        """Delete the tokens of whoever removed the app, and the proofs of its people, unless it was
        installed again since.

        Returns the run's event, and after an organisation left the same event of each of its
        workspaces that has no installation of its own: what is kept of it goes too.
        """
        event = self._run.event
        if not (place := _leaver(event)):
            return [event]
        row = self._row(place)
        asked = [Statement(SQL["workspaces"], row)] if org_of(event.payload) else []
        below = self._run.step("workspaces", {"org": place}, lambda: self._places(asked))
        self._run.step("uninstall", {"place": place}, lambda: self._removed(row))
        return [event, *(self._event_of(team) for team in below if self._is_left(team, place))]

    def _removed(self, row: Json) -> Outcome:
        """Delete the tokens of a place, and what the front door has of them."""
        wanted = [Statement(SQL[one], row) for one in ("delete", "own", "unlink")]
        _, [own], _ = self._database.run(row["tenant"], wanted)
        if self._settings.token_path and not own["is_own"]:
            Parameters(self._settings.token_path).delete(row["place"])
        return Outcome({})

    def _places(self, asked: list[Statement]) -> Outcome:
        found = self._database.run(self._run.event.tenant, asked) if asked else [[]]
        return Outcome([row["place"] for row in found[0]])

    def _is_left(self, team: str, org: str) -> bool:
        """Forget that the organisation installed the app for a workspace; tell if that was all."""
        row = self._row(team) | {"org": org}

        def work() -> Outcome:
            names = ("leave", "own", "unlink")
            wanted = [Statement(SQL[name], row) for name in names]
            _, [own], _ = self._database.run(row["tenant"], wanted)
            self._database.run(
                self._run.event.tenant,
                [Statement(SQL["leave"], row | {"tenant": self._run.event.tenant})],
            )
            return Outcome(not own["is_own"])

        return bool(self._run.step("leave", {"place": team, "org": org}, work))

    def _event_of(self, team: str) -> Event:
        event = self._run.event
        payload = {**event.payload, "team_id": team, "authorizations": []}
        tenant = self._row(team)["tenant"]
        return event._replace(tenant=tenant, conversation=f"slack:{team}", payload=payload)

    def _row(self, place: str) -> Json:
        name = f"slack:{place}"
        tenant = self._settings.tenant_of.get(name, name)
        return {"tenant": tenant, "place": place, "before": self._run.event.received_at}


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
