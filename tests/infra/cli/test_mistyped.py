"""Every command and option of ./scripts/dev, flows and deploy as a newcomer mistypes it: one clear
line, no traceback, and a code other than 0."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from infra.cli.__main__ import main as flows
from infra.deploy.__main__ import main as deploy
from infra.local.__main__ import main as dev
from shared.database.connecting import Waiting

#: What ends in a line whatever runs. {folder} is an empty folder, {file} a text.
FLOWS = """
| COMMAND
rnus | did you mean runs?
runz --limit 3 | did you mean run
--limit 3 runs | COMMAND
--dta=x runs | did you mean --data?
--data
--data {file} runs | start ./scripts/dev
runs --state bogus | expected cancelled, done, failed
runs --state faild | did you mean failed?
runs --state
runs --limit 0 | from 1
runs --limit -1
runs --limit ten
runs --limit 99999999999999999999
runs --limit 1e3
runs --limit ２
runs --lmit 3 | did you mean --limit?
runs extra
runs --json=yes
run
run abc | no run starts with
run %
run 聊天
run abc def
run --ful abc --nothing
budget --days 0
budget --days -3
budget --days soon
budget --days 99999999999
redrive
redrive triage other
migrate now
memory | ACTION
memory exprot | did you mean export?
memory export --tenant nobody | 'nobody'
memory export --tenant ''
memory export extra
memory why
memory why banana | there are: none yet
memory why m-zzz
memory why ''
memory forget
memory forget ''
memory allow
memory allow words x | expected author
memory allow digest
memory audit --limit none
memory blocks --tenant nobody
memory undo
memory undo nothing | no consolidation
memory undo ''
memory consolidations --limit 0
ingest
ingest nothing-here --tenant t --audience public
ingest {folder}/none --tenant t --audience public | no file or folder
ingest {folder} | --tenant
ingest {folder} --tenant t | --audience
ingest {folder} --tenant t --audience everybody
ingest {folder} --tenant t --audience org:
ingest {folder} --tenant t --audience public --issues
ingest acme/shop --audience public
ingest acme/shop | GITHUB
ingest acme/shop/extra --tenant t --audience public
ingest https://github.com/acme/shop --tenant t --audience public
ingest '' --tenant t
send
send {folder}/none.json | cannot be read
send {folder} | cannot be read
send {file}
send {issue} --url nonsense | is no address
send {issue} --url http://
send {issue} --url ftp://127.0.0.1/x
send {issue} --url http://[::1
send {issue} --url http://127.0.0.1:99999
send {issue} --url http://127.0.0.1:9 | dev running?
send {issue} --url 'http://127.0.0.1:9/a b'
send {issue} --evnt issues | did you mean --event?
send {message} --url http://127.0.0.1:9
send {message} --url nonsense
send {message} --url http://[::1
bench
bench --prompt
bench {folder} --prompt x
bench {folder}/none --prompt x
bench {file} --prompt '' --model offline
bench {file} --prompt x --model
bench {file} --prompt x --model nonsense
bench {file} --prompt x --model openai:
bench {file} --prompt x --model http://[::1/v1#x
bench {file} --prompt x --model openai:gpt-5 | OPENAI_API_KEY
bench {file} --prompt x --max-tokens 0
bench {file} --prompt x --kind xml
bench {file} --prompt x --limit none
bench {file} --prompt x --sample -1
bench {file} --prompt x --seed x
bench {file} --prompt x --rerun nobody --model offline
bench {file} --prompt x --out {folder} --model offline
bench {file} --prompt x --out {folder}/a/b/c --model offline
bench {file} --prompt x --out {file} --model offline
bench {file} --prompt x --sorted --model offline
bench {file} --prompt x --batch --model offline
bench {file} --prompt x --batch --out {folder}/out --model offline
bench {file} --prompt x --concurrency many
bench {file} --prompt x --timeout 0
bench {file} --prompt x --budget free
bench {file} --prompt x --cache maybe
bench {file} --prompt x --returns {file} --model offline
bench {file} --prompt x --returns no.such:Thing --model offline
bench {file} --prompt x --returns 'a b' --model offline
bench {file} --prompt {folder} --returns : --model offline
"""

DEV = """
--port
--port eighty
--port -1
--port 99999999
--port 8080.5
--prt 8080 | did you mean --port?
--data
--data {file} | cannot hold the data
--data {file}/x | cannot hold the data
--data /proc/x
--template
--template {folder}/none.yaml --data {folder}/data
--template {folder} --data {folder}/data
--once --twice
start
--once yes
"""

DEPLOY = """
--stack
--stack 'a b'
--stack 1
--stack ''
--prefix '*'
--region Frankfurt
--profile nobody | profile
--architecture arm
--runtime python
--runtime 3.12
--runtime python2.7
--dryrun --dry-run | did you mean --dry-run?
now
"""


def cases(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text('{"id": "1", "text": "x"}\n')
    saved = Path(__file__).parents[2] / "events/saved"
    names = {name: str(saved / f"{name}.json") for name in ("issue", "message")}
    return names | {name: str(tmp_path / name) for name in ("folder", "file")}


@pytest.fixture
def data(tmp_path: Path, database_url: str) -> Path:
    (tmp_path / "data").mkdir()
    settings = {"DATABASE_URL": database_url} | dict.fromkeys(
        ("GITHUB_WEBHOOK_SECRET", "SLACK_SIGNING_SECRET"), "hush"
    )
    told = json.dumps({"url": "http://127.0.0.1:9", "settings": settings})
    (tmp_path / "data/system.json").write_text(told)
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Restore what the scripts set for their process."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    handlers[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    interval, path = sys.getswitchinterval(), list(sys.path)
    yield
    for name, handler in handlers.items():
        signal.signal(name, handler)
    sys.setswitchinterval(interval)
    sys.path[:] = path


def ended(
    work: Callable[[], int], said: str, capsys: pytest.CaptureFixture[str], what: object
) -> None:
    """Check that `work` ends with one line that has `said` in it."""
    capsys.readouterr()
    try:
        code = work()
    except SystemExit as stop:
        assert isinstance(stop.code, int)
        code = stop.code
    err = capsys.readouterr().err
    assert code, what
    assert "Traceback" not in err, what
    assert len(err.splitlines()) == 1, (what, err)
    assert err.isprintable() or err[:-1].isprintable(), (what, err)
    assert said.strip() in err, (what, err)


def given(case: str, places: dict[str, str]) -> tuple[list[str], str]:
    """Return the arguments of a case, and what the line must say."""
    line, _, said = case.partition("|")
    return [argument.format(**places) for argument in shlex.split(line)], said


def test_a_mistyped_command_of_flows_ends_in_a_line(
    data: Path, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for case in cases(FLOWS):
        arguments, said = given(case, places)
        if "--data" not in arguments:
            arguments = ["--data", str(data), *arguments]
        ended(partial(flows, arguments), said, capsys, case)


@pytest.mark.parametrize(
    "url", ["", "postgresql://127.0.0.1:1/x", "postgresql://nobody@127.0.0.1:9/x?connect_timeout=1"]
)
def test_flows_without_a_database_ends_in_a_line(
    url: str,
    places: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait = Waiting.__init__
    monkeypatch.setattr(Waiting, "__init__", lambda self, patience, *end: wait(self, 0.2, *end))
    monkeypatch.setenv("DATABASE_URL", url)
    nothing = ["--data", places["folder"]]
    for line in ("runs", "run a", "budget", "migrate", "memory export", "memory consolidations"):
        ended(partial(flows, [*nothing, *line.split()]), "DATABASE_URL", capsys, line)


def test_flows_on_a_database_without_a_schema_ends_in_a_line(
    postgres_url: str,
    places: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    for line in ("runs", "run a", "budget", "memory export", "memory consolidations"):
        ended(partial(flows, ["--data", places["folder"], *line.split()]), "migrate", capsys, line)


def test_a_mistyped_option_of_dev_ends_in_a_line(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for case in cases(DEV):
        arguments, said = given(case, places)
        ended(partial(dev, [*arguments], dict(os.environ)), said, capsys, case)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("DATABASE_URL=postgresql://127.0.0.1:1/x", "look at DATABASE_URL"),
        ("DATABASE_URL=postgresql://nobody@127.0.0.1:9/x?sslmode=wrong", "DATABASE_URL"),
        ("AWS_PROFILE=nobody", "nobody"),
        ("GITHUB_APP_ID=12", "GITHUB_APP_PRIVATE_KEY"),
        ("MODEL_SMALL=openai:gpt-5", "OPENAI_API_KEY"),
    ],
)
def test_dev_with_what_cannot_be_used_ends_in_a_line(
    setting: str,
    said: str,
    places: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    options = ["--data", f"{places['folder']}/data", "--port", "0"]
    ended(partial(dev, options, os.environ), said, capsys, setting)


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_deploy_takes_the_region_by_either_name(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "eu-central-1")
    monkeypatch.setattr(sys, "argv", ["deploy", "--yes"])
    ended(deploy, "credentials", capsys, name)


def test_a_mistyped_option_of_deploy_ends_in_a_line(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in [*cases(DEPLOY), "| region", "--region eu-central-1 | credentials"]:
        arguments, said = given(case, places)
        monkeypatch.setattr(sys, "argv", ["deploy", "--yes", *arguments])
        ended(deploy, said, capsys, case)


@pytest.mark.parametrize("name", ["dev", "flows", "deploy"])
def test_a_wrong_setting_stops_each_of_them_before_anything_starts(
    name: str,
    places: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "a month")
    monkeypatch.setattr(sys, "argv", ["deploy", "--dry-run"])
    data = ["--data", f"{places['folder']}/data"]
    start: dict[str, Callable[[], int]] = {
        "dev": lambda: dev(data, dict(os.environ)),
        "flows": lambda: flows([*data, "runs"]),
        "deploy": deploy,
    }
    ended(start[name], "RETENTION_DAYS is 'a month'; expected a whole number", capsys, name)
    assert not Path(places["folder"], "data").exists()
