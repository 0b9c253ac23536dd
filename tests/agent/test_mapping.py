"""`agent.map` over streams: bounded, ordered, recorded, spilled to disk."""

import os
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from shared.actions.github.actions import Comment
from shared.agent import Agent, mapping
from shared.agent.flow import Flow, flow
from shared.agent.mapping import Results
from shared.agent.spilling import SpillFile
from shared.database import Statement
from shared.errors import ActionUnavailable, SettingsError
from shared.events import Event
from shared.journal import Journal, Outcome, Run
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.events.made import an_event

MEGABYTE = 1_000_000.0


@pytest.fixture
def run(runner: FlowRunner) -> Run:
    run = Journal(runner.database).claim(an_event(), "flow", 60)
    assert run
    return run


def kept(memory: float = MEGABYTE) -> Results[Any]:
    return Results(memory, SpillFile())


def mapped(run: Run, items: Iterable[object], memory: float = MEGABYTE) -> Results[object]:
    return mapping.mapped(run, lambda item: item, items, 4, kept(memory))


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 500])
@pytest.mark.parametrize("memory", [0.0, 900.0, MEGABYTE])
def test_results_keep_the_order_of_a_stream(run: Run, count: int, memory: float) -> None:
    results = mapped(run, (f"item {n}" for n in range(count)), memory)
    expected = [f"item {n}" for n in range(count)]
    assert results == expected
    assert (list(results), results[3:7]) == (expected, expected[3:7])
    assert (len(results), results[-1:]) == (count, expected[-1:])
    assert bool(results.spilled) == (count > 0 and memory < len("".join(expected)))


def test_an_endless_stream_is_taken_only_a_bounded_part_ahead(run: Run) -> None:
    taken, finished = [0], [0]
    most = [0]

    def stream() -> Iterator[int]:
        for number in range(2000):
            taken[0] += 1
            most[0] = max(most[0], taken[0] - finished[0])
            yield number

    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            finished[0] += 1
        return number

    assert mapping.mapped(run, work, stream(), 2, kept()) == list(range(2000))
    assert most[0] <= 2 * 8 + 1


def test_ten_thousand_results_of_ten_kilobytes_stay_out_of_the_memory(run: Run) -> None:
    def work(number: int) -> str:
        return f"{number:05}" * 2000

    peaks = []
    for memory in (2 * MEGABYTE, 1000 * MEGABYTE):
        tracemalloc.start()
        results = mapping.mapped(run, work, range(10_000), 4, kept(memory))
        assert sum(len(result) for result in results) == 100_000_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"peak with {peaks[0] / 1e6:.1f} MB, without {peaks[1] / 1e6:.1f} MB")
    assert peaks[0] < 10 * MEGABYTE < 90 * MEGABYTE < peaks[1]


def test_the_file_is_gone_with_the_results_and_has_no_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    results = mapped(run, range(100), 0)
    assert (results.spilled > 0, os.listdir(tmp_path)) == (True, [])
    del results
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_disk_without_room_is_a_clear_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match=r"no room on the disk .* raise MAP_MEMORY_MB"):
        mapped(run, range(100), 0)


def test_what_cannot_be_pickled_stays_in_memory(run: Run) -> None:
    things = [lambda: 1, threading.Lock(), "text"]
    assert list(mapped(run, things, 0)) == things


@dataclass(frozen=True)
class Told:
    text: str


@pytest.mark.parametrize("thing", ["ü" * 10, b"\0", None, Told("x"), [Told("y")], {"a": {1, 2}}])
def test_any_result_comes_back_from_the_disk_as_it_was(run: Run, thing: object) -> None:
    assert mapped(run, [thing] * 3, 0) == [thing] * 3


def test_after_one_failing_item_all_others_still_end(run: Run) -> None:
    ended = []

    def work(number: int) -> None:
        if number in {3, 90}:
            raise ValueError(f"item {number}")
        ended.append(number)

    with pytest.raises(ValueError, match="item 3"):
        mapping.mapped(run, work, iter(range(100)), 4, kept())
    assert sorted(ended) == [n for n in range(100) if n not in {3, 90}]


def test_a_stream_that_raises_lets_what_is_under_way_end(run: Run) -> None:
    def stream() -> Iterator[int]:
        yield from range(10)
        raise RuntimeError("the list broke off")

    ended: list[int] = []
    with pytest.raises(RuntimeError, match="broke off"):
        mapping.mapped(run, ended.append, stream(), 4, kept())
    assert sorted(ended) == list(range(10))


items: list[Callable[[], Iterable[object]]] = []


@flow("github.issues.opened", may=[Comment.at_most(9)])
def streaming(event: Event, agent: Agent) -> None:
    agent.map(lambda item: agent.act(Comment(event.issue, f"{item}")), iter(items[0]()))


def delivered_twice(
    runner: FlowRunner, what: Flow, first: Iterable[object], then: Iterable[object]
) -> list[str]:
    """Let the third comment fail, and return the comments after the retry."""
    event = an_event()
    runner.platform.fails[2] = ActionUnavailable("github: down", 3600, sent=False)
    items[:] = [lambda: first]
    assert runner.deliver(what, event) == [event.id]
    items[:] = [lambda: then]
    runner.deliver(what, event, receives=2)
    return sorted(done.body for done in runner.platform.done if isinstance(done, Comment))


def test_a_retry_of_a_stream_repeats_nothing(runner: FlowRunner) -> None:
    assert delivered_twice(runner, streaming, "abcd", "abcd") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("then", "number"), [("abXd", 3), ("abc", 4), ("abcde", 5), ("", 1), ("bacd", 1)]
)
def test_a_stream_that_gives_other_items_to_a_retry_is_noticed(
    runner: FlowRunner, capsys: pytest.CaptureFixture[str], then: str, number: int
) -> None:
    comments = delivered_twice(runner, streaming, "abcd", then)
    assert f"item {number} of agent.map is not the one" in capsys.readouterr().out
    assert {said for said in comments if "went wrong" not in said} <= set("abcd")


def test_items_that_cannot_be_recorded_are_a_clear_error(run: Run) -> None:
    with pytest.raises(TypeError, match="use plain JSON or a dataclass"):
        mapped(run, iter([threading.Lock()]))


def test_the_setting_must_be_a_number() -> None:
    with pytest.raises(SettingsError, match="MAP_MEMORY_MB is 'lots'"):
        mapping.results_of(Settings(map_memory_mb="lots"), "r")


def test_a_retry_holds_no_more_than_the_first_attempt(runner: FlowRunner) -> None:
    """What is recorded is read again only as far as it is asked for."""
    run = Journal(runner.database).claim(an_event(), "flow", 60)
    assert run
    for number in range(40):
        run.step("ask", number, lambda: Outcome({"text": token_hex(20_000)}), defer=True)
    run.finish("retrying", pause=0)
    tracemalloc.start()
    again = Journal(runner.database).claim(an_event(), "flow", 60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert again and again.attempt == 2
    assert peak < 400_000  # of 1.6 MB
    [whole] = runner.database.run(
        "github:acme", [Statement("select output from steps order by input::text::int", {})]
    )
    outputs = [again.step("ask", number, lambda: pytest.fail("again")) for number in range(40)]
    assert outputs == [row["output"] for row in whole]
