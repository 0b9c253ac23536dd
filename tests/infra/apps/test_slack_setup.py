"""A Slack app in one sitting, against the sandbox Slack: made, installed, kept up to date; with
what goes wrong, and killed at every boundary."""

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from infra.apps.local_keys import kept_in
from infra.apps.person import NobodyThere
from infra.apps.slack_config import ConfigurationApi, SlackDeclined
from infra.apps.slack_manifest import manifest, scopes
from infra.apps.slack_setup import SlackSetup, SlackWish
from infra.apps.state import State
from infra.local import real_slack
from infra.local.real_slack import LocalSlackKeys
from infra.local.sandbox.slack import SlackSandbox
from tests.campaigns import sample
from tests.infra.apps.slack_sitting import Died, Typing, answering, files, killed_at, settings_of

DOOR = "http://127.0.0.1:9/live"
WISH = SlackWish("Agent", DOOR)


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as sandbox:
        yield sandbox


def sit(
    slack: SlackSandbox, folder: Path, person: Typing, wish: SlackWish = WISH, **given: str
) -> LocalSlackKeys:
    """Take all steps, as the next process does; `given` are more settings."""
    keys = LocalSlackKeys(folder, settings_of(slack, **given))
    setup = SlackSetup(person, State(folder / "state.json"), keys, wish)
    setup.register()
    if not wish.door:
        setup.open_socket()
    setup.install()
    return keys


def test_an_app_is_made_and_installed_through_the_api(slack: SlackSandbox, tmp_path: Path) -> None:
    person = answering(slack)
    keys = sit(slack, tmp_path, person)
    [(app, made)] = slack.apps.manifests.items()
    assert made == manifest("Agent", DOOR)
    settings = keys.settings
    assert settings.slack_signing_secret == slack.apps.credentials[app]["signing_secret"]
    assert settings.slack_bot_token == slack.bot_token
    assert {*slack.apps.granted.split(",")} == scopes(made)
    assert "agent in the workspace acme (T0SANDBOX)" in person.text
    assert "lacks" not in person.text
    assert len(person.asked_for) == 2  # the configuration token, and the address


def test_a_second_sitting_asks_nothing(slack: SlackSandbox, tmp_path: Path) -> None:
    sit(slack, tmp_path, answering(slack))
    again = Typing({})
    sit(slack, tmp_path, again)
    assert again.asked_for == again.opened == []
    assert "Slack's copy of the manifest is current." in again.said
    assert len(slack.apps.manifests) == 1


def test_no_secret_is_said_or_asked_aloud(slack: SlackSandbox, tmp_path: Path) -> None:
    person = answering(slack)
    keys = sit(slack, tmp_path, person)
    secrets = [*keys.client().values(), *keys.pair().values(), keys.settings.slack_bot_token]
    hidden = [one for one in secrets if one and one != keys.client()["app_id"]]
    public = {keys.client()["client_id"], keys.pair()["expires"]}  # the page's address has the id
    for secret in {*hidden} - public:
        assert secret not in person.text + " ".join(person.opened)
    assert not any("xoxe" in part or "secret" in part for part in [files_of_state(tmp_path)])
    for file in tmp_path.glob("slack-*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def files_of_state(folder: Path) -> str:
    return (folder / "state.json").read_text("utf-8")


def test_by_hand_the_page_comes_filled_in(slack: SlackSandbox, tmp_path: Path) -> None:
    person = answering(slack, Refresh_token="", Signing_Secret="0123abcd")
    keys = sit(slack, tmp_path, person)
    page, install = person.opened
    assert page.startswith(
        f"{slack.api_url.removesuffix('/api/')}/apps?new_app=1&manifest_json=%7B"
    )
    assert install.endswith("/apps")
    assert json.loads((tmp_path / "state.slack.json").read_text("utf-8")) == manifest("Agent", DOOR)
    assert keys.settings.slack_signing_secret == "0123abcd"
    assert keys.settings.slack_bot_token == slack.bot_token


def test_for_this_machine_the_app_uses_socket_mode(slack: SlackSandbox, tmp_path: Path) -> None:
    person = answering(slack)
    real_slack.connect(tmp_path, {"SLACK_API_URL": slack.api_url}, person)
    [made] = slack.apps.manifests.values()
    assert made["settings"]["socket_mode_enabled"] and "redirect_urls" not in made["oauth_config"]
    assert kept_in(tmp_path) == {
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_BOT_TOKEN": slack.bot_token,
    }
    again = Typing({})
    real_slack.connect(tmp_path, {"SLACK_API_URL": slack.api_url}, again)
    assert again.asked_for == []


def test_a_difference_is_shown_and_updated(slack: SlackSandbox, tmp_path: Path) -> None:
    sit(slack, tmp_path, answering(slack))
    [(app, made)] = slack.apps.manifests.items()
    made["settings"]["event_subscriptions"]["request_url"] = "https://old.example/slack/events"
    made["settings"]["event_subscriptions"]["bot_events"].remove("app_mention")
    made["oauth_config"]["scopes"]["bot"].append("files:write")
    made["features"]["slash_commands"][0]["url"] = "https://old.example/slack/commands"
    made["display_information"]["name"] = "Renamed by its people"
    person = answering(slack)
    sit(slack, tmp_path, person)
    now = slack.apps.manifests[app]
    assert now == manifest("Renamed by its people", DOOR)
    assert "  settings.event_subscriptions.bot_events lacks app_mention" in person.said
    assert "  oauth_config.scopes.bot has files:write too" in person.said
    assert f"/apps/{app}/install-on-team" in person.text


def test_a_person_may_keep_what_slack_has(slack: SlackSandbox, tmp_path: Path) -> None:
    sit(slack, tmp_path, answering(slack))
    [made] = slack.apps.manifests.values()
    made["features"]["bot_user"]["always_online"] = False
    person = answering(slack, Update="no")
    sit(slack, tmp_path, person)
    assert made["features"]["bot_user"]["always_online"] is False


def test_rights_that_a_bot_lacks_are_named(slack: SlackSandbox, tmp_path: Path) -> None:
    slack.apps.granted = "chat:write,commands"
    person = answering(slack, Refresh_token="", Signing_Secret="0123abcd")
    sit(slack, tmp_path, person)
    assert "it lacks app_mentions:read, assistant:write, channels:history" in person.text


@pytest.mark.parametrize("number", sample(list(range(1, 40)), 8))
def test_killed_at_a_boundary_it_goes_on(slack: SlackSandbox, tmp_path: Path, number: int) -> None:
    """What renews the token is good in the file, but for the moment after Slack's answer; and no
    second app is made."""
    with killed_at(number, {LocalSlackKeys: "keep", State: "put"}), suppress(Died):
        sit(slack, tmp_path, answering(slack))
    keys = sit(slack, tmp_path, answering(slack))
    assert len(slack.apps.manifests) == 1
    [held] = slack.apps.credentials.values()
    assert keys.settings.slack_signing_secret == held["signing_secret"]
    assert keys.settings.slack_bot_token == slack.bot_token
    ConfigurationApi(slack.api_url, keys).validate(manifest("Agent", DOOR))


def test_killed_between_slacks_answer_and_the_file_a_new_token_is_asked_for(
    slack: SlackSandbox, tmp_path: Path
) -> None:
    keys = sit(slack, tmp_path, answering(slack))
    slack.apps.expire()
    keys.keep_pair({**keys.pair(), "expires": "0"})
    with killed_at(2, {}), pytest.raises(Died):  # the answer to tooling.tokens.rotate came
        sit(slack, tmp_path, Typing({}))
    again = answering(slack)
    sit(slack, tmp_path, again)
    assert "Your App Configuration Tokens" in again.text
    assert again.asked_for == ["Refresh token, xoxe-…, or Enter:"]
    ConfigurationApi(slack.api_url, LocalSlackKeys(tmp_path, settings_of(slack))).export(
        next(iter(slack.apps.manifests))
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"Refresh_token": "xoxe-1-used"},
            'generate another under "Your App Configuration Tokens"',
        ),
        ({"Address": "https://door.example/live"}, "that address has no code"),
        ({"Address": "https://x/?code=1.2&state=00-11"}, "belongs to another sitting"),
        ({"Address": "https://x/?error=access_denied&state=1"}, "nothing was installed"),
    ],
)
def test_a_wrong_answer_is_named(
    slack: SlackSandbox, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    person = answering(slack, **changed)
    with pytest.raises(SlackDeclined, match=said):
        sit(slack, tmp_path, person)
    sit(slack, tmp_path, answering(slack))  # and the next sitting goes on
    assert len(slack.apps.manifests) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"Bot_token": "xoxb-wrong"},
            "Slack answered invalid_auth to the bot token; copy it again",
        ),
        ({"Bot_token": "xapp-sandbox"}, "that is no bot token; expected xoxb-…"),
        ({"App-level_token": "xapp-wrong"}, "Slack answered invalid_auth to the app-level token"),
        ({"App-level_token": "xoxb-sandbox"}, "that is no app-level token; expected xapp-…"),
    ],
)
def test_a_wrong_token_is_asked_for_again(
    slack: SlackSandbox, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    [(question, wrong)] = changed.items()
    right = slack.bot_token if question == "Bot_token" else slack.app_token
    given = iter([wrong, right])
    person = answering(slack, Refresh_token="", **{question: lambda: next(given)})
    sit(slack, tmp_path, person, SlackWish("Agent"))
    assert any(line.startswith(said) for line in person.said)


@pytest.mark.parametrize(
    ("method", "error", "said"),
    [
        ("apps.connections.open", "missing_scope", "it needs the scope connections:write"),
        ("apps.connections.open", "forbidden_team", "is Socket Mode on in the app"),
        ("auth.test", "account_inactive", "account_inactive to the bot token; look at the app"),
    ],
)
def test_what_slack_refuses_of_tokens_that_are_kept_is_named(
    slack: SlackSandbox, tmp_path: Path, method: str, error: str, said: str
) -> None:
    sit(slack, tmp_path, answering(slack), SlackWish("Agent"))
    slack.fail_next(method, error)
    with pytest.raises(SlackDeclined, match=said):
        sit(slack, tmp_path, Typing({}), SlackWish("Agent"))


@pytest.mark.parametrize("method", ["tooling.tokens.rotate", "apps.manifest.create"])
def test_a_slack_that_is_away_is_named_and_the_next_sitting_goes_on(
    slack: SlackSandbox, tmp_path: Path, method: str
) -> None:
    slack.fail_next(method, status=503)
    with pytest.raises(SlackDeclined, match=method):
        sit(slack, tmp_path, answering(slack))
    sit(slack, tmp_path, answering(slack, Its_App_ID=""))
    assert len(slack.apps.manifests) == 1


def test_an_expired_token_is_renewed_once(slack: SlackSandbox, tmp_path: Path) -> None:
    keys = sit(slack, tmp_path, answering(slack))
    before = keys.pair()
    slack.apps.expire()
    sit(slack, tmp_path, Typing({}))
    after = LocalSlackKeys(tmp_path, settings_of(slack)).pair()
    assert after["token"] != before["token"]
    assert len(slack.calls("tooling.tokens.rotate")) == 2


def test_a_manifest_that_slack_refuses_is_named_with_its_places(
    slack: SlackSandbox, tmp_path: Path
) -> None:
    person, wish = answering(slack), SlackWish("Agent", "http://door.example")
    with pytest.raises(SlackDeclined) as caught:
        sit(slack, tmp_path, person, wish)
    assert "/settings/event_subscriptions: Event Subscription requires" in str(caught.value)
    assert "/oauth_config/redirect_urls/0: Expected an https address" in str(caught.value)
    assert not slack.apps.manifests


def test_an_app_that_went_is_named(slack: SlackSandbox, tmp_path: Path) -> None:
    sit(slack, tmp_path, answering(slack))
    slack.apps.manifests.clear()
    with pytest.raises(SlackDeclined, match="app_not_found: whoever generated the token"):
        sit(slack, tmp_path, Typing({}))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (WISH, "SLACK_CONFIGURATION_TOKEN, or SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET"),
        (SlackWish("Agent"), "SLACK_CONFIGURATION_TOKEN, or SLACK_BOT_TOKEN and SLACK_APP_TOKEN"),
    ],
)
def test_a_script_without_tokens_says_what_to_set(
    slack: SlackSandbox, tmp_path: Path, wish: SlackWish, said: str
) -> None:
    with pytest.raises(NobodyThere, match=said):
        sit(slack, tmp_path, script(), wish)


def script() -> Typing:
    nobody = Typing({})
    nobody.is_there = False
    return nobody


def test_a_script_makes_the_app_with_a_token_that_stays_in_its_settings(
    slack: SlackSandbox, tmp_path: Path
) -> None:
    """It is good once, and each later run renews what Slack gave for it."""
    given = {"slack_configuration_token": slack.apps.generate()}
    with pytest.raises(NobodyThere, match=r"install the Slack app at .*/install-on-team, and set"):
        sit(slack, tmp_path, script(), WISH, **given)
    given["slack_bot_token"] = slack.bot_token
    for _ in range(2):
        slack.apps.expire()
        keys = sit(slack, tmp_path, script(), WISH, **given)
        keys.keep_pair({"expires": "0"})
    [(app, _)] = slack.apps.manifests.items()
    assert keys.client()["app_id"] == app
    assert keys.settings.slack_signing_secret == keys.client()["signing_secret"]
    assert given["slack_configuration_token"] not in files(tmp_path)


def test_a_script_whose_first_token_got_lost_is_given_another(
    slack: SlackSandbox, tmp_path: Path
) -> None:
    lost = slack.apps.generate()
    with killed_at(2, {}), pytest.raises(Died):  # the answer to tooling.tokens.rotate came
        sit(slack, tmp_path, script(), slack_configuration_token=lost)
    again = script()
    with pytest.raises(NobodyThere, match="set SLACK_CONFIGURATION_TOKEN"):
        sit(slack, tmp_path, again, slack_configuration_token=lost)
    assert "SLACK_CONFIGURATION_TOKEN: tooling.tokens.rotate: invalid_refresh_token" in again.text
    with pytest.raises(NobodyThere, match="install the Slack app"):
        sit(slack, tmp_path, script(), slack_configuration_token=slack.apps.generate())
    assert len(slack.apps.manifests) == 1


@pytest.mark.parametrize("old", ["kept", "used up", "revoked"])
def test_a_newer_token_of_the_settings_goes_before_the_kept_one(
    slack: SlackSandbox, tmp_path: Path, old: str
) -> None:
    first, second = slack.apps.generate(), slack.apps.generate()
    given = {"slack_bot_token": slack.bot_token}
    keys = sit(slack, tmp_path, script(), WISH, slack_configuration_token=first, **given)
    if old == "used up":
        slack.apps.call("tooling.tokens.rotate", "", dict(keys.pair()))
    elif old == "revoked":
        keys.keep_pair({"token": "xoxe.xoxp-1-gone", "refresh_token": "xoxe-1-gone"})
    keys = sit(slack, tmp_path, script(), WISH, slack_configuration_token=second, **given)
    ConfigurationApi(slack.api_url, keys).validate(manifest("Agent", DOOR))
    assert keys.pair()["token"] != "xoxe.xoxp-1-gone"


def test_a_person_pastes_the_access_token_in_place_of_the_refresh_token(
    slack: SlackSandbox, tmp_path: Path
) -> None:
    with pytest.raises(SlackDeclined, match="that is the Access Token; the Refresh Token"):
        sit(slack, tmp_path, answering(slack, Refresh_token="xoxe.xoxp-1-abc"))


def test_a_used_code_is_good_no_more(slack: SlackSandbox, tmp_path: Path) -> None:
    person = answering(slack)
    sit(slack, tmp_path / "one", person)
    used = person.address
    slack.apps.manifests.clear()
    slack.apps.credentials.clear()
    with pytest.raises(SlackDeclined, match="belongs to another sitting"):
        sit(slack, tmp_path / "two", answering(slack, Address=used))
    assert used not in files(tmp_path)
