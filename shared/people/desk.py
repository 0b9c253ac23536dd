"""The commands by which a person proves on one side who they are on the other: `link`, `unlink`."""

from typing import NamedTuple, Self

from shared.database import Database
from shared.desk import Loan
from shared.events import Event
from shared.installations.tickets import LIFE, invented, issued
from shared.journal import Outcome
from shared.marks import UNRECORDED
from shared.people.store import LinkedPerson, PeopleTable, team_of, unlinking
from shared.settings import Settings

#: What a ticket is for that leads a person to GitHub.
PURPOSE = "link"
#: The page of the front door that takes it.
PAGE = "/link"


class LinkAnswer(NamedTuple):
    """The answer to `link`, and the ticket that takes the place of UNRECORDED in it, if any."""

    text: str
    ticket: str = ""


class PeopleDesk:
    """Knows the person who caused the run on both sides."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._named = loan.named
        self._settings = loan.services[Settings]
        self._table = PeopleTable(loan.services[Database])

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def link(self) -> LinkAnswer:
        """Return the answer to `link`: an address that is good once, for ten minutes, for the
        person who asked. It must be shown to nobody else, and no journal holds its ticket: each
        attempt of the run issues one, of which one is shown."""
        if why := self._why_not():
            return LinkAnswer(why)
        event, known = self._run.event, self._proved()
        ticket = invented(event.tenant)
        self._run.write([issued(ticket, PURPOSE, self._about(event))])
        door = self._settings.front_door_url.rstrip("/")
        now = f" Now it is `{known[0].github_login}`." if known else ""
        text = (
            f"[Prove that a GitHub account is yours]({door}{PAGE}?ticket={UNRECORDED}): the address"
            f" is for you alone, once, in the next {LIFE / 60:.0f} minutes.{now}"
        )
        return LinkAnswer(text, ticket)

    def _why_not(self) -> str:
        """Say why the person gets no address here; '' when they do."""
        event = self._run.event
        if event.source != "slack":
            return "Say `link` to me in Slack: there I can tell you the address alone."
        if not (self._settings.github_client_id and self._settings.front_door_url):
            return "This deployment cannot ask GitHub who you are; GITHUB_CLIENT_ID is not set."
        if event.actor.is_bot or not event.actor.id or event.is_shared:
            return "Only people of this workspace can link an account, where no other company is."
        if not (event.response_target or event.audience.startswith("dm:")):
            return "Type `/agent link`, or say `link` to me alone: others must not see the address."
        return ""

    def unlink(self) -> str:
        """Forget what this person proved, on whichever side they say it."""
        known = self._proved()
        self._run.step("unlink", {}, lambda: Outcome({}, statements=[unlinking(self._run.event)]))
        if not known:
            return "Nothing is linked to you here."
        return f"I know no longer that `{known[0].github_login}` on GitHub is you in Slack."

    def _proved(self) -> list[LinkedPerson]:
        found = self._run.step(
            "proved",
            {},
            lambda: Outcome([one._asdict() for one in self._table.of(self._run.event)]),
        )
        return [LinkedPerson(**one) for one in found]

    def _about(self, event: Event) -> dict[str, str]:
        name = self._named(f"<@{event.actor.id}>").strip("@`")
        return {"team": team_of(event), "user": event.actor.id, "name": name or event.actor.name}
