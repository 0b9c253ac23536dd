"""Installs the Slack app in the operator's own workspace with OAuth v2.

Slack installs a bot only by a redirect over https, never to this machine: "Desktop redirects cannot
request bot scopes" (https://docs.slack.dev/changelog/2026/03/30/pkce). So it leads to the deployed
front door, and the person brings the address at which the browser ends. The code in it is good
once, for ten minutes, and only with the client secret that is kept here.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from slack_bolt.oauth.oauth_flow import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.request import BoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web import WebClient

from infra.apps.person import Person
from infra.apps.slack_config import SlackDeclined
from infra.apps.slack_manifest import Site, scopes
from infra.apps.state import State
from shared.events import Json

#: Seconds that a person has between the page and the answer; Slack's code is good for ten minutes.
_TIME = 3600
_TRIES = 5


class Installer:
    """Bolt's OAuth flow, at a terminal in place of a server: states are kept beside `state`."""

    def __init__(
        self, site: Site, api_url: str, client: Mapping[str, str], wanted: Json, state: State
    ) -> None:
        folder = state.file.with_suffix(".states")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = FileOAuthStateStore(expiration_seconds=_TIME, base_dir=str(folder))
        [redirect] = wanted["oauth_config"]["redirect_urls"]
        self._flow = OAuthFlow(
            client=WebClient(base_url=api_url),
            settings=OAuthSettings(
                client_id=client["client_id"],
                client_secret=client["client_secret"],
                scopes=sorted(scopes(wanted)),
                redirect_uri=redirect,
                authorization_url=site.authorize,
                state_store=store,
            ),
        )

    def run(self, person: Person) -> str:
        """Return the bot's token; raises SlackDeclined and NobodyThere."""
        request = BoltRequest(body="")
        person.say("Press Allow. You end at a page of your deployment: copy its whole address from")
        person.say("the browser, and paste it here.")
        person.open(self._flow.build_authorize_url(self._flow.issue_new_state(request), request))
        for left in reversed(range(_TRIES)):
            try:
                return self._exchanged(self._code(person.secret("Address, https://…?code=…:")))
            except SlackDeclined as err:
                if not left:
                    raise
                person.say(str(err))
        raise AssertionError

    def _code(self, address: str) -> str:
        query = parse_qs(urlsplit(address).query)
        if refused := query.get("error", [""])[0]:
            raise SlackDeclined(f"Slack says {refused[:60]}: nothing was installed", refused)
        code, given = query.get("code", [""])[0], query.get("state", [""])[0]
        if not code or not given.replace("-", "").isalnum():
            raise SlackDeclined("that address has no code; paste the whole of it")
        if not self._flow.settings.state_store.consume(given):
            raise SlackDeclined("that address belongs to another sitting; open the page above")
        return code

    def _exchanged(self, code: str) -> str:
        """Bolt's own exchange would log the code and drop Slack's reason."""
        settings = self._flow.settings
        try:
            answer = self._flow.client.oauth_v2_access(
                client_id=settings.client_id,
                client_secret=settings.client_secret,
                code=code,
                redirect_uri=settings.redirect_uri,
            )
        except SlackApiError as err:
            reason = str(err.response.get("error") or err.response.status_code)
            hint = {
                "invalid_code": "it is good once, for ten minutes; the same command opens the page",
                "bad_redirect_uri": "the app has another redirect address; update its manifest",
                "bad_client_secret": "the app's client secret was changed at Slack",
            }.get(reason, "the same command tries again")
            raise SlackDeclined(f"Slack answered {reason} to the code: {hint}", reason) from None
        except OSError as err:
            raise SlackDeclined(f"no answer from Slack ({type(err).__name__})") from None
        return str(answer["access_token"])
