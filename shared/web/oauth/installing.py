"""Installs the Slack app in a workspace or an organisation: slack-bolt's OAuth flow over stores in
Postgres.

A browser without our cookie comes from ./scripts/deploy, whose own flow ends at the same address
(infra/apps/slack_install.py): it is told to copy that address. So the cookie decides: what this
page began is installed here, all else is the terminal's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chalice.app import Request, Response
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_flow import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.request import BoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation as BoltInstallation
from slack_sdk.oauth.installation_store import InstallationStore
from slack_sdk.oauth.state_store import OAuthStateStore
from slack_sdk.oauth.state_utils import OAuthStateUtils
from slack_sdk.web import SlackResponse, WebClient

from shared.database import Database
from shared.installations.scopes import BOT, lacking
from shared.installations.store import Installation, InstallationTable
from shared.installations.tickets import LIFE, Tickets
from shared.log import log
from shared.settings import Settings
from shared.web.oauth.pages import HEADERS, page

#: The routes, below the front door.
INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
_PURPOSE = "install"
COOKIE = OAuthStateUtils.default_cookie_name
#: What Slack or Bolt says of a failure, as a person may read it.
_REASONS: Mapping[str, str] = {
    "access_denied": "Slack says that nobody allowed it.",
    "invalid_browser": "It was not begun in this browser, or more than ten minutes ago.",
    "invalid_state": "This address was used before, or is older than ten minutes.",
    "invalid_code": "Slack does not take the code: it is good once, for ten minutes.",
    "missing_code": "The address has no code.",
}
_COPY = (
    "If ./scripts/deploy asks for the address of this page, copy the whole of it from the browser,"
    " and paste it there."
)


class PostgresStates(OAuthStateStore):
    """Bolt's states: each is good once, for ten minutes, in the browser that has its cookie."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def issue(self, *args: Any, **kwargs: Any) -> str:
        return self._tickets.issue(_PURPOSE, {})

    def consume(self, state: str) -> bool:
        return self._tickets.take(state, _PURPOSE) is not None


class PostgresInstallations(InstallationStore):
    """Bolt's installations, with encrypted tokens."""

    def __init__(self, table: InstallationTable) -> None:
        self._table = table

    def save(self, installation: BoltInstallation) -> None:
        """Keep the bot of a workspace, or of an organisation, which has no workspace."""
        is_org = bool(installation.is_enterprise_install)
        place = (installation.enterprise_id if is_org else installation.team_id) or ""
        name = installation.enterprise_name if is_org else installation.team_name
        self._table.save(
            Installation(
                self._table.tenant(place),
                place,
                installation.app_id or "",
                installation.bot_token or "",
                installation.bot_refresh_token or "",
                float(installation.bot_token_expires_at or 0),
                ",".join(installation.bot_scopes or ()),
                installation.bot_user_id or "",
                name or "",
                installation.user_id or "",
            )
        )
        log(
            "slack installed",
            place=place,
            lacks=sorted(lacking(installation.bot_scopes or ())),
        )


class _Exchange(WebClient):
    """The calls of the flow. Bolt would log a code that Slack does not take, and no reason."""

    def api_call(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
        try:
            answer = super().api_call(api_method, *arguments, **named)
        except SlackApiError as err:
            log("slack refused", method=api_method, reason=str(err.response.get("error"))[:60])
            raise
        assert isinstance(answer, SlackResponse)
        return answer


class Installing:
    """Bolt's flow at our addresses; `door` is that of the front door."""

    def __init__(self, settings: Settings, database: Database, door: str) -> None:
        """Raises SettingsError where the app's client or a key lacks."""
        api = urlsplit(settings.slack_api_url)
        client = _Exchange(
            base_url=settings.slack_api_url, timeout=8, retry_handlers=[], logger=_silent()
        )
        client.proxy = None
        table = InstallationTable.of(settings, database)
        self._flow = OAuthFlow(
            client=client,
            logger=_silent(),
            settings=OAuthSettings(
                client_id=settings.require("slack_client_id"),
                client_secret=settings.require("slack_client_secret"),
                scopes=sorted(BOT),
                user_scopes=[],
                redirect_uri=door + REDIRECT,
                install_page_rendering_enabled=False,
                authorization_url=f"{api.scheme}://{api.netloc}/oauth/v2/authorize",
                installation_store=PostgresInstallations(table),
                state_store=PostgresStates(Tickets(database)),
                state_expiration_seconds=int(LIFE),
                callback_options=CallbackOptions(success=_succeeded, failure=_failed),
                logger=_silent(),
            ),
        )

    def install(self, request: Request) -> Response:
        return _response(self._flow.handle_installation(_bolt(request)))

    def come_back(self, request: Request) -> Response:
        return _response(self._flow.handle_callback(_bolt(request)))


def from_terminal() -> Response:
    """Answer where nobody set up installations by this page."""
    return page("Slack", _COPY)


def _succeeded(args: SuccessArgs) -> BoltResponse:
    found = args.installation
    where = found.enterprise_name if found.is_enterprise_install else found.team_name
    lacks = lacking(found.bot_scopes or ())
    lines = [f"The agent is installed in {where or 'the workspace'}. You can close this page."]
    lines += ["Mention it in a channel, or write it a direct message: help says what it does."]
    if lacks:
        lines.append(f"It lacks rights, so some of it stays off: {', '.join(sorted(lacks))}.")
    return _bolted(page("Installed", *lines, cookie=_ended()))


def _failed(args: FailureArgs) -> BoltResponse:
    reason = _REASONS.get(args.reason, "Slack or this deployment could not do it now.")
    status = 200 if args.reason == "access_denied" else args.suggested_status_code
    log("slack not installed", reason=args.reason if args.reason in _REASONS else "other")
    lines = ["Nothing was installed.", reason]
    if not _has_cookie(args.request):
        return _bolted(page("Slack", _COPY, "Otherwise: nothing was installed.", reason))
    again = (args.settings.redirect_uri or "").removesuffix(REDIRECT) + INSTALL
    return _bolted(page("Not installed", *lines, status=status, link=(again, "Begin again")))


def _has_cookie(request: BoltRequest) -> bool:
    return any(f"{COOKIE}=" in one for one in request.headers.get("cookie", ()))


def _ended() -> str:
    return OAuthStateUtils().build_set_cookie_for_deletion()


def _bolt(request: Request) -> BoltRequest:
    return BoltRequest(
        body="", query=dict(request.query_params or {}), headers=dict(request.headers)
    )


def _bolted(answer: Response) -> BoltResponse:
    return BoltResponse(status=answer.status_code, body=answer.body, headers=answer.headers)


def _response(answer: BoltResponse) -> Response:
    headers: dict[str, str | list[str]] = dict(HEADERS)
    for name, values in answer.headers.items():
        if name in {"location", "set-cookie"}:
            headers[name.title()] = list(values) if name == "set-cookie" else str(values[0])
    return Response(answer.body, headers=headers, status_code=answer.status)


def _silent() -> Any:
    import logging

    logger = logging.getLogger("slack.silent")
    logger.setLevel(logging.CRITICAL)
    return logger
