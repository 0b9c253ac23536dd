"""./scripts/deploy connects a deployment to GitHub and Slack in as many sittings as it takes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from werkzeug.wrappers import Request, Response

from infra.deploy.wizard import STEPS
from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.project import ROOT
from shared.errors import SignatureError
from shared.perception import github, slack
from tests.campaigns import sample
from tests.moto_server import moto_server

PREFIX = "agents"
CONFIG = """
[test.global.parameters]
stack_name = "agents"
region = "eu-central-1"
[test.agent_flows.parameters]
settings = "{folder}/.env"
github = "acme"
slack = "yes"
"""
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
#: What the platforms tell once, and never again.
TOLD_ONCE = ("/app-manifests/", "tooling.tokens.rotate", "apps.manifest.create")
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def wizard() -> Iterator["subprocess.Popen[str]"]:
    """A process that has loaded the wizard, and forks one for each sitting."""
    command = [sys.executable, "-m", "tests.infra.deploy.wizard_process"]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@dataclass
class World:
    """An AWS account, a GitHub with an organisation, a Slack with a workspace, somebody's browser,
    and what a person has put into the environment."""

    folder: Path
    aws: str
    github: GitHubSandbox
    slack: SlackSandbox
    door: str
    wizard: "subprocess.Popen[str]"
    environment: dict[str, str] = field(default_factory=dict)
    sittings: int = 0

    def sit(self, text: str = "", later: int = 0, number: int = signal.SIGKILL) -> int:
        """Run one sitting, which gets a signal at the boundary with `text` in its line, or at the
        one that comes so many `later`; returns its exit code."""
        self.sittings += 1
        config = self.folder / "samconfig.toml"
        config.write_text(CONFIG.format(folder=self.folder))
        browser = ROOT / "tests/infra/deploy/browser.py"
        environment = {
            **AWS,
            "AWS_ENDPOINT_URL": self.aws,
            "BROWSER": f"{sys.executable} {browser} {self.folder}/address %s &",
            "DATABASE_URL": "postgresql://me:hidden@db.example.com/flows?sslmode=verify-full",
            "DATABASE_CA": "public",
            "GITHUB_API_URL": self.github.api_url,
            "SLACK_API_URL": self.slack.api_url,
            "DOOR": self.door,
            "SAM_LOG": f"{self.folder}/sam",
            **self.environment,
        }
        arguments = ["--yes", "--stage", "test", "--config", str(config)]
        arguments += ["--data", f"{self.folder}/data", "--runtime", RUNTIME]
        asked = {"environment": environment, "arguments": arguments, "signal": number}
        asked |= {"text": text, "later": later, "out": self._out(self.sittings)}
        assert self.wizard.stdin
        assert self.wizard.stdout
        self.wizard.stdin.write(json.dumps(asked) + "\n")
        self.wizard.stdin.flush()
        return int(self.wizard.stdout.readline())

    def answered(self, text: str = "", later: int = 0) -> int:
        """Sit until a sitting is killed there or ends well, and do what the others ask of a
        person; returns the last exit code."""
        for _ in range(5):
            if (code := self.sit(text, later)) != 1:
                return code
            self._answer()
        return pytest.fail(self.said)

    def _answer(self) -> None:
        said = self.said
        app = next(iter(self.slack.apps.credentials.values()), None)
        if "Generate a private key" in said:
            made = self.github.registered("agents-acme")
            self.environment["GITHUB_APP_ID"] = str(made["id"])
            self.environment["GITHUB_APP_PRIVATE_KEY"] = made["key"]
        elif "set SLACK_CONFIGURATION_TOKEN" in said:
            assert "invalid_refresh_token" in said
            self.environment["SLACK_CONFIGURATION_TOKEN"] = self.slack.apps.generate()
        elif "Slack may have made the app" in said and app is None:
            [state] = (self.folder / "data").glob("*.json")
            assert str(state) in said
            state.unlink()
        elif "Slack may have made the app" in said and app:
            self.environment["SLACK_SIGNING_SECRET"] = app["signing_secret"]
            self.environment["SLACK_BOT_TOKEN"] = self.slack.bot_token
        elif "install the Slack app at" in said:
            self.environment["SLACK_BOT_TOKEN"] = self.slack.bot_token
        else:
            pytest.fail(said)

    def _out(self, sitting: int) -> str:
        return f"{self.folder}/sitting-{sitting}"

    @property
    def said(self) -> str:
        """What the last sitting said."""
        return Path(self._out(self.sittings)).read_text()

    @property
    def said_so_far(self) -> str:
        return "".join(Path(self._out(n)).read_text() for n in range(1, self.sittings + 1))

    @property
    def steps(self) -> dict[str, int]:
        """The most boundaries that each step had in a sitting."""
        counts = dict[str, int]()
        for number in range(1, self.sittings + 1):
            for line in Path(f"{self._out(number)}.boundaries").read_text().splitlines():
                step, _, count = line.partition(" ")[0].partition("#")
                counts[step] = max(counts.get(step, 0), int(count) + 1)
        return counts

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        client = secrets_of(self.aws)
        names = [row["Name"] for row in client.list_secrets()["SecretList"]]
        return {
            name: json.loads(client.get_secret_value(SecretId=name)["SecretString"])
            for name in names
        }

    @property
    def built(self) -> int:
        """How often SAM deployed."""
        file = self.folder / "sam"
        return file.read_text().split().count("agents") if file.exists() else 0

    def check(self) -> None:
        """One App and one Slack app are there and installed, with the keys that are kept, and what
        they deliver arrives."""
        assert self.github.apps() == ["agents-acme"]
        secrets = self.secrets
        kept = {**secrets[f"{PREFIX}/github"], **secrets[f"{PREFIX}/webhooks"]}
        app = self.github.registered("agents-acme")
        assert (kept["github_app_id"], kept["github_bot_name"]) == (str(app["id"]), "agents-acme")
        assert kept["github_app_private_key"].strip() == app["key"].strip()
        assert kept["github_webhook_secret"] == app["hook"]["secret"]
        assert len(self.github.installed("agents-acme")) == 1
        assert "Say hi: open an issue where the App agents-acme is installed" in self.said
        [made] = self.slack.apps.manifests.values()
        assert made["settings"]["event_subscriptions"]["request_url"].startswith(self.door)
        [credentials] = self.slack.apps.credentials.values()
        assert kept["slack_signing_secret"] == credentials["signing_secret"]
        assert secrets[f"{PREFIX}/slack"]["slack_bot_token"] == self.slack.bot_token
        assert "Slack: our front door answers its challenge" in self.said


def secrets_of(url: str) -> Any:
    return boto3.client("secretsmanager", endpoint_url=url, region_name="eu-central-1", **KEYS)


KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@contextmanager
def front_door(aws: str) -> Iterator[str]:
    """Answer what is signed with the secrets as they are stored now 200, all else 401."""
    client = secrets_of(aws)

    def answer(environ: Any, start: Any) -> Any:
        request = Request(environ)
        kept = json.loads(client.get_secret_value(SecretId=f"{PREFIX}/webhooks")["SecretString"])
        headers = {name.lower(): value for name, value in request.headers.items()}
        body, text = request.get_data(), "{}"
        try:
            if "/slack/" in request.path:
                slack.verify(body, headers, kept.get("slack_signing_secret", ""), time.time())
                text = slack.challenge(body, headers) or ""
            else:
                github.verify(body, headers, kept.get("github_webhook_secret", ""))
        except SignatureError:
            return Response("", 401)(environ, start)
        return Response(text, 200)(environ, start)

    server = HttpServer()
    server.start(answer)
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto_server() as url:
        yield url


@contextmanager
def new_world(folder: Path, aws: str, wizard: "subprocess.Popen[str]") -> Iterator[World]:
    boto3.client("s3", endpoint_url=aws, region_name="us-east-1", **KEYS)
    from urllib.request import Request as Post
    from urllib.request import urlopen

    urlopen(Post(f"{aws}/moto-api/reset", method="POST")).close()
    folder.mkdir()
    (folder / ".env").touch()
    with (
        front_door(aws) as door,
        GitHubSandbox("", "unused") as on_github,
        SlackSandbox("http://127.0.0.1:9", "unused", pace=0.0) as in_slack,
    ):
        world = World(folder, aws, on_github, in_slack, door, wizard)
        world.environment["SLACK_CONFIGURATION_TOKEN"] = in_slack.apps.generate()
        yield world


@pytest.fixture
def world(tmp_path: Path, aws: str, wizard: "subprocess.Popen[str]") -> Iterator[World]:
    with new_world(tmp_path / "w", aws, wizard) as world:
        yield world


@pytest.fixture(scope="module")
def passed(
    tmp_path_factory: pytest.TempPathFactory, aws: str, wizard: "subprocess.Popen[str]"
) -> dict[str, int]:
    """The boundaries of each step, of a deployment that somebody stops once with Ctrl-C."""
    with new_world(tmp_path_factory.mktemp("calm") / "w", aws, wizard) as world:
        assert world.sit("/app-manifests/", 1, signal.SIGINT) == 130
        assert "interrupted; ./scripts/deploy --yes --stage test" in world.said
        assert world.secrets[f"{PREFIX}/github"]["github_app_private_key"]
        assert world.answered() == 0
        assert world.sittings == 3  # in between, the person installs the Slack app
        world.check()
        assert world.sit() == 0
        world.check()
        assert world.built == 1
        secret = [value for values in world.secrets.values() for value in values.values()]
        secret.append(world.environment["SLACK_CONFIGURATION_TOKEN"])
        for text in ("Traceback", *(one for one in secret if len(one) > 20)):
            assert text not in world.said_so_far
        return world.steps


def test_a_script_connects_both_and_says_no_secret(passed: dict[str, int]) -> None:
    assert [name for name in passed if name != "start"] == [step.name for step in STEPS]


@pytest.mark.parametrize("place", sample([0.5, 0.0, 1.0, *(n / 16 for n in range(1, 16))], 1))
def test_killed_in_each_step_it_goes_on_and_makes_nothing_twice(
    world: World, passed: dict[str, int], place: float
) -> None:
    """One deployment, with a death in every step, or every other in a sample: so far into it."""
    for step in sample(STEPS, 7):
        at = round((passed[step.name] - 1) * place)
        code = world.answered(f"{step.name}#{at} ")
        # What was done in the sitting before has fewer boundaries now.
        assert code == -signal.SIGKILL or (code == 0 and at), world.said
    assert world.answered() == 0
    world.check()


def test_killed_around_what_is_told_once_a_person_is_told_what_to_do(world: World) -> None:
    """Before it is sent, and when the answer came and nothing is kept."""
    for text in TOLD_ONCE:
        for later in (0, 1):
            assert world.answered(text, later) == -signal.SIGKILL, world.said
    assert world.answered() == 0
    world.check()
