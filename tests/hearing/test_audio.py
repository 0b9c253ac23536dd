"""Audio clips: a transcription server writes them down, within limits and the budget; without one,
or when it fails, there is one line."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local.sandbox.slack.workspace import ALICE, DM
from tests.actions.slack.chat_runner import ChatRunner
from tests.hearing.spoken import asked_of, says

M4A = b"\0\0\0\x20ftypM4A \0\0\0\0" + b"\0sound" * 50


class Listener:
    """A server with /audio/transcriptions that answers what a test wants."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.heard: list[tuple[str, bytes]] = []

    def answer(self) -> tuple[int, Any]:
        said = {"text": "Please ship on Friday.", "usage": {"type": "duration", "seconds": 30}}
        return self.answers.pop(0) if self.answers else (200, said)


@pytest.fixture
def listener() -> Iterator[tuple[Listener, str]]:
    told = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append((self.path, body))
            status, answer = told.answer()
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield told, f"http://127.0.0.1:{server.server_address[1]}/v1#whisper"
    server.shutdown()
    server.server_close()


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def sent(runner: ChatRunner, body: bytes = M4A, *, settings: Any = None, **about: Any) -> str:
    row = runner.slack.files.add("clip.m4a", body, ALICE, mimetype="audio/mp4", **about)
    assert runner.deliver(says(runner, "", DM, files=[row]), **(settings or {}))
    return asked_of(runner)


def test_what_is_said_reaches_the_model_once_and_costs(
    runner: ChatRunner, listener: tuple[Listener, str]
) -> None:
    server, name = listener
    settings = {"model_audio": name, "model_audio_price": "0.006"}
    seen = sent(runner, settings=settings, duration_ms=29_000)
    assert "(said in the recording) Please ship on Friday." in seen
    [(path, body)] = server.heard
    assert path == "/v1/audio/transcriptions"
    assert M4A in body
    assert b'name="model"\r\n\r\nwhisper\r\n' in body
    assert b'filename="audio.m4a"' in body
    cost = runner.recorded("select cost::float8 from steps where name = 'read'")
    assert cost == [(pytest.approx(0.003),)]


def test_without_a_server_one_line_says_so(runner: ChatRunner) -> None:
    assert "MODEL_AUDIO is not set" in sent(runner)


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ((500, {}), "could not be heard now"),
        ((400, {"error": {"message": "no"}}), "could not be heard now"),
        ((200, b"not json"), "could not be heard now"),
        ((200, {"words": 1}), "could not be heard now"),
        ((200, {"text": " "}), "nothing is said"),
        ((200, {"text": "word " * 9_000}), "is left out"),
    ],
)
def test_what_cannot_be_heard_is_one_line(
    runner: ChatRunner, listener: tuple[Listener, str], answer: tuple[int, Any], note: str
) -> None:
    server, name = listener
    server.answers = [answer]
    assert note in sent(runner, settings={"model_audio": name, "model_audio_price": "0.006"})


def test_limits_of_length_size_and_budget(
    runner: ChatRunner, listener: tuple[Listener, str]
) -> None:
    server, name = listener
    settings = {"model_audio": name, "model_audio_price": "0.006"}
    assert "10 minutes" in sent(runner, settings=settings, duration_ms=11 * 60_000)
    assert "25 MB" in sent(runner, settings=settings, size=26_000_000)
    spent = {**settings, "model_audio_price": "9", "budgets": "tenant=0.5"}
    assert "budget has no room" in sent(runner, settings=spent | {"model_prices": "*=0/0/0"})
    assert server.heard == []


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"OggS", "ogg"),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"\0\0\0\x18ftypmp42", "mp4"),
        (b"fLaC", "flac"),
    ],
)
def test_the_format_is_what_the_bytes_say(start: bytes, kind: str) -> None:
    from shared.hearing.file_kinds import audio_type

    assert audio_type(start + b"\0" * 20) == kind
