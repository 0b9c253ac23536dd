"""Flows that depend on more than their event and their steps, each in its own way, and flows that
only look so."""

import json
import os
import random
import secrets
import time
import urllib.request
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Channel, Post
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.metrics_desk import MetricsDesk
from shared.agent.timers import Timers
from shared.agent.tools import tool
from shared.events import Event
from shared.settings import Settings

on = flow("github.issues.opened", may=[Comment.at_most(1)])
#: A place that outlives a process.
LEFT = Path("/tmp") / f"certify-left-{os.getppid()}"


def say(event: Event, agent: Agent, text: object) -> None:
    agent.act(Comment(event.issue, str(text)))


@on
def now(event: Event, agent: Agent) -> None:
    say(event, agent, datetime.now(UTC))


@flow("github.issues.opened", "timer.remind", may=[SetTimer.at_most(2), Comment.at_most(1)])
def timed(event: Event, agent: Agent) -> None:
    for days in (1, 2):
        at = event.received_at + days * 86_400
        agent.desk(Timers).at(at, "timer.remind", {"days": days})
    say(event, agent, "I come back.")


@flow("github.issues.opened", "timer.remind", may=[SetTimer.at_most(1)])
def timed_by_the_clock(event: Event, agent: Agent) -> None:
    agent.desk(Timers).at(time.time() + 60, "timer.remind")


@on
def day(event: Event, agent: Agent) -> None:
    say(event, agent, date.today())


@on
def seconds(event: Event, agent: Agent) -> None:
    if time.time() > event.received_at:
        say(event, agent, "late")


@on
def year(event: Event, agent: Agent) -> None:
    say(event, agent, time.strftime("%Y"))


@on
def in_a_thread(event: Event, agent: Agent) -> None:
    say(event, agent, agent.map(lambda n: n + time.time_ns() // 10**18, [1, 2]))


@on
def choice(event: Event, agent: Agent) -> None:
    say(event, agent, random.choice(["heads", "tails"]))


@on
def system_chance(event: Event, agent: Agent) -> None:
    say(event, agent, random.SystemRandom().randint(1, 6))


@on
def token(event: Event, agent: Agent) -> None:
    say(event, agent, secrets.token_hex(2))


@on
def number(event: Event, agent: Agent) -> None:
    say(event, agent, uuid.uuid4())


@on
def order(event: Event, agent: Agent) -> None:
    say(event, agent, " ".join({"pay", "cart", "crash", "total", "check", "empty"}))


@on
def own_state(event: Event, agent: Agent) -> None:
    """Remember in a file what is done, and forget that the process may die before it is."""
    if not LEFT.exists():
        LEFT.write_text("done")
        say(event, agent, "hello")


@on
def own_call(event: Event, agent: Agent) -> None:
    """Comment without the journal."""
    settings = agent._can.settings
    url = f"{settings.github_api_url}/repos/{event.issue.repository}/issues/1/comments"
    headers = {"Authorization": f"Bearer {settings.github_token}"}
    body = json.dumps({"body": "hello"}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()
    agent.remember("said hello", kind="fact")


@on
def sound(event: Event, agent: Agent) -> None:
    """Look as if it did all that, and depend on nothing more."""
    begun = time.perf_counter()

    @tool
    def hour() -> str:
        """Return the hour."""
        return f"{datetime.now(UTC):%H} {random.random()} {LEFT.exists()}"

    from fractions import Fraction  # loading a module opens a file

    drawn = random.Random(event.id).choice(["heads", "tails"])
    when = time.strftime("%Y", time.gmtime(event.received_at))
    words = " ".join(sorted({"pay", "cart", "crash"}))
    agent.converse("Say the hour.", event, tools=[hour], stream=False)
    agent.desk(MetricsDesk).time("Drawing", time.perf_counter() - begun)
    say(event, agent, f"{drawn} {when} {words} {Fraction(1, 3)}")


@on
def streams(event: Event, agent: Agent) -> None:
    """Ask about each item of a stream, some at once, with results that are not in memory."""
    results = agent.map(
        lambda number: agent.ask(f"Say {number}.", event, returns=str), iter(range(3)), workers=2
    )
    say(event, agent, " ".join(f"{len(text)}" for text in results))


@flow("schedule.spread", may=[Post.on("#standup", limit=1)])
def spread(event: Event, agent: Agent) -> None:
    agent.act(Post(Channel("#standup"), f"In {event.scope} it is {random.random()}"))


@on
def idle(event: Event, agent: Agent) -> None:
    """Ask the day, and do nothing with it."""
    date.today()


@on
def failing(event: Event, agent: Agent) -> None:
    raise KeyError(Settings().flow)
