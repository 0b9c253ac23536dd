"""Proves that a GitHub account is a Slack person's: three pages of one browser.

The ticket that the agent showed to one person leads to a page that names them; from there a state
that is bound to the browser leads to GitHub and back. So whoever follows another's address sees
whose it is before anything happens: only that page, in that browser, leads on. GitHub asks nobody
again who signed in there once, so without it one click on a link would prove an account to
whoever sent it.
"""

import secrets
from collections.abc import Sequence

from chalice.app import Request, Response
from slack_sdk.oauth.state_utils import OAuthStateUtils

from shared.database import Database
from shared.errors import ActionRejected
from shared.installations.tickets import LIFE, Tickets, tenant_of
from shared.log import log
from shared.people.desk import PAGE, PURPOSE
from shared.people.store import LinkedPerson, PeopleTable
from shared.settings import Settings
from shared.web.oauth.github import account_of, sign_in_page
from shared.web.oauth.pages import elsewhere, page

#: The routes below the front door: who asked sees whose proof it is, goes to GitHub, comes back.
SHOW, GO, BACK = PAGE, f"{PAGE}/github", f"{PAGE}/done"
_STATE = "github"
_COOKIE = OAuthStateUtils(cookie_name="agent-flows-link", expiration_seconds=int(LIFE))
#: Binds the way on to the page that says whose proof it is.
_SHOWN = OAuthStateUtils(cookie_name="agent-flows-shown", expiration_seconds=int(LIFE))
_OVER = "This address was used before, or is older than ten minutes. Say link in Slack again."


class Linking:
    def __init__(self, settings: Settings, database: Database, door: str) -> None:
        self._settings = settings
        self._tickets = Tickets(database)
        self._people = PeopleTable(database)
        self._door = door

    def show(self, request: Request) -> Response:
        """Say whose proof it is; the ticket stays good, as programs look at addresses too."""
        ticket = _given(request, "ticket")
        about = self._tickets.look(ticket, PURPOSE)
        if about is None:
            return page("Not linked", _OVER, status=400)
        who, shown = f"{about['name']} ({about['user']})", secrets.token_urlsafe(24)
        return page(
            "Link your GitHub account",
            f"You are about to prove to the agent that a GitHub account is that of {who} in Slack"
            f" ({about['team']}). What it may do on GitHub counts for {who} from then on.",
            f"If you are not {who}, close this page.",
            link=(
                f"{self._door}{GO}?ticket={ticket}&shown={shown}",
                f"I am {about['name']}: sign in at GitHub",
            ),
            cookie=_SHOWN.build_set_cookie_for_new_state(shown),
        )

    def go(self, request: Request) -> Response:
        """Take the ticket, once, and lead this browser to GitHub."""
        ticket, shown = _given(request, "ticket"), _given(request, "shown")
        if not shown or not _SHOWN.is_valid_browser(shown, _cookies(request)):
            return page("Not linked", "Open the address that I told you in Slack.", status=400)
        about = self._tickets.take(ticket, PURPOSE)
        if about is None:
            return page("Not linked", _OVER, status=400)
        verifier = secrets.token_urlsafe(48)
        kept = {**about, "verifier": verifier}
        state = self._tickets.issue(_STATE, kept, tenant_of(ticket))
        where = sign_in_page(self._settings, self._door + BACK, state, verifier)
        return elsewhere(where, _COOKIE.build_set_cookie_for_new_state(state))

    def come_back(self, request: Request) -> Response:
        """Learn whose account it is, and keep that it is the person's."""
        state = _given(request, "state")
        if not _COOKIE.is_valid_browser(state, _cookies(request)):
            return page("Not linked", "It was not begun in this browser.", _OVER, status=400)
        about = self._tickets.take(state, _STATE)
        if about is None:
            return page("Not linked", _OVER, status=400)
        if not (code := _given(request, "code")):
            return page("Not linked", "GitHub says that nobody allowed it.", cookie=_ended())
        try:
            account = account_of(self._settings, code, self._door + BACK, about["verifier"])
        except ActionRejected as err:
            log("account not proved", reason=str(err))
            return page("Not linked", "GitHub does not take the code.", _OVER, status=400)
        person = LinkedPerson(about["team"], about["user"], account.id, account.login)
        if not self._people.link(tenant_of(state), person):
            log("account of another person", team=about["team"])
            return page(
                "Not linked",
                f"{account.login} is linked to another person of this workspace. Say unlink there,"
                " or comment /unlink with this account on GitHub; then say link again.",
                status=409,
                cookie=_ended(),
            )
        log("account linked", team=about["team"])
        return page(
            "Linked",
            f"{account.login} on GitHub is {about['name']} in Slack. You can close this page.",
            "Say unlink, on either side, to undo it.",
            cookie=_ended(),
        )


def _given(request: Request, name: str) -> str:
    return str((request.query_params or {}).get(name) or "")[:400]


def _cookies(request: Request) -> dict[str, str | Sequence[str]]:
    return {"cookie": request.headers.get("cookie") or ""}


def _ended() -> str:
    return _COOKIE.build_set_cookie_for_deletion()
