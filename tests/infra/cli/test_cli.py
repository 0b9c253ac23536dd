"""The command-line tool: what it prints, and how it ends."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from flows.triage import triage
from infra.cli.__main__ import main
from infra.project import ROOT
from shared.database import Database
from shared.events import Event, run_id
from shared.journal import Journal, Run
from shared.models import ChatMessage, ModelReply, ModelRequest, Payer, Usage
from shared.models.cache.prompt_cache import PromptCache
from shared.models.deadline import Deadline
from shared.models.guards.budgets import Budgets
from shared.perception import github, slack
from shared.testing import FlowRunner
from tests.events.made import an_event

SAVED = ROOT / "tests/events/saved"
CRASH = an_event(text="Checkout crashes\n\nA stack trace appears.")

Requests = list[tuple[str, dict[str, str], bytes]]


def sent_event(path: str, headers: dict[str, str], body: bytes) -> Event:
    if path.startswith("/github/"):
        return github.to_event(body, headers, {}, 0.0)
    return slack.to_event(body, headers, {}, 0.0)


class Door(BaseHTTPRequestHandler):
    """A front door that takes everything and keeps it in `seen`."""

    seen: Requests

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.path, headers, body))
        self.send_response(200)
        self.end_headers()
        event = sent_event(self.path, headers, body)
        self.wfile.write(json.dumps({"status": "accepted", "event": event.id}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def door() -> Iterator[tuple[str, Requests]]:
    seen: Requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Door,), {"seen": seen}))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def data(tmp_path: Path, database_url: str) -> Path:
    """The file that ./scripts/dev leaves for the tool."""
    settings = {
        "DATABASE_URL": database_url,
        "GITHUB_WEBHOOK_SECRET": "hush",
        "SLACK_SIGNING_SECRET": "hush",
    }
    saved = {"url": "http://127.0.0.1:1", "settings": settings}
    (tmp_path / "system.json").write_text(json.dumps(saved))
    return tmp_path


def run(data: Path, *arguments: str) -> int:
    return main(["--data", str(data), *arguments])


def test_runs_are_listed_with_their_state_and_cost(
    data: Path, runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.deliver(triage, CRASH)
    capsys.readouterr()  # the function's own log
    assert run(data, "runs") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["run", "flow", "event"]
    assert row.split()[:5] == [
        run_id(CRASH, "triage"),
        "triage",
        "github.issues.opened",
        "github:acme/shop#7",
        "done",
    ]
    assert run(data, "runs", "--state", "failed") == 0
    assert "no runs" in capsys.readouterr().out


def test_a_run_is_shown_as_a_tree_without_peoples_text(
    data: Path, runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.deliver(triage, CRASH)
    assert run(data, "run", run_id(CRASH, "triage")[:6]) == 0
    out = capsys.readouterr().out
    steps = [line.split()[1] for line in out.splitlines() if line[0] in "├└"]
    chosen = ["choice", "recall", "choice", "choice", "ask"]
    assert steps == ["team", "read", *chosen, "AddLabels", "Comment", "remember", "SetTimer"]
    assert "offline" in out
    assert "stack trace" not in out
    assert run(data, "run", run_id(CRASH, "triage"), "--full") == 0
    assert "stack trace" in capsys.readouterr().out


def test_budgets_are_listed_for_every_tenant(
    data: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "budget") == 0
    assert "BUDGETS sets ceilings" in capsys.readouterr().out
    with Database(database_url) as database:
        budgets = Budgets(database, "tenant=2.5;flow:聊天=1")
        budgets.commit(budgets.reserve(Payer("acme", "聊天"), "openai:m", 0.5, 60), 0.25)
        budgets.reserve(Payer("rival", "triage", "U1"), "openai:m", 0.125, 60)
        stranger = Payer("stage", "chat", "U9", outside="slack:T1:C1")
        mine = Budgets(database, "")
        mine.commit(mine.reserve(stranger, "ollama:m", None, 60, tokens=3_000), None, 1_200)
    assert run(data, "budget", "--days", "2") == 0
    counted = ["$0.0000", "/", "1,200", "tokens", "$0.0000"]
    head, *rows, below = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert below[-1] == "BUDGETS=outsider=2/500000;outsiders=10/2500000"
    assert head == ["day", "tenant", "scope", "name", "spent", "reserved", "ceiling"]
    assert [row[1:] for row in rows] == [
        ["acme", "tenant", "$0.2500", "$0.0000", "$2.5000"],
        ["acme", "flow", "聊天", "$0.2500", "$0.0000", "$1.0000"],
        ["rival", "tenant", "$0.0000", "$0.1250", "$2.5000"],
        ["rival", "flow", "triage", "$0.0000", "$0.1250", "none"],
        ["rival", "user", "U1", "$0.0000", "$0.1250", "none"],
        ["stage", "outsiders", "slack:T1:C1", *counted, "$10.0000", "/", "2,500,000", "tokens"],
        ["stage", "outsider", "U9", *counted, "$2.0000", "/", "500,000", "tokens"],
    ]


def test_what_the_prompt_cache_saved_is_listed(
    data: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ModelRequest((ChatMessage("user", "Hello?"),))
    answer = ModelReply("Hello.", "stop", Usage(10, 5), "openai:m", cost=0.5)
    with Database(database_url) as database:
        for _ in range(3):  # Each in a process of its own, as far as the cache knows.
            cache = PromptCache(database, hours=1, megabytes=1)
            cache.get("acme", "openai:m", question, Deadline(5), lambda: answer)
    assert run(data, "budget") == 0
    assert "acme: the prompt cache saved $1.0000 and 30 tokens in 2 answers; providers read" in (
        capsys.readouterr().out
    )


def test_a_run_that_does_not_exist_is_a_clear_error(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "run", "abc") == 1
    assert "no run starts with 'abc'" in capsys.readouterr().err


def test_a_saved_webhook_is_sent_signed_with_its_own_id(
    data: Path, door: tuple[str, Requests], capsys: pytest.CaptureFixture[str]
) -> None:
    url, seen = door
    for _ in range(2):
        assert run(data, "send", str(SAVED / "issue.json"), "--url", url) == 0
    assert capsys.readouterr().out.startswith('200 {"status": "accepted"')
    events = []
    for path, headers, body in seen:
        assert path == "/github/webhook"
        github.verify(body, headers, "hush")
        events.append(github.to_event(body, headers, {}, 0.0))
    assert events[0].id == events[1].id
    assert events[0].type == "github.issues.opened"


def test_a_saved_slack_event_is_sent_signed(data: Path, door: tuple[str, Requests]) -> None:
    url, seen = door
    assert run(data, "send", str(SAVED / "message.json"), "--url", url) == 0
    [(path, headers, body)] = seen
    assert path == "/slack/events"
    slack.verify(body, headers, "hush", float(headers["x-slack-request-timestamp"]))
    assert slack.to_event(body, headers, {}, 0.0).type == "slack.message.im"


@pytest.mark.parametrize("file", ["issue.json", "message.json"])
def test_what_was_handled_is_said_to_be_a_repeat_and_can_be_sent_again(
    data: Path,
    door: tuple[str, Requests],
    database: Database,
    file: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved, (url, seen) = str(SAVED / file), door

    def sent(*options: str) -> tuple[str, Run | None]:
        """Send it and let a flow claim it; return what was printed, and the flow's run."""
        assert run(data, "send", saved, "--url", url, *options) == 0
        out = capsys.readouterr().out
        claimed = Journal(database).claim(sent_event(*seen[-1]), "triage", 30)
        if claimed:
            claimed.finish("done")
        return out, claimed

    out, first = sent()
    assert first
    assert "repeat" not in out
    out, second = sent()
    assert second is None
    assert re.search(rf"triage has had it \d+ s ago \(run {first.id}\); --again sends", out)
    for _ in range(2):
        out, third = sent("--again")
        assert third
        assert "repeat" not in out
        assert third.event.text == first.event.text


def test_a_bare_payload_gets_a_new_id_and_is_a_repeat_all_the_same(
    data: Path,
    door: tuple[str, Requests],
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, seen = door
    file = data / "bare.json"
    file.write_text(json.dumps(json.loads((SAVED / "issue.json").read_text())["body"]))
    send = ("send", str(file), "--event", "issues", "--url", url)
    for _ in range(2):
        assert run(data, *send) == 0
        Journal(database).claim(sent_event(*seen[-1]), "triage", 30)
    assert "taken as a repeat: triage" in capsys.readouterr().out
    assert seen[0][1]["x-github-delivery"] != seen[1][1]["x-github-delivery"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "cannot be read as JSON"),
        ("[1]", "holds no delivery"),
        ('{"zen": "bare"}', "for a GitHub payload say --event"),
    ],
)
def test_a_file_that_is_no_delivery_is_a_clear_error(
    data: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = data / "delivery.json"
    file.write_text(content)
    assert run(data, "send", str(file)) == 1
    assert said in capsys.readouterr().err


def test_a_front_door_that_is_shut_is_a_clear_error(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "send", str(SAVED / "issue.json")) == 1
    assert "is ./scripts/dev running?" in capsys.readouterr().err


def test_migrate_says_what_it_did(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "migrate") == 0
    assert capsys.readouterr().out == "nothing to apply\n"


def test_without_a_database_the_tool_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "runs") == 1
    assert "start ./scripts/dev, or set DATABASE_URL" in capsys.readouterr().err


def test_every_listing_is_also_json(
    data: Path, runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.deliver(triage, CRASH)
    id = run_id(CRASH, "triage")
    tenant = ("--tenant", CRASH.tenant)
    listings: dict[tuple[str, ...], type] = {
        ("runs",): list,
        ("runs", "--flow", "nothing"): list,
        ("run", id): dict,
        ("budget",): dict,
        ("memory", "blocks", *tenant): list,
        ("memory", "audit", *tenant): list,
        ("memory", "consolidations"): list,
        ("memory", "why", "m-00000000", *tenant): dict,
    }
    found: dict[tuple[str, ...], Any] = {}
    for listing, kind in listings.items():
        capsys.readouterr()
        assert run(data, *listing, "--json") == 0
        found[listing] = json.loads(capsys.readouterr().out)
        assert isinstance(found[listing], kind), listing
    assert [one["id"] for one in found["runs",]] == [id]
    assert found["runs", "--flow", "nothing"] == []
    steps = found["run", id]["steps"]
    assert "AddLabels" in steps[7]["name"]
    assert "detail" not in steps[0]
    capsys.readouterr()
    assert run(data, "run", id, "--full", "--json") == 0
    assert "stack trace" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours_unless_it_wants_none(
    data: Path, runner: FlowRunner, environment: dict[str, str], is_coloured: bool
) -> None:
    runner.deliver(triage, CRASH)
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "infra.cli", "--data", str(data), "runs"]
    base = {name: os.environ[name] for name in os.environ if name != "NO_COLOR"}
    shown = base | {"TERM": "xterm"} | environment
    subprocess.run(command, cwd=ROOT, env=shown, stdout=theirs, check=True)
    os.close(theirs)
    text = os.read(ours, 10_000).decode()
    os.close(ours)
    assert ("\033[32mdone\033[0m" in text) == is_coloured
    assert ("\033" in text) == is_coloured
    assert "triage" in text


def test_what_the_clock_starts_is_no_tenant(
    data: Path, runner: FlowRunner, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.deliver(triage, CRASH)
    nightly = an_event(id="n", type="schedule.nightly", source="schedule", tenant="schedule")
    Journal(database).claim(nightly, "retention", 30)
    capsys.readouterr()
    assert run(data, "memory", "export") == 0
    assert CRASH.tenant in capsys.readouterr().err


def test_data_is_found_from_the_folder_of_the_caller(data: Path, runner: FlowRunner) -> None:
    runner.deliver(triage, CRASH)
    command = [str(ROOT / "scripts/flows"), "--data", data.name, "runs", "--json"]
    environment = os.environ | {"CALLED_FROM": "/nowhere"}
    shown = subprocess.check_output(command, cwd=data.parent, env=environment)
    assert [one["flow"] for one in json.loads(shown)] == ["triage"]


def test_dead_letters_are_listed_with_their_cause_and_started_again(
    data: Path, runner: FlowRunner, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "dead-letters") == 0
    assert capsys.readouterr().out == "no dead letters\n"
    claimed = Journal(runner.database).claim(CRASH, "triage", 30, queued=True)
    assert claimed
    claimed.finish("failed", "models: down", gave_up=True)
    waits = Journal(runner.database).claim(CRASH._replace(id="github:d2"), "triage", 30)
    assert waits
    waits.finish("parked", "github: down", pause=7300)
    assert run(data, "dead-letters", "--flow", "chat") == 0
    assert capsys.readouterr().out == "no dead letters\n"
    assert run(data, "dead-letters") == 0
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["run", "flow", "event", "conversation", "tries"]
    assert row.split()[:2] == [claimed.id, "triage"]
    assert row.endswith("models: down")
    assert last == "`./scripts/flows redrive RUN|FLOW` starts them again"
    assert run(data, "runs") == 0
    out = capsys.readouterr().out
    assert "models: down; dead letter" in out
    assert "github: down; again in 2 h" in out
    (data / "system.json").unlink()
    away = ["--data", str(data)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        assert main([*away, "redrive", "chat"]) == 1
        assert "nothing of chat was given up" in capsys.readouterr().err
        assert main([*away, "redrive", "triage"]) == 0
        assert "1 dead letter starts again tonight" in capsys.readouterr().out
        assert main([*away, "dead-letters"]) == 0
    assert capsys.readouterr().out == "no dead letters\n"
