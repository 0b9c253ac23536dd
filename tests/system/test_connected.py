"""The wizard connects GitHub and Slack to a whole system: what they deliver goes through the real
front door to the flows, which answer."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from infra.deploy.stack import Destination
from infra.deploy.stages import Stage
from infra.deploy.steps.step import Sitting
from infra.deploy.wizard import STEPS
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER
from infra.local.system import System
from tests.infra.apps.slack_sitting import Typing, taught
from tests.infra.deploy.browser import browse
from tests.system.quick import shipped_template
from tests.waiting import wait_for

NAME, REGION = "agent-flows", "us-east-1"
REPOSITORY = "acme/shop"


class Clicking(Typing):
    """Presses the buttons of GitHub's pages too, and reads the page that Slack's lead to."""

    def __init__(self, memory: Path) -> None:
        super().__init__({})
        self.page = ""
        self._memory = memory

    def open(self, url: str) -> None:
        super().open(url)
        if self.address:
            self.page = urllib3.request("GET", self.address).data.decode()
        else:
            threading.Thread(target=browse, args=[url, self._memory], daemon=True).start()

    def waits(self, seconds: float, come: Callable[[], bool]) -> str | None:
        return "" if wait_for(come) else None


def deployed(system: System) -> None:
    """Make the stack that the wizard finds, of which no app is connected yet."""
    outputs = {name: {"Value": value} for name, value in system.cloud.outputs.items()}
    resources = {"Mark": {"Type": "AWS::SNS::Topic"}}
    template = json.dumps({"Resources": resources, "Outputs": outputs})
    system.cloud.client("cloudformation").create_stack(StackName=NAME, TemplateBody=template)
    secrets = system.cloud.client("secretsmanager")
    for name in ("webhooks", "github", "slack"):
        secrets.delete_secret(SecretId=f"{NAME}/{name}", ForceDeleteWithoutRecovery=True)


def test_an_issue_and_a_mention_are_answered_through_the_front_door(
    data_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        GitHubSandbox("", "unused") as github,
        SlackSandbox("http://127.0.0.1:9", "unused", pace=0.0) as slack,
        System(
            data=data_directory,
            environment={
                "GITHUB_API_URL": github.api_url,
                "SLACK_API_URL": slack.api_url,
                "MODEL_EMBED": "hashing",
            },
            template=shipped_template(data_directory),
        ) as system,
    ):
        deployed(system)
        for name, value in {
            "AWS_ENDPOINT_URL": system.cloud.client("sts").meta.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        person = taught(Clicking(tmp_path / "address"), slack)
        environment = {"GITHUB_API_URL": github.api_url, "SLACK_API_URL": slack.api_url}
        place = Destination(NAME, NAME, "python3.11", "x86_64", region=REGION)
        stage = Stage(github="acme", slack="yes")
        sitting = Sitting(place, environment, person, stage, folder=tmp_path)
        for step in STEPS[[one.name for one in STEPS].index("github") :]:
            if not step.done(sitting):
                step.run(sitting)
        assert "copy the whole of it from the browser" in person.page, person.page
        assert "GitHub: its" in person.text and "our front door answers" in person.text
        number = github.open_issue(REPOSITORY, "Checkout crashes when I press Pay")
        said = slack.say("#support", f"<@{BOT_USER}> what do we know about the crash?")
        assert wait_for(lambda: github.issue(REPOSITORY, number)["comments"])
        assert wait_for(lambda: len(slack.thread("#support", said)) > 1)
        assert {one.status for one in slack.attempts} == {200}
