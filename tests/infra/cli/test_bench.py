"""./scripts/flows bench as a person runs it: against servers, killed, interrupted, misused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from infra.cli.__main__ import main
from infra.project import ROOT
from tests.infra.bench.answers import numbered, results, write_rows
from tests.models.scripted_server import Fails, Says, ScriptedServer
from tests.waiting import wait_for

EXAMPLES = ROOT / "docs/examples"
NUMBERS = "Say the number."


class SlowServer:
    """An OpenAI-compatible server that takes 20 ms to say the number in a row, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lock = Lock()

    @contextmanager
    def up(self) -> Iterator[str]:
        kind = type("Handler", (_SlowHandler,), {"owner": self})
        server = _Server(("127.0.0.1", 0), kind)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1#x"
        finally:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed is part of the tests."""


class _SlowHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: SlowServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        number = body["messages"][-1]["content"].split("row ")[1].split("\n")[0]
        with self.owner.lock:
            self.owner.asked.append(number)
        time.sleep(0.02)
        message = {"role": "assistant", "content": number}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 1}
        answer = json.dumps({"choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


def command(data: Path, *arguments: object) -> list[str]:
    given = [str(argument) for argument in arguments]
    return [sys.executable, "-m", "infra.cli", "--data", str(data), "bench", *given]


def run(data: Path, *arguments: object) -> int:
    return main(["--data", str(data), "bench", *(str(argument) for argument in arguments)])


def wait_for_lines(path: Path, count: int) -> None:
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") >= count)


#: So many that a busy machine has not answered them all before it delivers a signal.
ROWS = 500


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Let children heed interrupts also where what started the tests ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_start_that_was_killed_goes_on_without_loss_or_repetition(
    tmp_path: Path, kill: signal.Signals
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", numbered(ROWS)), tmp_path / "out.jsonl"
    threads = 4
    server = SlowServer()
    with server.up() as model:
        line = command(
            tmp_path,
            *(rows, "--prompt", NUMBERS, "--model", model, "--out", out),
            *("--concurrency", threads, "--json", "--sorted"),
        )
        first = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        wait_for_lines(out, 20)
        first.send_signal(kill)
        said, _ = first.communicate(timeout=30)
        before = len(server.asked)
        done = len(results(out)) if kill == signal.SIGINT else out.read_bytes().count(b"\n")
        assert 20 <= done < ROWS
        again = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert [line["id"] for line in results(out)] == [f"r{n}" for n in range(ROWS)]
    assert json.loads(again.stdout)["models"][model]["correct"] == ROWS
    assert len(server.asked) - before == ROWS - done
    if kill == signal.SIGINT:  # what was under way was waited for
        assert first.returncode == 130
        assert json.loads(said)["stopped"] == "interrupted"
        assert before == done
    else:
        assert first.returncode == -signal.SIGKILL
        assert before - done <= threads


def test_a_full_disk_ends_it_and_names_the_file(tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", numbered(200)), tmp_path / "out.jsonl"
    line = command(tmp_path, rows, "--prompt", NUMBERS, "--model", "offline", "--out", out)
    limited = ["bash", "-c", 'ulimit -f 8; exec "$@"', "bash", *line]
    # Python would leave halves of compiled modules, too.
    kept = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(limited, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{out} cannot be written" in done.stderr
    again = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert sorted(line["line"] for line in results(out)) == list(range(1, 201))


def test_the_example_of_the_guide_runs_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.jsonl"
    arguments = (
        *(EXAMPLES / "issues.jsonl", "--prompt", "Choose the label of the issue."),
        *("--returns", EXAMPLES / "label.schema.json", "--model", "offline", "--out", out),
    )
    assert run(tmp_path, *arguments) == 0
    first = capsys.readouterr().out
    assert "20" in first.splitlines()[1]
    guide = (ROOT / "docs/bench.md").read_text("utf-8")
    shown = [line for line in first.splitlines() if line.startswith(("as expected", "accuracy"))]
    assert len(shown) == 2
    for line in shown:
        assert line in guide
    assert run(tmp_path, *arguments) == 0
    assert "20 answers were there before" in capsys.readouterr().out


def test_some_failures_are_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", numbered(3))
    with ScriptedServer() as server:
        server.says(Says("0"), Fails(400), Says("2"))
        model = f"{server.url}/v1#x"
        arguments = (rows, "--prompt", NUMBERS, "--model", model, "--concurrency", 1, "--json")
        assert run(tmp_path, *arguments) == 1
    found = json.loads(capsys.readouterr().out)["models"][model]
    assert (found["ok"], found["failed"], found["correct"]) == (2, 1, 2)
    assert found["failures"][0]["kind"] == "ModelRejected"


def test_equal_rows_are_asked_once_unless_the_cache_is_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [{"text": "the same"}] * 6)
    with ScriptedServer() as server:
        arguments = (rows, "--prompt", "x", "--model", f"{server.url}/v1#x", "--json")
        for cache, asked in (("on", 1), ("off", 6)):
            server.seen.clear()
            assert run(tmp_path, *arguments, "--cache", cache) == 0
            [found] = json.loads(capsys.readouterr().out)["models"].values()
            assert (found["ok"], found["calls"], found["cache_hits"]) == (6, asked, 6 - asked)
            assert len(server.seen) == asked


def test_bad_rows_are_named_and_are_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "fine"}\nnot json\n')
    assert run(tmp_path, rows, "--prompt", "x", "--model", "offline") == 1
    out = capsys.readouterr().out
    assert "line 2 is no JSON" in out
    assert "not json" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.jsonl", "--prompt", "x"], "is no file"),
        (["rows.jsonl", "--prompt", " "], "--prompt is empty"),
        (["rows.jsonl", "--prompt", "x", "--returns", "nothing"], "--returns"),
        (["rows.jsonl", "--prompt", "x", "--out", "rows.jsonl"], "--out is the input"),
        (["rows.jsonl", "--prompt", "x", "--sorted"], "--sorted needs --out"),
        (["rows.jsonl", "--prompt", "x", "--model", "gpt"], "names no model"),
        (["rows.jsonl", "--prompt", "x", "--model", "openai:gpt-5.4"], "OPENAI_API_KEY"),
        (["rows.jsonl", "--prompt", "x", "--rerun", "nobody"], "no row"),
    ],
)
def test_wrong_usage_says_what_to_do(
    tmp_path: Path,
    arguments: Sequence[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_rows(tmp_path / "rows.jsonl", numbered(2))
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    assert run(tmp_path, *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--concurrency", "0"], ["--budget", "nan"], ["--budget", "-1"], ["--limit", "x"]]
)
def test_a_number_that_is_none_is_wrong_usage(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as err:
        run(tmp_path, "rows.jsonl", "--prompt", "x", *wrong)
    assert err.value.code == 2


def test_one_answer_is_printed_as_it_streams(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", numbered(3)), tmp_path / "out.jsonl"
    with ScriptedServer() as server:
        server.says(Says("支付 \x1b[2J 崩溃"))
        model = f"{server.url}/v1#x"
        assert run(tmp_path, rows, "--prompt", "x", "--model", model, "--stream", "--out", out) == 0
        assert [seen.body.get("stream") for seen in server.seen] == [True]
    assert capsys.readouterr().out == "支付 \ufffd[2J 崩溃\n"
    assert not out.exists()


def test_rows_come_through_a_pipe_too(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in numbered(30))
    for options in (["--limit", "10"], ["--sample", "10", "--seed", "7"]):
        line = command(tmp_path, "-", "--prompt", "x", "--model", "offline", "--json", *options)
        done = subprocess.run(
            line, cwd=ROOT, input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["models"]["offline"]["rows"] == 10


def test_a_type_of_the_callers_own_holds_the_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_verdicts.py").write_text(
        "from dataclasses import dataclass\nfrom typing import Literal\n\n\n"
        "@dataclass\nclass Verdict:\n    label: Literal['bug', 'feature']\n    sure: float\n"
    )
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    row = {"text": "crash", "expect": {"label": "bug"}}
    write_rows(tmp_path / "rows.jsonl", [row])
    arguments = ("rows.jsonl", "--prompt", "x", "--returns", "own_verdicts:Verdict")
    with ScriptedServer() as server:
        server.says(Says('{"label": "bug", "sure": 0.5}'))
        model = f"{server.url}/v1#x"
        assert run(tmp_path, *arguments, "--model", model, "--out", "out.jsonl") == 0
    [line] = results(tmp_path / "out.jsonl")
    assert (line["output"], line["score"]) == ({"label": "bug", "sure": 0.5}, 1)
    assert os.environ["CALLED_FROM"] == str(tmp_path)
    assert "1 of 1" in capsys.readouterr().out
