"""Certify: the shipped flows pass; a flow that depends on more than its steps is caught."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.certify.handing import flow_at
from infra.certify.report import Fault, Report, differences
from infra.certify.story import Delivered, delivered
from infra.certify.world import World
from infra.cli.__main__ import main as flows
from infra.cli.certify import table
from infra.project import ROOT, flow_modules
from shared.errors import SettingsError
from tests.campaigns import sample
from tests.infra.certify.conftest import Certify

#: All of them; those that do most are the first and the last, which every sample has.
OTHERS = flow_modules().keys() - {"triage", "chat"}
SHIPPED = ["triage", *sorted(OTHERS), "chat"]
FLAWED = Path(__file__).with_name("flawed.py")
SAVED = ROOT / "tests/events/saved"

#: The flow, where it asks, and what is wrong after some trial.
CAUGHT = [
    ("now", "the clock (datetime.now)", {"otherwise"}),
    ("order", "", {"otherwise"}),
    ("own_state", "a file or another machine (open)", {"lost"}),
    ("day", "the clock (date.today)", set()),
    ("seconds", "the clock (time.time)", set()),
    ("year", "the clock (time.strftime)", set()),
    ("in_a_thread", "the clock (time.time_ns)", set()),
    ("choice", "chance (choice)", set()),
    ("timed_by_the_clock", "the clock (time.time)", set()),  # when it dies decides what comes
    ("system_chance", "chance (randint)", set()),
    ("token", "chance (token_hex)", {"otherwise"}),
    ("number", "chance (uuid4)", {"otherwise"}),
    ("own_call", "a file or another machine (socket.connect)", {"doubled"}),
]


def few(numbers: Sequence[int]) -> Sequence[int]:
    return sample(numbers, 2)


def some(numbers: Sequence[int]) -> Sequence[int]:
    """Try what lies in the middle, where an effect is under way."""
    return list(numbers) if len(numbers) < 3 else sample(numbers, 4)[1:-1]


@pytest.mark.parametrize("name", sample(SHIPPED, 2))
def test_a_shipped_flow_loses_and_doubles_nothing(name: str, certified: Certify) -> None:
    report = certified(name, choose=few)
    assert (report.faults, report.asked) == ([], [])
    assert report.trials["killed"] == len(few(range(len(report.boundaries))))
    assert report.trials["calm"] and report.trials["twice"]


@pytest.mark.parametrize("name, asked, wrongs", sample(CAUGHT, 2))
def test_a_flow_that_depends_on_more_is_caught(
    name: str, asked: str, wrongs: set[str], certified: Certify
) -> None:
    report = certified(f"{FLAWED}:{name}", choose=some)
    assert not report.is_clean and report.depends_on_more
    assert [one for one in report.asked if asked and one.endswith(f" asks {asked}")] or not asked
    assert all(one.startswith("flawed.py:") for one in report.asked)
    assert wrongs <= {fault.wrong for fault in report.faults}


def test_what_steps_ask_and_what_has_a_seed_is_fine(certified: Certify) -> None:
    report = certified(f"{FLAWED}:sound", choose=some)
    assert (report.faults, report.asked) == ([], [])


def test_a_stream_that_is_killed_in_the_middle_goes_on(certified: Certify) -> None:
    report = certified(f"{FLAWED}:streams", choose=few)
    assert (report.faults, report.asked) == ([], [])
    assert len(report.boundaries) >= 6


def test_a_flow_that_sets_timers_loses_and_doubles_none(certified: Certify) -> None:
    report = certified(f"{FLAWED}:timed", choose=few)
    assert (report.faults, report.asked) == ([], [])


def test_a_flow_that_fails_by_itself_is_told_apart(certified: Certify) -> None:
    with pytest.raises(SettingsError) as failed:
        certified(f"{FLAWED}:failing")
    assert "failing does not end well on github.issues.opened" in str(failed.value)
    assert "KeyError at" in str(failed.value) and "flawed.py:" in str(failed.value)


def test_a_schedule_is_certified_in_a_place_that_it_spreads_to(certified: Certify) -> None:
    report = certified(f"{FLAWED}:spread", choose=lambda all: all[:1])
    assert report.event == "schedule.spread in slack:T0SANDBOX:C0STANDUP"
    assert [one.endswith("chance (random)") for one in report.asked] == [True]
    assert any("In slack:T0SANDBOX:C0STANDUP it is" in fault.what for fault in report.faults)


@pytest.mark.parametrize(
    "name, file, github",
    [
        ("triage", "issue.json", ""),
        ("triage", "issue.json", "bare"),
        ("chat", "message.json", ""),
        ("triage", "elsewhere", ""),
        ("chat", "elsewhere", ""),
    ],
)
def test_a_saved_delivery_finds_its_place(
    name: str, file: str, github: str, database_url: str
) -> None:
    saved = json.loads((SAVED / ("message.json" if name == "chat" else "issue.json")).read_text())
    body = saved.get("body", saved)
    if file == "elsewhere" and name == "chat":
        body["event"] |= {"channel": "C0ELSE", "user": "U0ELSE", "channel_type": "channel"}
    elif file == "elsewhere":
        body["repository"] |= {"full_name": "some/where", "name": "where"}
        body["issue"] |= {"number": 4711}
    event_name = "" if name == "chat" or github == "bare" else "issues"
    given = Delivered(event_name, "d1", json.dumps(body).encode())
    with World(flow_at(name), database_url) as world:
        event = delivered(world, given)
        if name == "triage":
            assert event.type == "github.issues.opened"
            found = world.github.issue(event.issue.repository, event.issue.number)
            assert found["title"] in event.text
        else:
            message = event.message
            assert world.slack.workspace.message(message.channel, message.ts)["text"] == event.text
        before = world.seen()
        world.github.add_repository("more/things")
        if name == "triage":
            world.github.comment(event.issue.repository, event.issue.number, "hello")
        else:
            world.slack.say("#support", "hello")
        assert before - world.seen() == Counter() != world.seen() - before
        world.rewind()
        assert world.seen() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'"x"', b"{}", b'{"event": 1, "team_id": []}', b"\xff\x00"]
)
def test_what_is_no_delivery_is_refused(body: bytes, database_url: str) -> None:
    with World(flow_at("triage"), database_url) as world, pytest.raises(SettingsError):
        delivered(world, Delivered("", "d1", body))


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["triagee"], "is no flow; name a file, or one of"),
        ([str(FLAWED)], "say which one with FILE:FUNCTION"),
        ([f"{FLAWED}:nothing"], "names 0 flows"),
        (["nowhere.py"], "is no flow"),
        ([str(ROOT / "tests/events/README.md.py")], "is no flow"),
        ([str(SAVED.parent / "damaged.py")], "names 0 flows"),
        (["triage", "--on", "github.issues.opend"], "did you mean github.issues.opened?"),
        (["triage", "--event", str(SAVED / "message.json")], "triage does not want slack.message"),
        (["triage", "--event", str(FLAWED)], "cannot be read as JSON"),
    ],
)
def test_what_cannot_be_certified_is_said_in_a_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flows(["--data", str(tmp_path), "certify", *arguments]) == 1
    told = capsys.readouterr()
    assert said in told.err and "Traceback" not in told.err and not told.out


def test_the_command_tells_what_it_covered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = flows(["--data", str(tmp_path), "certify", f"{FLAWED}:idle", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 1 and not told["clean"] and told["idle"]
    assert told["event"] == "github.issues.opened"
    trials = {one["trial"]: one["times"] for one in told["trials"]}
    assert trials["killed"] == len(told["boundaries"])
    assert trials["twice"] > 2 and trials["answer lost"] == 0
    assert "event.received_at" in told["advice"]


def test_the_table_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("triage", "github.issues.opened", ["before the claim of the run"])
    report.trials.update({"killed": 1, "twice": 2})
    where = "at boundary 1, before the claim of the run"
    long = 'GitHub acme/shop#1, comments: {"body": "hello\\n\\n<!-- mark -->' + "x" * 500
    report.faults += [Fault("killed", where, "lost", long)] * 20
    told = "\n".join(table(report, 7.0, tmp_path / "log"))
    assert "killed       1      1     0        0" in told
    assert f"lost  killed {where}: GitHub acme/shop#1" in told
    assert "and 12 more; --json shows all" in told and "mark" not in told
    assert "0 lost, 0 doubled" not in told and "event.received_at" not in told
    assert max(map(len, told.splitlines())) < 400


@pytest.mark.parametrize(
    "calm, seen, wrong",
    [
        ({"A: x": 1}, {}, ("lost", "A: x")),
        ({}, {"A: x": 1}, ("doubled", "A: x")),
        ({"A: x": 1}, {"A: x": 3}, ("doubled", "A: x")),
        ({"A: x": 2}, {"A: x": 1}, ("lost", "A: x")),
        ({"A: x": 1}, {"A: y": 1}, ("otherwise", "A: y in place of A: x")),
        ({"A: x": 1}, {"B: x": 1}, ("lost", "A: x")),
    ],
)
def test_differences_are_lost_doubled_or_otherwise(
    calm: dict[str, int], seen: dict[str, int], wrong: tuple[str, str]
) -> None:
    assert next(differences(Counter(calm), Counter(seen))) == wrong
    assert not list(differences(Counter(calm), Counter(calm)))
