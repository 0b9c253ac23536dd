"""Connects a Slack app in one sitting: makes it or brings it up to date, installs it, checks what
it was given. Each part asks first what is there; what is kept is not asked for again."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from infra.apps.person import NobodyThere, Person
from infra.apps.slack_checks import Bot, check_app_token, check_bot_token, missing
from infra.apps.slack_config import (
    USED_UP,
    ConfigurationApi,
    NewSlackApp,
    PairStore,
    SlackDeclined,
)
from infra.apps.slack_install import Installer
from infra.apps.slack_manifest import Site, differences, manifest, scopes
from infra.apps.state import State
from shared.errors import SettingsError
from shared.events import Json
from shared.settings import Settings

_STEP = "slack"
_TRIES = 3
_REFRESH = "Refresh token, xoxe-…, or Enter:"


class SlackKeys(PairStore, Protocol):
    """Where the app's credentials are kept."""

    @property
    def settings(self) -> Settings: ...

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep values by the names of settings."""
        ...

    def client(self) -> Mapping[str, str]:
        """Return `app_id`, `client_id` and `client_secret`, as far as they are kept."""
        ...

    def keep_slack_client(self, values: Mapping[str, str]) -> None: ...


class SlackAppKept(ABC):
    """Keeps the token that configures apps and the app's client as parts of one dictionary."""

    def pair(self) -> Mapping[str, str]:
        return self._part("pair_")

    def keep_pair(self, pair: Mapping[str, str]) -> None:
        self._put({f"pair_{key}": one for key, one in pair.items()})

    def client(self) -> Mapping[str, str]:
        return self._part("client_")

    def keep_slack_client(self, values: Mapping[str, str]) -> None:
        self._put({f"client_{key}": one for key, one in values.items()})

    def _part(self, name: str) -> dict[str, str]:
        return {key[len(name) :]: one for key, one in self._all().items() if key.startswith(name)}

    @abstractmethod
    def _all(self) -> Mapping[str, str]: ...

    @abstractmethod
    def _put(self, values: Mapping[str, str]) -> None: ...


class SlackWish(NamedTuple):
    """The app that is wanted: its name, and the front door; without one it uses Socket Mode."""

    name: str
    door: str = ""

    @property
    def manifest(self) -> Json:
        return manifest(self.name, self.door)


class SlackSetup:
    """Makes and installs the app of `wish`. `state` remembers a sitting that was stopped."""

    def __init__(self, person: Person, state: State, keys: SlackKeys, wish: SlackWish) -> None:
        self._person = person
        self._state = state
        self._keys = keys
        self._wish = wish
        self._site = Site(keys.settings.slack_api_url)
        self._api = ConfigurationApi(keys.settings.slack_api_url, keys)

    @property
    def app_id(self) -> str:
        return str(self._keys.client().get("app_id") or self._state.get(_STEP, "app_id", ""))

    # The app

    def register(self) -> None:
        """Let there be an app with the wanted manifest; raises SlackDeclined and NobodyThere."""
        self._take_given_token()
        if not self._is_registered() and not self._person.is_there and not self._api.is_ready:
            other = "SLACK_SIGNING_SECRET" if self._wish.door else "SLACK_APP_TOKEN"
            raise NobodyThere(
                f"set SLACK_CONFIGURATION_TOKEN, or SLACK_BOT_TOKEN and {other}, or run this at a"
                " terminal"
            )
        if not self._is_registered():
            self._make()
        elif self._api.is_ready and self.app_id:
            self._renewed(self.bring_up_to_date)

    def _take_given_token(self) -> None:
        """Begin with the token of the settings. It is good once, and may stand there for years."""
        given = self._keys.settings.slack_configuration_token
        if not given or self._api.has_begun(given):
            return
        try:
            self._api.begin(given)
        except SlackDeclined as err:
            if err.reason != USED_UP:
                raise
            self._person.say(f"note: SLACK_CONFIGURATION_TOKEN: {err}")

    def _is_registered(self) -> bool:
        settings = self._keys.settings
        client = self._keys.client()
        if not self._wish.door:
            return bool(settings.slack_app_token or client.get("app_id"))
        if client.get("signing_secret") and not settings.slack_signing_secret:
            self._keys.keep({"slack_signing_secret": client["signing_secret"]})  # it died before
            return True
        return bool(settings.slack_signing_secret)

    def _make(self) -> None:
        say = self._person.say
        say("Two ways to the Slack app:")
        say(f"  by a token: at {self._site.apps} generate one under “Your App Configuration")
        say("    Tokens”, and paste its Refresh Token here. The app is made, and kept up to date.")
        say("  by hand: press Enter, and a page opens with all filled in.")
        refresh = "" if self._api.is_ready else self._secret(_REFRESH)
        if refresh:
            self._api.begin(refresh)
        if self._api.is_ready:
            self._renewed(self._create)
        else:
            self._by_hand()

    def _renewed(self, work: Callable[[], None]) -> None:
        """Do it; where the kept token is used up, ask for another. An update can do without."""
        try:
            work()
        except SlackDeclined as err:
            if err.reason != USED_UP:
                raise
            self._person.say(f"note: {err}")
            refresh = self._secret(_REFRESH) if self._person.is_there else ""
            if refresh:
                self._api.begin(refresh)
                work()
            elif not self._is_registered():
                raise

    def _create(self) -> None:
        """Make it through the API; a sitting that died meanwhile may have made it."""
        wanted, before = self._wish.manifest, self._state.get(_STEP, "creating", "")
        self._api.validate(wanted)
        if before and not self._person.is_there:
            raise NobodyThere(
                f"Slack may have made the app {before!r} before this was stopped; look at"
                f" {self._site.apps}. If it is there, set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET;"
                f" if not, delete {self._state.file}; then run this again"
            )
        if before:
            self._person.say(f"Slack may have made the app {before!r} before this was stopped.")
            given = self._person.ask(f"Its App ID at {self._site.apps} (Enter: it is not there):")
            if given:
                self._adopt(given)
                return
        self._state.put(_STEP, creating=self._wish.name)
        self._keep(self._api.create(wanted))
        self._state.put(_STEP, creating="")
        self._person.say(f"Slack made the app {self._wish.name} ({self.app_id}).")

    def _keep(self, app: NewSlackApp) -> None:
        self._keys.keep_slack_client(app._asdict())
        if self._wish.door:
            self._keys.keep({"slack_signing_secret": app.signing_secret})

    def _adopt(self, app_id: str) -> None:
        """Take over an app whose credentials got lost: Slack tells them on its page only."""
        self._api.export(app_id)
        self._keys.keep_slack_client({"app_id": app_id})
        self._ask_for_signing_secret()
        self._state.put(_STEP, creating="", app_id=app_id)
        self.bring_up_to_date()

    def _by_hand(self) -> None:
        wanted = self._wish.manifest
        file = self._state.file.with_suffix(".slack.json")
        _write(file, json.dumps(wanted, indent=1))
        try:
            page = self._site.creation(wanted)
        except SettingsError:
            page = f"{self._site.apps}?new_app=1"
        if self._state.get(_STEP, "opened"):
            self._person.say("Where you made it before, do not make another: go on below.")
        self._state.put(_STEP, opened=True)
        self._person.say("Choose the workspace and press Create. Where the page is empty, choose")
        self._person.say(f'"From a manifest" and paste {file}')
        self._person.open(page)
        self._ask_for_signing_secret()

    def _ask_for_signing_secret(self) -> None:
        if not self._wish.door or self._keys.settings.slack_signing_secret:
            return
        page = self._site.page(self.app_id, "general")
        secret = self._secret(f"Signing Secret, under Basic Information ({page}):")
        if not secret.isalnum():
            raise SlackDeclined("that is no signing secret; the same command asks again")
        self._keys.keep({"slack_signing_secret": secret})

    def bring_up_to_date(self) -> None:
        """Show what Slack's copy of the manifest differs in, and replace it."""
        wanted, found = self._wish.manifest, self._api.export(self.app_id)
        wanted["display_information"]["name"] = found["display_information"]["name"]
        told = differences(wanted, found)
        if not told:
            self._person.say("Slack's copy of the manifest is current.")
            return
        for line in told:
            self._person.say(f"  {line}")
        if self._person.agrees("Update the app at Slack?") and self._api.update(
            self.app_id, wanted
        ):
            page = self._site.page(self.app_id, "install-on-team")
            self._person.say(f"Its rights changed: install it again at {page}")

    def changes(self) -> Iterator[str]:
        """Say what Slack's copy of the manifest differs in, and which rights the bot lacks."""
        settings = self._keys.settings
        wanted, found = self._wish.manifest, None
        if self.app_id:
            found = self._api.look(self.app_id)
        if found is not None:
            wanted["display_information"]["name"] = found["display_information"]["name"]
            yield from differences(wanted, found)
        else:
            yield "its manifest cannot be compared: there is no configuration token, or it is over"
        bot = check_bot_token(settings.slack_bot_token, settings.slack_api_url)
        if lacking := missing(scopes(wanted), bot):
            yield f"{bot.name} in {bot.team_name} lacks {', '.join(lacking)}"

    # The installation

    def install(self) -> Bot:
        """Let the bot's token be there and checked; raises SlackDeclined and NobodyThere."""
        settings = self._keys.settings
        if settings.slack_bot_token:
            return self._told(check_bot_token(settings.slack_bot_token, settings.slack_api_url))
        client, page = self._keys.client(), self._site.page(self.app_id, "install-on-team")
        if not self._person.is_there:
            raise NobodyThere(
                f"install the Slack app at {page}, and set SLACK_BOT_TOKEN to its Bot User OAuth"
                " Token, or run this at a terminal"
            )
        if self._wish.door and client.get("client_secret"):
            wanted = self._wish.manifest
            flow = Installer(self._site, settings.slack_api_url, client, wanted, self._state)
            token = flow.run(self._person)
            bot = check_bot_token(token, settings.slack_api_url)
        else:
            self._person.say('Press "Install to Workspace" and Allow; then copy the Bot User OAuth')
            self._person.say("Token from OAuth & Permissions.")
            self._person.open(page)
            token, bot = self._paste_bot_token()
        self._keys.keep({"slack_bot_token": token})
        return self._told(bot)

    def _paste_bot_token(self) -> tuple[str, Bot]:
        for left in reversed(range(_TRIES)):
            token = self._secret("Bot token, xoxb-…:")
            try:
                return token, check_bot_token(token, self._keys.settings.slack_api_url)
            except SlackDeclined as err:
                if not left:
                    raise
                self._person.say(str(err))
        raise AssertionError

    def _told(self, bot: Bot) -> Bot:
        self._person.say(f"Slack: {bot.name} in the workspace {bot.team_name} ({bot.team})")
        if lacking := missing(scopes(self._wish.manifest), bot):
            page = self._site.page(self.app_id or bot.app_id, "install-on-team")
            self._person.say(f"note: it lacks {', '.join(lacking)}; add them to the app, and")
            self._person.say(f"install it again at {page}")
        return bot

    def open_socket(self) -> None:
        """Let the app-level token be there and checked, which Slack makes on its page only."""
        settings = self._keys.settings
        if settings.slack_app_token:
            check_app_token(settings.slack_app_token, settings.slack_api_url)
            return
        self._person.say(
            "Under Basic Information, App-Level Tokens, generate a token with the scope"
        )
        self._person.say(f"connections:write: {self._site.page(self.app_id, 'general')}")
        for left in reversed(range(_TRIES)):
            token = self._secret("App-level token, xapp-…:")
            try:
                check_app_token(token, settings.slack_api_url)
                break
            except SlackDeclined as err:
                if not left:
                    raise
                self._person.say(str(err))
        self._keys.keep({"slack_app_token": token})

    def _secret(self, question: str) -> str:
        return self._person.secret(question)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(text, "utf-8")
