"""./scripts/deploy with what people get wrong, and with what goes wrong around it: it says in a
line or two what to do, shows no secret, and has changed nothing that the same command would not
mend."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from infra.local.http_server import HttpServer
from tests.campaigns import sample
from tests.infra.deploy.test_wizard import KEYS, RUNTIME, aws, wizard
from tests.waiting import wait_for

__all__ = ["aws", "wizard"]
CONFIG = """
[test.global.parameters]
stack_name = "agents"
region = "eu-central-1"
[test.agent_flows.parameters]
github = "no"
slack = "no"
"""
#: What nobody may see.
SECRETS = ("hidden-password", "hidden-key", "hidden-token")
KEY = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "hidden-key"}


class Ended(NamedTuple):
    code: int
    said: str

    @property
    def errors(self) -> list[str]:
        """The lines that it ended with."""
        return [line for line in self.said.splitlines() if re.match("(deploy|error):", line)]


class Desk:
    """Somebody's machine: the wizard, an account, and files."""

    def __init__(self, wizard: "subprocess.Popen[str]", aws: str, folder: Path) -> None:
        self._wizard, self.aws, self.folder = wizard, aws, folder
        self._sittings = 0
        self.config: str | bytes = CONFIG

    def begin(
        self, *words: str, terminal: str = os.devnull, given: Mapping[str, str] | None = None
    ) -> Path:
        """Begin a sitting; return the file in which stands what it says."""
        self._sittings += 1
        config, out = self.folder / "samconfig.toml", self.folder / f"said-{self._sittings}"
        config.write_bytes(self.config if isinstance(self.config, bytes) else self.config.encode())
        environment = {
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_MAX_ATTEMPTS": "1",
            "DATABASE_URL": "postgresql://me:hidden-password@db.acme.com/x?sslmode=verify-full",
            "DATABASE_CA": "public",
            "DOOR": "https://door.acme.com",
            "SAM_LOG": str(self.folder / "sam"),
            **KEY,
            **(given or {}),
        }
        arguments = ["--stage", "test", "--config", str(config), "--runtime", RUNTIME]
        arguments += ["--data", str(self.folder / "data"), *words]
        asked: dict[str, Any] = {"environment": environment, "arguments": arguments}
        asked |= {"out": str(out)}
        asked |= {"text": "", "later": 0, "signal": 0, "terminal": terminal}
        assert self._wizard.stdin
        self._wizard.stdin.write(json.dumps(asked) + "\n")
        self._wizard.stdin.flush()
        return out

    def ended(self, out: Path) -> Ended:
        assert self._wizard.stdout
        code = int(self._wizard.stdout.readline())
        return Ended(code, out.read_text(errors="replace"))

    def sit(self, *words: str, **given: str) -> Ended:
        """Go through a sitting of a script."""
        return self.ended(self.begin("--yes", *words, given=given))

    def refuses(self, expected: str, *words: str, **given: str) -> None:
        """Check that it says so, in few words, and that nothing was deployed."""
        ended = self.sit(*words, **given)
        check(ended, expected)
        assert not (self.folder / "sam").exists()

    @property
    def secrets(self) -> list[str]:
        client = boto3.client(
            "secretsmanager", endpoint_url=self.aws, region_name="eu-central-1", **KEYS
        )
        return sorted(row["Name"] for row in client.list_secrets()["SecretList"])


def check(ended: Ended, expected: str, code: int = 1) -> None:
    assert "Traceback" not in ended.said, ended.said
    for secret in SECRETS:
        assert secret not in ended.said
    lines = ended.errors
    assert 1 <= len(lines) <= 2, ended.said
    assert re.search(expected, "\n".join(lines)), ended.said
    assert ended.code in {code, 2}, ended.said
    assert all(line.isprintable() for line in lines), lines


@pytest.fixture
def desk(wizard: "subprocess.Popen[str]", aws: str, tmp_path: Path) -> Desk:
    urllib3.request("POST", f"{aws}/moto-api/reset", timeout=60)
    return Desk(wizard, aws, tmp_path)


@contextmanager
def between(aws: str, code: str, message: str, after: int) -> Iterator[list[str]]:
    """Serve AWS, which refuses everything after so many requests; yields its URL."""
    served: list[str] = []

    def answer(environ: Any, start: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        if len(served) > after:
            return _refusal(request, code, message)(environ, start)
        served.append(request.path)
        headers = {name: value for name, value in request.headers if name != "Host"}
        url = f"{aws}{request.full_path.rstrip('?')}"
        passed = urllib3.request(
            request.method, url, body=body, headers=headers, retries=False, timeout=60
        )
        kept = {"Content-Type": passed.headers.get("Content-Type", "text/xml")}
        return Response(passed.data, passed.status, kept)(environ, start)

    server = HttpServer()
    server.start(answer)
    served.append(server.url)
    yield served
    server.stop()


def _refusal(request: Request, code: str, message: str) -> Response:
    if "json" in request.headers.get("Content-Type", "") or request.path != "/":
        text = json.dumps({"__type": code, "code": code, "message": message})
        return Response(text, 403, {"x-amzn-errortype": code, "Content-Type": "application/json"})
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(f"<ErrorResponse>{error}</ErrorResponse>", 403, {"Content-Type": "text/xml"})


#: What AWS answers the first request with, and what a person reads.
REFUSALS = {
    "ExpiredToken": "credentials are over; sign in again",
    "ExpiredTokenException": "credentials are over; sign in again",
    "RequestExpired": "credentials are over; sign in again",
    "InvalidClientTokenId": "these credentials are wrong.* turn the region on",
    "UnrecognizedClientException": "these credentials are wrong.* turn the region on",
    "SignatureDoesNotMatch": "these credentials are wrong",
    "AuthFailure": "these credentials are wrong.* turn the region on",
    "OptInRequired": "turn the region on for this account",
    "AccessDenied": "needs that right",
    "Throttling": "the same command goes on",
    "InternalFailure": "the same command goes on",
    "ServiceUnavailable": "the same command goes on",
}


@pytest.mark.parametrize("code", sample([*REFUSALS], 4))
def test_what_aws_refuses_at_once_is_told_with_what_to_do(desk: Desk, code: str) -> None:
    with between(desk.aws, code, "no", after=0) as (url, *_):
        desk.refuses(REFUSALS[code], AWS_ENDPOINT_URL=url)
    assert desk.secrets == []


def test_credentials_that_end_at_any_request_lose_nothing(desk: Desk) -> None:
    with between(desk.aws, "", "", after=10**6) as calm:
        assert desk.sit(AWS_ENDPOINT_URL=calm[0]).code == 0
    made = desk.secrets
    assert len(calm) > 20
    for after in sample(range(1, len(calm) - 1, 4), 3):  # after all of them none would fail
        urllib3.request("POST", f"{desk.aws}/moto-api/reset", timeout=60)
        for state in (desk.folder / "data").iterdir():
            state.unlink()
        code = ("ExpiredToken", "ExpiredTokenException")[after % 2]
        with between(desk.aws, code, "hush", after=after) as (url, *_):
            check(desk.sit(AWS_ENDPOINT_URL=url), "credentials are over; sign in again|read there")
        assert desk.sit().code == 0
        assert desk.secrets == made


PROFILE = "[default]\ncredential_process = {}\n"
OVER = json.dumps(
    {
        **{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "hidden-key", "SessionToken": "t"},
        "Expiration": "2020-01-01T00:00:00Z",
    }
)
SSO = """[default]
sso_session = team
sso_account_id = 123456789012
sso_role_name = deployer
[sso-session team]
sso_region = eu-central-1
sso_start_url = https://acme.awsapps.com/start
"""
ROLE = "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\n"
HELPER = "credential_process of your AWS profile fails.*sign in again"
BROKEN = "AWS configuration cannot be used.*get-caller-identity"
#: A configuration of AWS's tools, and what a person reads.
CONFIGURATIONS = {
    "no credentials": ("", "Unable to locate credentials; sign in with"),
    "a helper that fails": (PROFILE.format("/bin/false"), HELPER),
    "a helper that tells too much": (
        PROFILE.format("/bin/sh -c 'echo hidden-token >&2; exit 3'"),
        HELPER,
    ),
    "a helper that is not there": (PROFILE.format("/nowhere/helper"), f"{BROKEN}|/nowhere/helper"),
    "a helper that says nonsense": (PROFILE.format("/bin/echo hidden-token"), BROKEN),
    "a helper of another version": (PROFILE.format("/bin/echo '{}'"), HELPER),
    "a helper whose credentials are over": (
        PROFILE.format(f"/bin/echo '{OVER}'"),
        "credentials are over; sign in again",
    ),
    "an SSO session that is over": (SSO, "Error loading SSO Token.*sign in again"),
    "a role without a source": (f"{ROLE}source_profile = x\n", "source_profile.*correct ~/.aws"),
    "a role of an MFA device": (
        f"{ROLE}source_profile = default\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "aws_access_key_id = a\naws_secret_access_key = hidden-key\n",
        "asks for a code, and nobody is there",
    ),
    "a token file that is not there": (
        f"{ROLE}web_identity_token_file = /nowhere/token\n",
        f"{BROKEN}|/nowhere/token",
    ),
    "a file that is no INI": ("[default\nx", "Unable to parse config file.*correct ~/.aws/config"),
    "numbers that are none": ("[default]\nmax_attempts = x\n", BROKEN),
}


@pytest.mark.parametrize("name", sample([*CONFIGURATIONS], 7))
def test_a_configuration_that_signs_nobody_in_is_told(desk: Desk, name: str) -> None:
    text, expected = CONFIGURATIONS[name]
    file = desk.folder / "config"
    file.write_text(text)
    given = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(desk.folder)}
    if "max_attempts" in text:
        given |= {**KEY, "AWS_MAX_ATTEMPTS": "x"}
    desk.refuses(expected, AWS_CONFIG_FILE=str(file), **given)


#: Words and variables, and what a person reads.
PLACES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "a region in capitals": (["--region", "EU-CENTRAL-1"], {}, "expected such as eu-central-1"),
    "a region that is an option": (["--region=--delete"], {}, "expected such as eu-central-1"),
    "a region with a line break": (["--region", "eu-central-1\n"], {}, "expected such as"),
    "a region of nowhere": (
        ["--region", "eu-central-9"],
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "no region eu-central-9 that answers; did you mean eu-central-1?",
    ),
    "a region that does not answer": (
        ["--region", "eu-west-1"],
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "Could not connect.*is this machine online",
    ),
    "another region than the stage's": (
        [],
        {"AWS_REGION": "eu-west-1"},
        "the stage test is in eu-central-1, and AWS_REGION is eu-west-1; .*--region",
    ),
    "another region than the stage's, by its other name": (
        [],
        {"AWS_DEFAULT_REGION": "us-east-1"},
        "AWS_REGION is us-east-1; .*--region",
    ),
    "no region's name": ([], {"AWS_REGION": "nowhere"}, "AWS_REGION is 'nowhere'; expected such"),
    "a stage that is not there": (["--stage", "prod"], {}, "no stage 'prod'; it has test"),
    "a stage without a name": (["--stage", ""], {}, "no stage ''; it has test"),
    "a stage that is an option": (["--stage=--delete"], {}, "no stage '--delete'; it has test"),
    "a stage with a line break": (["--stage", "te\nst"], {}, r"no stage 'te\\nst'; it has test"),
    "a profile that is not there": (["--profile", "nope"], {}, "config profile.*list-profiles"),
    "a stack that is an option": (["--stack=--yes"], {}, "expected up to 33 letters"),
    "a prefix with a brace": (["--prefix", "${AWS::Region}"], {}, "expected letters, digits"),
    "an endpoint that is none": ([], {"AWS_ENDPOINT_URL": "nowhere"}, "AWS_ENDPOINT_URL is no"),
    "a token of two lines": ([], {"AWS_SESSION_TOKEN": "hidden-token\nx"}, "holds a line break"),
}


@pytest.mark.parametrize("name", sample([*PLACES], 9))
def test_a_place_that_is_none_is_told(desk: Desk, name: str) -> None:
    words, given, expected = PLACES[name]
    desk.refuses(expected, *words, **given)


LONG = ",".join(f"host-{n}.acme.com" for n in range(800))
#: Settings, and what a person reads: before anything is made.
SETTINGS = {
    "too long together": ({"LINK_HOSTS": LONG}, "the settings have .*; shorten LINK_HOSTS"),
    "a line break": ({"GITHUB_API_URL": "https://a\nb"}, "GITHUB_API_URL holds a line break"),
    "a quote": ({"FOOTER": 'o"n'}, "FOOTER is 'o\"n'; expected on or off"),
    "an option": ({"MAX_CONCURRENCY": "--delete"}, "MAX_CONCURRENCY is '--delete'; expected a"),
    "a brace": ({"ALARM_EMAIL": "${AWS::Region}"}, "ALARM_EMAIL is .*expected one e-mail"),
    "a reference": ({"BATCH_BUCKET": "{{resolve:ssm:/x}}"}, "BATCH_BUCKET is .*expected an S3"),
    "other letters": ({"BATCH_BUCKET": "größe"}, "BATCH_BUCKET is 'größe'; expected an S3"),
    "a terminal's colour": ({"FOOTER": "\x1b[31mon"}, "FOOTER is .*expected on or off"),
    "a secret of two lines": (
        {"SLACK_BOT_TOKEN": "xoxb-hidden-token\nx"},
        "SLACK_BOT_TOKEN holds characters that no key has",
    ),
    "a database on this machine": (
        {"DATABASE_URL": "postgresql://me:hidden-password@localhost/x"},
        "DATABASE_URL is on localhost, which AWS cannot reach",
    ),
}


@pytest.mark.parametrize("name", sample([*SETTINGS], 5))
def test_a_setting_that_is_none_is_told_before_anything_is_made(desk: Desk, name: str) -> None:
    given, expected = SETTINGS[name]
    desk.refuses(expected, **given)
    assert desk.secrets == []


def test_a_stage_whose_settings_are_not_there_is_not_deployed_without(desk: Desk) -> None:
    desk.config = f'{CONFIG}settings = "{desk.folder}/.env.prod"\n'
    desk.refuses("settings = .* and there is no file .*prod; write it, or correct the name")


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 7}', "\0"])
def test_what_it_kept_and_somebody_damaged_is_told(desk: Desk, text: str) -> None:
    data = desk.folder / "data"
    data.mkdir()
    (data / "123456789012-eu-central-1-agents.json").write_text(text)
    desk.refuses("agents.json cannot be read; delete it")


def test_where_it_can_keep_nothing_it_begins_nothing(desk: Desk) -> None:
    (desk.folder / "data").touch()
    desk.refuses("cannot be read: Not a directory; .*--data")
    desk.refuses("cannot be written: .*--data", "--data", "/proc/none")
    assert desk.secrets == []


def test_records_that_somebody_broke_in_the_account_are_named(desk: Desk) -> None:
    ssm = boto3.client("ssm", endpoint_url=desk.aws, region_name="eu-central-1", **KEYS)
    for name, texts in {"settings": ("{", "[]"), "rollouts": ("{", "[]", "{}", "7")}.items():
        for text in texts:
            ssm.put_parameter(Name=f"/agents/{name}", Value=text, Type="String", Overwrite=True)
            desk.refuses(f"parameter /agents/{name} is .*delete it")
        ssm.delete_parameter(Name=f"/agents/{name}")
    assert desk.secrets == []


@pytest.mark.parametrize("words", [[], ["--rollback"], ["--delete"], ["--only", "triage"]])
def test_without_a_terminal_and_without_yes_it_takes_no_answer_for_granted(
    desk: Desk, words: list[str]
) -> None:
    check(desk.ended(desk.begin(*words)), "nobody is there to answer.* a script adds --yes")
    assert desk.secrets == []


@contextmanager
def terminal() -> Iterator[tuple[int, str]]:
    """A terminal that nobody else has: what types at it, and its name."""
    types, reads = pty.openpty()
    try:
        yield types, os.ttyname(reads)
    finally:  # which ends whatever still reads there
        os.close(types)
        os.close(reads)


#: What it asks, of what nothing says, in order; and an answer.
PROMPTS = {
    "DATABASE_URL of the login": "postgresql://me:hidden-password@db.acme.com/x?sslmode=verify-full",
    "GitHub: the organisation": "no",
    "Slack: connect a workspace?": "no",
}


@pytest.mark.parametrize("prompt", [*PROMPTS])
def test_ctrl_c_at_a_prompt_ends_it_and_the_same_command_asks_again(
    desk: Desk, prompt: str
) -> None:
    desk.config = CONFIG.partition("[test.agent_flows")[0]
    for stop in (True, False):
        with terminal() as (types, name):
            out = desk.begin(terminal=name, given={"DATABASE_URL": ""})
            left = dict(PROMPTS)
            while asked := _asked(types, out, left):
                if stop and asked == prompt:
                    os.write(types, b"\x03")
                    break
                os.write(types, f"{left.pop(asked)}\n".encode())
            ended = desk.ended(out)
        assert "Traceback" not in ended.said
        assert not any(secret in ended.said for secret in SECRETS)
        if stop:
            assert ended.code == 130, ended.said
            assert "deploy: interrupted; ./scripts/deploy --stage test" in ended.said
    assert ended.code == 0, ended.said


def _asked(types: int, out: Path, prompts: Mapping[str, str]) -> str:
    """Wait for one of the prompts, and return it; '' at the end. Those for secrets are on the
    terminal, the others in what is said."""
    os.set_blocking(types, False)
    shown = bytearray()
    found: list[str] = []

    def come() -> bool:
        with suppress(OSError):  # nothing is shown there now
            shown.extend(os.read(types, 65_536))
        said = shown.decode(errors="replace") + (out.read_text() if out.exists() else "")
        found[:] = [one for one in (*prompts, "RunsUrl:") if one in said]
        return bool(found)

    assert wait_for(come), out.read_text()
    return "" if found == ["RunsUrl:"] else found[0]
