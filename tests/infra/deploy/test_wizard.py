"""./scripts/deploy connects a deployment to GitHub in one sitting, or in as many as it takes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from werkzeug.wrappers import Request, Response

from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.project import ROOT
from shared.errors import SignatureError
from shared.perception.github import verify
from tests import campaigns
from tests.moto_server import moto_server

PREFIX = "agents"
CONFIG = """
[test.global.parameters]
stack_name = "agents"
region = "eu-central-1"
[test.agent_flows.parameters]
settings = "{folder}/.env"
github = "acme"
"""
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
    """An AWS account, a GitHub with an organisation, and somebody's browser."""

    folder: Path
    aws: str
    github: GitHubSandbox
    door: str
    wizard: "subprocess.Popen[str]"
    environment: dict[str, str] = field(default_factory=dict)
    sittings: int = 0

    def sit(self, at: int = 0, number: int = signal.SIGKILL) -> int:
        """Run one sitting, which gets a signal at its boundary `at`; returns its exit code."""
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
            "DOOR": self.door,
            "SAM_LOG": f"{self.folder}/sam",
            **self.environment,
        }
        arguments = ["--yes", "--stage", "test", "--config", str(config)]
        arguments += ["--data", f"{self.folder}/data"]
        asked = {"environment": environment, "arguments": arguments, "at": at, "signal": number}
        assert self.wizard.stdin
        assert self.wizard.stdout
        self.wizard.stdin.write(json.dumps({**asked, "out": self._out}) + "\n")
        self.wizard.stdin.flush()
        return int(self.wizard.stdout.readline())

    @property
    def _out(self) -> str:
        return f"{self.folder}/sitting-{self.sittings}"

    @property
    def said(self) -> str:
        """What the last sitting said."""
        return Path(self._out).read_text()

    @property
    def boundaries(self) -> list[str]:
        return Path(f"{self._out}.boundaries").read_text().splitlines()

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
        """One App is there, installed, with the keys that are kept, and its deliveries arrive."""
        assert self.github.apps() == ["agents-acme"]
        kept = {**self.secrets[f"{PREFIX}/github"], **self.secrets[f"{PREFIX}/webhooks"]}
        app = self.github.registered("agents-acme")
        assert (kept["github_app_id"], kept["github_bot_name"]) == (str(app["id"]), "agents-acme")
        assert kept["github_app_private_key"].strip() == app["key"].strip()
        assert kept["github_webhook_secret"] == app["hook"]["secret"]
        assert len(self.github.installed("agents-acme")) == 1
        assert "Say hi: open an issue where the App agents-acme is installed" in self.said


def secrets_of(url: str) -> Any:
    return boto3.client("secretsmanager", endpoint_url=url, region_name="eu-central-1", **KEYS)


KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@contextmanager
def front_door(aws: str) -> Iterator[str]:
    """Answer signed deliveries 200, others 401, with the secret as it is stored now."""
    client = secrets_of(aws)

    def answer(environ: Any, start: Any) -> Any:
        request = Request(environ)
        kept = json.loads(client.get_secret_value(SecretId=f"{PREFIX}/webhooks")["SecretString"])
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            verify(request.get_data(), headers, kept.get("github_webhook_secret", ""))
        except SignatureError:
            return Response("", 401)(environ, start)
        return Response("{}", 200)(environ, start)

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
    with front_door(aws) as door, GitHubSandbox("", "unused") as github:
        yield World(folder, aws, github, door, wizard)


@pytest.fixture
def world(tmp_path: Path, aws: str, wizard: "subprocess.Popen[str]") -> Iterator[World]:
    with new_world(tmp_path / "w", aws, wizard) as world:
        yield world


def _conversion(boundaries: list[str]) -> int:
    return next(n for n, one in enumerate(boundaries, 1) if "/app-manifests/" in one)


def _finish(world: World) -> None:
    """Sit until it is done, and do what the wizard asks of a person."""
    for _ in range(4):
        if world.sit() == 0:
            return
        assert "Generate a private key" in world.said, world.said
        app = world.github.registered("agents-acme")
        world.environment["GITHUB_APP_ID"] = str(app["id"])
        world.environment["GITHUB_APP_PRIVATE_KEY"] = app["key"]
    pytest.fail(world.said)


@pytest.fixture(scope="module")
def calm(
    tmp_path_factory: pytest.TempPathFactory, aws: str, wizard: "subprocess.Popen[str]"
) -> list[str]:
    """The boundaries of a sitting that nothing disturbs: it connects GitHub, and one is enough."""
    with new_world(tmp_path_factory.mktemp("calm") / "w", aws, wizard) as world:
        assert world.sit() == 0, world.said
        world.check()
        assert world.built == 1
        boundaries = world.boundaries
        secret = [value for values in world.secrets.values() for value in values.values()]
        assert not [one for one in secret if len(one) > 20 and one in world.said]
        assert world.sit() == 0
        world.check()
        assert world.built == 1
        return boundaries


def test_one_sitting_connects_github(calm: list[str]) -> None:
    assert _conversion(calm)


@pytest.mark.parametrize("case", range(campaigns.size(4, 3)))
def test_a_sitting_that_is_killed_makes_nothing_twice(
    world: World, calm: list[str], case: int
) -> None:
    """Killed once: before GitHub makes the keys, after it, and somewhere."""
    conversion = _conversion(calm)
    from_the_middle = sorted(range(1, len(calm) + 1), key=lambda at: abs(at - len(calm) // 2))
    elsewhere = campaigns.sample(from_the_middle, 1)
    places = [[conversion], [conversion + 1], *(elsewhere[n::2] for n in range(2))][case]
    for place in places:
        with new_world(world.folder / str(place), world.aws, world.wizard) as one:
            assert one.sit(at=place) == -signal.SIGKILL
            _finish(one)
            one.check()


def test_many_sittings_are_as_good_as_one(world: World, calm: list[str]) -> None:
    for place in campaigns.sample(range(1, len(calm) + 1), 2):
        assert world.sit(at=place) in {-signal.SIGKILL, 0, 1}
    _finish(world)
    world.check()


def test_ctrl_c_says_how_to_go_on_and_loses_no_keys(world: World, calm: list[str]) -> None:
    assert world.sit(_conversion(calm) + 1, signal.SIGINT) == 130
    assert "interrupted; ./scripts/deploy --yes --stage test" in world.said
    assert world.secrets[f"{PREFIX}/github"]["github_app_private_key"]
    assert "Traceback" not in world.said
    assert world.sit() == 0, world.said
    world.check()
