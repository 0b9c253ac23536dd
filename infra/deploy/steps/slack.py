"""Connects the deployment to Slack: an app is made from the manifest, installed and kept up to
date, and the front door answers Slack's challenge."""

from collections.abc import Iterator, Mapping

from infra.apps.slack_checks import check_door
from infra.apps.slack_manifest import EVENTS, LONGEST_NAME
from infra.apps.slack_setup import SlackAppKept, SlackSetup, SlackWish
from infra.deploy.steps.step import Sitting, left_out
from shared.settings import Settings

#: What only ./scripts/deploy reads: the app's client, and the token that configures apps.
_SECRET = "slack-app"


class SittingSlackKeys(SlackAppKept):
    """The app's credentials in Secrets Manager, beneath what the sitting is given."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting

    @property
    def settings(self) -> Settings:
        return self._sitting.connected

    def keep(self, values: Mapping[str, str]) -> None:
        self._sitting.credentials.keep(values)

    def _all(self) -> Mapping[str, str]:
        return self._sitting.credentials.get(_SECRET)

    def _put(self, values: Mapping[str, str]) -> None:
        self._sitting.credentials.put(_SECRET, values)


def left(sitting: Sitting) -> str:
    """Tell if Slack is left out: it was said, or nobody is there to connect it."""
    given = sitting.stage.slack or sitting.state.get("choices", "slack", "")
    settings = SittingSlackKeys(sitting).settings
    if given == "no":
        return left_out(sitting, "slack")
    if given == "yes" or settings.slack_bot_token or settings.slack_configuration_token:
        return ""
    if not sitting.person.is_there:
        return left_out(sitting, "slack")
    answer = "yes" if sitting.person.agrees("Slack: connect a workspace?") else "no"
    sitting.state.put("choices", slack=answer)
    return "" if answer == "yes" else left_out(sitting, "slack")


def run(sitting: Sitting) -> None:
    connection = setup(sitting)
    connection.register()
    connection.install()


def changes(sitting: Sitting) -> Iterator[str]:
    """Say what of the app is not as this code wants it; ask Slack, and no person."""
    connected = bool(SittingSlackKeys(sitting).settings.slack_bot_token)
    if (sitting.stage.slack or sitting.state.get("choices", "slack", "")) == "no":
        return
    if not connected:
        yield "an app is made where you want one"
        return
    yield from setup(sitting).changes()


def prove(sitting: Sitting) -> str:
    """Let the front door answer what only Slack can sign; return where to say hi. Raises
    SlackDeclined."""
    secret = SittingSlackKeys(sitting).settings.require("slack_signing_secret")
    check_door(_door(sitting), secret)
    sitting.say("Slack: our front door answers its challenge")
    return "invite the bot to a channel with /invite, and mention it there"


def setup(sitting: Sitting) -> SlackSetup:
    wish = SlackWish(sitting.place.stack[:LONGEST_NAME], _door(sitting))
    return SlackSetup(sitting.person, sitting.state, SittingSlackKeys(sitting), wish)


def _door(sitting: Sitting) -> str:
    return sitting.outputs["SlackEventsUrl"].removesuffix(EVENTS)
