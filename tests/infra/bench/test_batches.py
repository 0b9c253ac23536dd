"""A bench through OpenAI's batches over HTTP: nothing is paid twice, whatever is killed."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.bench.batches import conduct_batches
from infra.bench.jobs import Wanted
from infra.bench.tasks import Job, TaskResult
from infra.bench.trial import Trial
from infra.cli.__main__ import main
from shared.errors import SettingsError
from shared.events import Json
from shared.models.batch import BatchItem, BatchProgress, BatchProvider, BatchResult
from shared.models.batch.connect import connect
from shared.settings import Settings
from tests.infra.bench.answers import Echo, numbered, results, trial, write_rows
from tests.models.batch.server import Answered, BatchServer

NAME = "openai:gpt-5.4-mini"


class Killed(BaseException):
    """Ends a start as a kill does: nobody catches it."""


def number_in(body: Json) -> str:
    text: str = body["messages"][-1]["content"]
    return text.split("row ")[1].partition("\n")[0]


def echoing(body: Json) -> Answered:
    return Answered(number_in(body))


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as server:
        server.answers = echoing
        yield server


@pytest.fixture
def settings(server: BatchServer) -> Settings:
    return Settings(model_small=NAME, openai_base_url=f"{server.url}/v1", openai_api_key="k")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.fixture
def start(tmp_path: Path, out: Path) -> Trial:
    rows = write_rows(tmp_path / "rows.jsonl", numbered(30))
    return trial(rows, out=out, models={"small": NAME})


def asked(server: BatchServer) -> list[str]:
    """The rows that were paid for."""
    return [number_in(body) for batch in server.batches for body in batch.requests.values()]


def ask_nothing(job: Job) -> TaskResult:
    raise AssertionError("asked at once")


class Bench:
    """Conducts with the server's provider; while it waits, the server ends what it has."""

    def __init__(self, server: BatchServer, settings: Settings, out: Path) -> None:
        self.server = server
        self.settings = settings
        self.out = out
        self.sleeps = 0

    def run(
        self,
        start: Trial,
        wrap: Callable[[BatchProvider], BatchProvider] = lambda provider: provider,
        sleep: Callable[[float], None] | None = None,
        ask: Callable[[Job], TaskResult] = ask_nothing,
    ) -> Json:
        return conduct_batches(
            start,
            self.out,
            lambda _: wrap(connect(NAME, self.settings)),
            ask,
            sleep=sleep or self.end,
        )

    def end(self, seconds: float) -> None:
        self.sleeps += 1
        assert self.sleeps < 50
        self.server.end()


@pytest.fixture
def runner(server: BatchServer, settings: Settings, out: Path) -> Bench:
    return Bench(server, settings, out)


def test_rows_go_in_one_batch_and_come_back_judged(
    runner: Bench, server: BatchServer, start: Trial, out: Path
) -> None:
    found = runner.run(start)
    own = found["models"]["small"]
    assert len(server.batches) == 1
    assert (own["rows"], own["ok"], own["correct"], found["stopped"]) == (30, 30, 30, "")
    # 1000 tokens in and 100 out, at half of what gpt-5.4-mini costs.
    assert own["cost"] == pytest.approx(30 * (1000 * 0.75 + 100 * 4.5) / 1e6 / 2)
    assert own["latency_ms"]["p50"] is None
    assert {line["id"] for line in results(out)} == {f"r{n}" for n in range(30)}
    runner.run(start)
    assert len(server.batches) == 1


class Dying:
    """A provider that is killed at one moment."""

    def __init__(self, provider: BatchProvider, moment: str) -> None:
        self.name, self.least, self.most = provider.name, provider.least, provider.most
        self._provider = provider
        self._moment = moment

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        self._die("before submit")
        handle = self._provider.submit(batch, items)
        self._die("after submit")
        return handle

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        return self._provider.find(batch, since=since, other=other)

    def poll(self, handle: str) -> BatchProgress:
        self._die("before poll")
        return self._provider.poll(handle)

    def results(self, handle: str) -> Iterator[BatchResult]:
        for number, result in enumerate(self._provider.results(handle)):
            if number == 7:
                self._die("among results")
            yield result
        self._die("after results")

    def cancel(self, handle: str) -> None:
        self._provider.cancel(handle)

    def _die(self, moment: str) -> None:
        if moment == self._moment:
            raise Killed


@pytest.mark.parametrize(
    "moment", ["before submit", "after submit", "before poll", "among results", "after results"]
)
def test_a_start_that_is_killed_is_taken_up_and_nothing_is_paid_twice(
    runner: Bench, server: BatchServer, start: Trial, out: Path, moment: str
) -> None:
    with pytest.raises(Killed):
        runner.run(start, wrap=lambda provider: Dying(provider, moment))
    found = runner.run(start)
    assert found["models"]["small"]["correct"] == 30
    assert sorted(asked(server), key=int) == [str(n) for n in range(30)]
    assert len(results(out)) == 30


def test_ctrl_c_leaves_the_batch_under_way_and_says_so(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    assert runner.run(start, sleep=interrupted)["stopped"] == "waiting"
    server.end()
    found = runner.run(start)
    assert (found["stopped"], found["models"]["small"]["ok"]) == ("", 30)
    assert len(server.batches) == 1


def test_rows_without_an_answer_travel_again_and_then_fail(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    def answers(body: Json) -> Answered:
        return Answered(status=503) if number_in(body) == "3" else echoing(body)

    server.answers = answers
    own = runner.run(start)["models"]["small"]
    assert [len(batch.requests) for batch in server.batches] == [30, 1, 1]
    assert (own["ok"], own["failed"]) == (29, 1)
    assert own["failures"][0]["kind"] == "ModelUnavailable"
    assert "503" in own["failures"][0]["message"]
    server.answers = echoing
    rerun = Trial(start.task, start.models, start.rows, Wanted(rerun="failed"), start.out)
    assert runner.run(rerun)["models"]["small"]["ok"] == 30
    assert [len(batch.requests) for batch in server.batches] == [30, 1, 1, 1]


def test_a_batch_that_expired_is_submitted_again_for_what_is_missing(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    def half(body: Json) -> Answered:
        return Answered(status=0) if int(number_in(body)) % 2 else echoing(body)

    def sleep(seconds: float) -> None:
        server.end("expired" if len(server.batches) == 1 else "completed", ends=ends.pop(0))

    ends = [half, echoing]
    found = runner.run(start, sleep=sleep)
    assert found["models"]["small"]["correct"] == 30
    assert [len(batch.requests) for batch in server.batches] == [30, 15]


def test_a_batch_that_failed_as_a_whole_is_submitted_again(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    def sleep(seconds: float) -> None:
        server.end("failed" if len(server.batches) == 1 else "completed")

    assert runner.run(start, sleep=sleep)["models"]["small"]["correct"] == 30
    assert len(server.batches) == 2


@pytest.mark.parametrize("when", ["fails_before", "fails_after"])
def test_a_submission_whose_answer_is_lost_is_looked_up(
    runner: Bench, server: BatchServer, start: Trial, when: str
) -> None:
    getattr(server, when)["POST /v1/batches"] = 503
    assert runner.run(start)["models"]["small"]["correct"] == 30
    assert sorted(asked(server), key=int) == [str(n) for n in range(30)]


def test_a_key_that_is_not_accepted_ends_it(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    server.fails_before["POST /v1/files"] = 401
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        runner.run(start)
    assert runner.run(start)["models"]["small"]["ok"] == 30


def test_an_answer_that_does_not_fit_is_wrong_and_its_cost_counts(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    server.answers = lambda body: Answered("" if number_in(body) == "3" else number_in(body))
    own = runner.run(start)["models"]["small"]
    assert (own["failed"], own["scored"], own["correct"]) == (1, 30, 29)
    assert own["failures"][0]["kind"] == "AnswerInvalid"
    assert own["calls"] == 30


class Few:
    """A provider whose batches need more rows than there are."""

    def __init__(self, provider: BatchProvider) -> None:
        self.name, self.least, self.most = provider.name, 20, 20
        self.submit, self.find, self.poll = provider.submit, provider.find, provider.poll
        self.results, self.cancel = provider.results, provider.cancel


def test_rows_that_are_too_few_for_a_batch_are_asked_at_once(
    runner: Bench, server: BatchServer, start: Trial
) -> None:
    model = Echo()
    found = runner.run(start, wrap=Few, ask=model.ask)
    assert found["models"]["small"]["correct"] == 30
    assert len(asked(server)) == 20
    assert sorted(model.asked, key=int) == [str(n) for n in range(20, 30)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--model", "offline", "--out", "out.jsonl"], "has no batches"),
        (["--model", "small"], "--batch needs --out"),
        (["--out", "out.jsonl", "--budget", "1"], "--limit"),
        (["--out", "out.jsonl", "--rerun", "all"], "--out"),
    ],
)
def test_what_cannot_go_in_batches_is_refused(
    tmp_path: Path,
    wrong: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    write_rows(tmp_path / "rows.jsonl", numbered(2))
    line: list[Any] = ["--data", str(tmp_path), "bench", "rows.jsonl", "--prompt", "x", "--batch"]
    assert main([*line, *wrong]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def here(tmp_path: Path, server: BatchServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, as a person gives it who stands beside the rows."""
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("MODEL_SMALL", NAME)
    return ["--data", str(tmp_path), "bench", "rows.jsonl", "--prompt", "Choose the label."]


def test_the_command_goes_on_with_a_batch_that_an_earlier_start_left(
    runner: Bench, start: Trial, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Killed):
        runner.run(start, wrap=lambda provider: Dying(provider, "before poll"))
    runner.server.end()
    assert main([*here, "--batch", "--out", str(runner.out), "--sorted"]) == 0
    assert "30 of 30" in capsys.readouterr().out
    assert [line["id"] for line in results(runner.out)] == [f"r{n}" for n in range(30)]
    assert len(runner.server.batches) == 1
