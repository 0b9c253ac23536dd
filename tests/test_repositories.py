"""The setting REPOSITORIES: which repository is worked on from a place in Slack."""

import json

import pytest

from shared.errors import SettingsError
from shared.settings import Settings
from tests.web.front_door import JSON, Door, an_issue, github_headers, slack_body


def test_places_have_repositories() -> None:
    places = {"channel:C0123": "acme/shop", "team:T1": "acme/.github"}
    assert Settings(repositories=json.dumps(places)).repository_of == places
    assert Settings().repository_of == {}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("acme/shop", "is no JSON"),
        ('["acme/shop"]', "is no object"),
        ('{"C1": "acme/shop"}', "names the place 'C1'"),
        ('{"dm:D1": "acme/shop"}', "names the place 'dm:D1'"),
        ('{"team:T1": "shop"}', "gives team:T1 'shop'"),
        ('{"team:T1": "acme/.."}', "gives team:T1"),
        ('{"team:T1": ["acme/shop"]}', "gives team:T1"),
        ('{"team:T1": "acme/shop", "team:T1": "acme/web"}', "names team:T1 twice"),
    ],
)
def test_what_cannot_be_meant_is_named(setting: str, reason: str) -> None:
    with pytest.raises(SettingsError, match="REPOSITORIES") as raised:
        _ = Settings(repositories=setting).repository_of
    assert reason in str(raised.value)


def test_a_wrong_setting_stops_slack_with_its_reason_in_the_log_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    door = Door(repositories="{")
    assert door.slack(slack_body("message"))["statusCode"] == 503
    assert "REPOSITORIES is no JSON" in capsys.readouterr().out
    body = an_issue()
    answer = door.call("/github/webhook", body, github_headers(body, "issues", JSON))
    assert answer["statusCode"] == 200


def test_the_front_door_gives_a_message_its_repository() -> None:
    door = Door()
    door.slack(slack_body("message"))
    thread = door.published[0].thread
    mapped = Door(
        repositories=json.dumps({f"channel:{thread.channel}": "acme/shop"}),
        tenants=f"acme=github:acme,slack:{thread.team}",
    )
    mapped.slack(slack_body("message"))
    assert mapped.published[0].repository == "acme/shop"
