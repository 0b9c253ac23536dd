"""Writes the first version of a flow, and of its test, for the events that wake it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from infra.project import ROOT
from shared.errors import SettingsError

#: GitHub's events that are about an issue or a pull request.
_ON_AN_ISSUE = re.compile(
    r"github\.(?:issues|issue_comment|pull_request(?:_review(?:_comment|_thread)?)?|command|mention)\..*"
)
#: Slack's events that are said in a thread.
_IN_A_THREAD = re.compile(
    r"slack\.(?:app_mention|message\.(?:im|channels|groups|mpim)|command\..*|mention\..*|block_actions)"
)


class Way(NamedTuple):
    """How a flow answers an event: the lines that do it, the effect that a test expects, what may
    be done, and the names to import, by module. `holds` is true of the events answered so."""

    holds: str
    lines: str
    effect: str
    may: str
    imports: dict[str, tuple[str, ...]]


_COMMENT = Way(
    'event.source == "github"',
    "agent.act(Comment(event.issue, answer))",
    "Comment(event.issue, ANSWER)",
    "Comment.at_most(1)",
    {"shared.actions.github.actions": ("Comment",)},
)
_REPLY = Way(
    'event.source == "slack"',
    "agent.act(Reply(event.thread, answer))",
    "Reply(event.thread, ANSWER)",
    "Reply.at_most(1)",
    {"shared.actions.slack.actions": ("Reply",)},
)
_POST = Way(
    'event.source == "schedule"',
    "agent.act(Post(Channel(event.channel), answer))",
    "Post(Channel(event.channel), ANSWER)",
    'Post.on("#general", limit=1)',
    {"shared.actions.slack.actions": ("Channel", "Post")},
)
#: Where nobody waits for an answer, it is kept.
_REMEMBER = Way("", 'agent.remember(answer, kind="episode")', "", "", {})


class Woken(NamedTuple):
    """A flow's name, the event types that wake it, and the type of the timer that these set, if the
    flow answers later."""

    name: str
    types: Sequence[str]
    timer: str = ""


def flow_source(woken: Woken) -> str:
    """Return the file of the flow, formatted."""
    ways = _ways(woken)
    sets = ["SetTimer.at_most(1)"] if woken.timer else []
    may = ", ".join([*sets, *(way.may for way in ways if way.may)])
    types = ", ".join(f'"{type_}"' for type_ in (*woken.types, woken.timer) if type_)
    given = f"{types}, may=[{may}]" if may else types
    timed, asked = (_TIMED.format(timer=woken.timer), _LATER) if woken.timer else ("", "event")
    return _formatted(f'''\
"""{_title(woken)}: say here in a sentence what it does."""

{_imports(ways)}
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.timers import Timers
from shared.events import Event

PROMPT = "Say in one sentence what this is about."
{_DELAY if woken.timer else ""}

@flow({given})
def {woken.name}(event: Event, agent: Agent) -> None:
{timed}    answer = agent.ask(PROMPT, {asked}, returns=str)
{_choice(ways)}
''')


_DELAY = "#: The seconds after which it answers.\nDELAY = 86_400\n"
_TIMED = """\
    if event.type != "{timer}":
        about = {{"about": event.text}}
        agent.desk(Timers).at(event.received_at + DELAY, "{timer}", about)
        return
"""
_LATER = 'event.payload["about"]'


def test_source(woken: Woken) -> str:
    """Return the file of its test, formatted."""
    ways = _ways(woken)
    kit = sorted({_maker(type_).partition("(")[0] for type_ in woken.types} | {"FlowRunner"})
    fired = f"    while runner.timers:\n        runner.fire({woken.name})\n" if woken.timer else ""
    return _formatted(
        _TEST.format(
            title=_title(woken),
            name=woken.name,
            imports=_imports(ways),
            kit=", ".join(kit),
            events=", ".join(map(_maker, woken.types)),
            effects=_expected(ways),
            fired=fired,
            crash=_CRASH if all(way.effect for way in ways) else "",
        )
    )


_TEST = '''\
"""{title}: what it does, delivered once and twice, and killed."""

import pytest

from flows.{name} import {name}
{imports}
from shared.actions import Action
from shared.events import Event
from shared.testing import {kit}

EVENTS = [{events}]
ANSWER = "It is about that."


def effects_of(event: Event) -> list[Action]:
{effects}


@pytest.fixture
def runner() -> FlowRunner:
    """GitHub, Slack, the model and the journal in memory."""
    runner = FlowRunner()
    runner.answers(ANSWER)
    return runner


def happens(runner: FlowRunner, event: Event) -> None:
    """Deliver the event, and let come what it sets."""
    runner.run({name}, event)
{fired}

@pytest.mark.parametrize("event", EVENTS)
def test_it_answers_with_what_the_model_says(runner: FlowRunner, event: Event) -> None:
    happens(runner, event)
    assert runner.effects == effects_of(event)


@pytest.mark.parametrize("event", EVENTS)
def test_the_same_delivery_twice_is_one_answer(runner: FlowRunner, event: Event) -> None:
    for _ in range(2):
        happens(runner, event)
    assert runner.effects == effects_of(event)
    assert len(runner.model.asked) == 1
{crash}
'''
_CRASH = """

@pytest.mark.parametrize("event", EVENTS)
def test_a_crash_before_the_answer_is_made_good_by_the_retry(
    runner: FlowRunner, event: Event
) -> None:
    runner.dies(at=1)
    with pytest.raises(KeyboardInterrupt):
        happens(runner, event)
    happens(runner, event)
    assert runner.effects == effects_of(event)
    assert len(runner.model.asked) == 1
"""


def way_of(type_: str) -> Way:
    """Return how a flow answers events of this type."""
    if _ON_AN_ISSUE.fullmatch(type_):
        return _COMMENT
    if _IN_A_THREAD.fullmatch(type_):
        return _REPLY
    return _POST if type_.startswith("schedule.") else _REMEMBER


def _ways(woken: Woken) -> list[Way]:
    return list({way.lines: way for way in map(way_of, woken.types)}.values())


def _choice(ways: Sequence[Way]) -> str:
    """Return the lines that answer: one way, or the way that the event's source asks for."""
    *first, last = sorted(ways, key=lambda way: not way.holds)
    lines = []
    for number, way in enumerate(first):
        lines += [f"    {'elif' if number else 'if'} {way.holds}:", f"        {way.lines}"]
    lines += ["    else:", f"        {last.lines}"] if first else [f"    {last.lines}"]
    return "\n".join(lines)


def _expected(ways: Sequence[Way]) -> str:
    """Return the lines of the test that name the effects of an event."""
    *first, last = sorted(ways, key=lambda way: not way.holds)
    lines = [f"    if {way.holds}:\n        return [{way.effect}]" for way in first]
    return "\n".join([*lines, f"    return [{last.effect}]"])


def _imports(ways: Sequence[Way]) -> str:
    lines = [
        f"from {module} import {', '.join(names)}"
        for way in ways
        for module, names in way.imports.items()
    ]
    return "\n".join(lines)


def _maker(type_: str) -> str:
    """Return the call of the test kit that makes an event of this type."""
    source, _, kind = type_.partition(".")
    text = ', "hello"' if kind.startswith("command.") and source == "slack" else ""
    text = ', place="#general"' if source == "schedule" else text
    return f'{source}_event("{kind}"{text})'


def _title(woken: Woken) -> str:
    return woken.name.replace("_", " ").capitalize()


def _formatted(source: str) -> str:
    """Return the source as ruff formats it, with its imports sorted."""
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--fix-only", "--select", "I,F401"], ["format"]):
        done = subprocess.run(
            [*ruff, *command, "--quiet", "--stdin-filename", str(ROOT / "flows/new.py"), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise SettingsError(f"ruff cannot format the new file: {done.stderr.strip()[:200]}")
        source = done.stdout
    return source
