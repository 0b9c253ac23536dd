"""Metrics: each line is one that CloudWatch takes, the documents list them, replays count once."""

import json
import math
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from flows.chat import chat
from flows.triage import triage
from infra.local.aws.cloud import for_people
from infra.project import ROOT
from shared.agent import Agent, flow
from shared.agent.metrics_desk import MetricsDesk
from shared.errors import (
    ActionRejected,
    ActionUnavailable,
    AgentFlowsError,
    BudgetExceeded,
    ModelRejected,
    ModelTooSlow,
    ModelUnavailable,
    SettingsError,
)
from shared.events import Event
from shared.log import logs_on_stderr
from shared.metrics import METRICS, count, measure
from shared.models import ModelReply, Payer, Usage
from shared.models.measuring import judged, measured
from shared.testing import FlowRunner
from tests.flows.test_chat import said
from tests.flows.test_triage import CRASH

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+?) \|", re.MULTILINE)
#: The closed sets of docs/metrics.md.
CLOSED = {
    "source": {"github", "slack", "api"},
    "flow": {"chat", "triage", "measuring"},
    "kind": {"React", "Reply", "AddLabels", "Comment", "SetTimer"},
    "model": {"offline"},
    "role": {"small", "large", "embed", "batch"},
    "end": {"done", "failed", "waiting", "parked", "retrying", "cancelled", "superseded"}
    | {"answered", "refused", "cached", "slow", "unavailable", "rejected", "budget"}
    | {"committed", "unknown", "put off"},
}

Lines = list[dict[str, Any]]


class Logged:
    """Reads the lines with metrics that were written since it last looked."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> Lines:
        written = self._capsys.readouterr().out.splitlines()
        for line in written:  # as ./scripts/dev shows it
            whole, shown = json.loads(line), json.loads(for_people(line))
            assert shown == {name: whole[name] for name in whole if name != "_aws"}
        return [line for line in map(json.loads, written) if "_aws" in line]

    def counts(self) -> dict[tuple[str, ...], float]:
        """Sum up the counts, by metric and dimensions."""
        sums: dict[tuple[str, ...], float] = {}
        for line in self.lines():
            check(line)
            [directive] = line["_aws"]["CloudWatchMetrics"]
            by = tuple(line[name] for name in directive["Dimensions"][0])
            for metric in directive["Metrics"]:
                if metric["Unit"] == "Count":
                    key = (metric["Name"], *by)
                    sums[key] = sums.get(key, 0) + line[metric["Name"]]
        return sums


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    yield Logged(capsys)


def check(line: dict[str, Any]) -> None:
    """Check a line against the specification of the embedded metric format."""
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 600
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for names in directive["Dimensions"]:
            assert len(names) <= 30
            for name in names:
                assert isinstance(line[name], str) and 1 <= len(line[name]) <= 1024
                assert line[name] in CLOSED[name], f"{name}={line[name]} is in no closed set"
        for metric in directive["Metrics"]:
            assert metric["Unit"] in {"Count", "Seconds", "None"}
            assert math.isfinite(line[metric["Name"]])
    assert len(json.dumps(line)) < 2_000


def test_the_documents_list_every_metric_with_its_unit_and_dimensions() -> None:
    rows = ROW.findall((ROOT / "docs/metrics.md").read_text("utf-8"))
    found = {name: (unit, tuple(re.findall(r"`(\w+)`", by))) for name, unit, by in rows}
    assert found == {name: tuple(metric) for name, metric in METRICS.items()}


def test_a_run_counts_itself_its_calls_its_effects_and_its_recalls(
    runner: FlowRunner, logged: Logged
) -> None:
    runner.deliver(triage, CRASH)
    assert logged.counts() == {
        ("Recalls", "triage"): 1,
        ("Recalled", "triage"): 0,
        ("ModelCalls", "offline", "small", "answered"): 1,
        ("InputTokens", "offline", "small", "answered"): pytest.approx(400, abs=400),
        ("OutputTokens", "offline", "small", "answered"): pytest.approx(100, abs=100),
        ("Effects", "AddLabels", "committed"): 1,
        ("Effects", "Comment", "committed"): 1,
        ("Effects", "SetTimer", "committed"): 1,
        ("Runs", "triage", "done"): 1,
    }


def test_a_repeated_delivery_counts_nothing(runner: FlowRunner, logged: Logged) -> None:
    runner.deliver(chat, said("<@U0AGENT> hello"))
    assert logged.counts()
    runner.deliver(chat, said("<@U0AGENT> hello"))
    assert logged.counts() == {}


def test_a_later_attempt_counts_only_what_it_does_itself(
    runner: FlowRunner, logged: Logged
) -> None:
    runner.platform.fails[2] = ActionUnavailable("away", 60.0, sent=False)
    runner.deliver(triage, CRASH)
    first = logged.counts()
    assert first["Runs", "triage", "parked"] == first["Effects", "AddLabels", "committed"] == 1
    assert first["Effects", "Comment", "put off"] == 1
    runner.deliver(triage, CRASH)
    assert logged.counts() == {
        ("Effects", "Comment", "committed"): 1,
        ("Effects", "SetTimer", "committed"): 1,
        ("Runs", "triage", "done"): 1,
    }


@pytest.mark.parametrize(
    "error, end",
    [
        (ActionRejected("no"), "failed"),
        (KeyError("a bug"), "retrying"),
        (ModelRejected("no"), "failed"),
    ],
)
def test_a_run_that_fails_counts_its_end(
    runner: FlowRunner, logged: Logged, error: Exception, end: str
) -> None:
    @flow("github.issues.opened")
    def measuring(event: Event, agent: Agent) -> None:
        raise error

    runner.deliver(measuring, CRASH)
    assert logged.counts() == {("Runs", "measuring", end): 1}


def test_an_author_adds_a_metric_in_a_line_and_no_replay_counts_it_again(
    runner: FlowRunner, logged: Logged
) -> None:
    failures = [KeyError("first attempt"), None]

    @flow("github.issues.opened")
    def measuring(event: Event, agent: Agent) -> None:
        agent.desk(MetricsDesk).count("Duplicates")
        agent.desk(MetricsDesk).count("Duplicates")
        agent.map(agent.desk(MetricsDesk).count, ["Found"] * 20)
        agent.desk(MetricsDesk).time("SearchSeconds", time.perf_counter())
        agent.remember("so that it is written", kind="fact")
        if failure := failures.pop(0):
            raise failure

    runner.deliver(measuring, CRASH)
    own = {("Duplicates", "measuring"): 2, ("Found", "measuring"): 20}
    assert logged.counts() == own | {("Runs", "measuring", "retrying"): 1}
    runner.deliver(measuring, CRASH)
    assert logged.counts() == {("Runs", "measuring", "done"): 1}


@pytest.mark.parametrize(
    "name, value",
    [
        ("duplicates", 1),
        ("Two words", 1),
        ("Üble", 1),
        ("", 1),
        ("A" * 51, 1),
        ("Zeile\n", 1),
        ("message", 1),
        ("_aws", 1),
        ("Runs", 1),
        ("Ok", math.nan),
        ("Ok", math.inf),
        ("Ok", True),
        ("Ok", "7"),
        ("Ok", None),
    ],
)
def test_what_is_no_metric_is_refused_without_people_s_words_in_the_log(
    runner: FlowRunner, capsys: pytest.CaptureFixture[str], name: str, value: Any
) -> None:
    @flow("github.issues.opened")
    def measuring(event: Event, agent: Agent) -> None:
        agent.desk(MetricsDesk).count(name, value)

    runner.deliver(measuring, CRASH)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [failed] = [line for line in lines if line["message"] == "run failed"]
    assert failed["error"] == "SettingsError"
    assert len(name) < 10 or name not in failed["reason"]


@pytest.mark.parametrize(
    "given, end",
    [
        (BudgetExceeded("spent"), "budget"),
        (ModelTooSlow("late"), "slow"),
        (ModelUnavailable("away"), "unavailable"),
        (ModelRejected("no"), "rejected"),
        (SettingsError("no key"), "failed"),
        (ModelReply("", "refused", Usage(3, 2), "offline", cost=None), "refused"),
        (ModelReply("a", "stop", Usage(3, 2), "offline", cost=0.5, source="shared"), "cached"),
        (ModelReply("a", "stop", Usage(3, 2), "offline", cost=0.5), "answered"),
    ],
)
def test_a_call_counts_its_end(
    capsys: pytest.CaptureFixture[str], given: ModelReply | AgentFlowsError, end: str
) -> None:
    def call() -> ModelReply:
        if isinstance(given, AgentFlowsError):
            raise given
        return given

    with suppress(AgentFlowsError):
        measured("large", "offline", Payer("t", "chat"), call, judged)
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    check(line)
    assert (line["role"], line["end"], line["ModelCalls"]) == ("large", end, 1)
    assert line.get("ModelCost") == {"answered": 0.5, "cached": 0.0}.get(end)
    assert line.get("InputTokens") == {"answered": 3, "refused": 3, "cached": 0}.get(end)


def test_a_dimension_that_lacks_does_not_lose_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    measure("m", {"Runs": 1, "RunSeconds": None}, flow="")
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["flow"], line["end"]) == ("none", "none")
    assert [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == [
        "Runs"
    ]


def test_a_command_writes_none(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_on_stderr():
        count("Accepted", "event accepted", source="github")
    told = capsys.readouterr()
    assert told.out == told.err == ""


def test_a_run_that_went_another_way_says_so_once_it_is_done(
    runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["first", "second"]

    @flow("github.issues.opened")
    def measuring(event: Event, agent: Agent) -> None:
        word = words.pop(0)
        agent.remember(word, kind="fact")
        agent.ask("Is it?", word, returns=bool)
        if word == "first":
            raise KeyError("a bug")

    runner.deliver(measuring, CRASH)
    runner.deliver(measuring, CRASH)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [told] = [one for one in lines if one["message"] == "run went another way than recorded"]
    assert told["steps"] == ["ask", "remember"]
