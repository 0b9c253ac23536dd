"""`./scripts/dev --slack`: a real Slack app for this machine, through Socket Mode."""

import getpass
import re
from collections.abc import Mapping
from pathlib import Path

from infra.apps.local_keys import SLACK, LocalKeys
from infra.apps.person import Person
from infra.apps.slack_setup import SlackAppKept, SlackSetup, SlackWish
from infra.apps.state import State
from shared.settings import Settings


class LocalSlackKeys(SlackAppKept, LocalKeys):
    """The bot's tokens, and in a file of its own what configures the app."""

    def __init__(self, data: Path, given: Settings) -> None:
        super().__init__(data / SLACK, given)
        self._configuration = LocalKeys(data / "slack-configuration.json", given)

    def _all(self) -> Mapping[str, str]:
        return self._configuration.values

    def _put(self, values: Mapping[str, str]) -> None:
        self._configuration.keep(values)


def connect(data: Path, environment: Mapping[str, str], person: Person) -> None:
    """Make an app with Socket Mode and install it, as far as that is not done.

    Raises SlackDeclined and NobodyThere.
    """
    keys = LocalSlackKeys(data, Settings.from_environment(environment))
    who = re.sub(r"[^A-Za-z0-9 -]", "", getpass.getuser())[:18] or "me"
    setup = SlackSetup(
        person, State(data / "slack-app.state.json"), keys, SlackWish(f"Agent {who}")
    )
    setup.register()
    setup.open_socket()
    setup.install()
    person.say("Invite the bot to a channel with /invite, and say hi to it there.")
