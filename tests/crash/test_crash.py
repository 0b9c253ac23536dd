"""SIGKILL at every boundary of both flows: one visible effect, no answer paid for twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT
from infra.local.system import System
from tests.campaigns import sample
from tests.crash.function import TABLES
from tests.system.quick import quick_template
from tests.waiting import wait_for

#: More than either flow has, so that the last ones are runs without a death.
LAST = 40
BOUNDARIES = sample(range(1, LAST + 1), 5)
HANDLER = "tests.crash.function.handler"
REPOSITORY = "acme/shop"

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def system(data_directory: Path) -> Iterator[System]:
    with System(
        data=data_directory,
        environment={"MODEL_EMBED": "hashing", "FOOTER": "off", "MAX_PAUSE_HOURS": "0.0005"},
        template=quick_template(data_directory, timeout=8),
        overrides={"VisibilityTimeout": "10"},
        handlers={"Chat": HANDLER, "Triage": HANDLER},
    ) as system:
        query(system, TABLES)
        yield system


def query(system: System, sql: str) -> Rows:
    with psycopg.connect(system.settings.database_url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def ended(system: System, flow: str) -> Rows:
    return query(system, f"select state from runs where flow = '{flow}' and state = 'done'")


def check_deaths_and_calls(system: System, flow: str, at_least: int) -> None:
    """Every run died where it was told to, or has fewer boundaries, which depends on its recall."""
    rows = query(
        system,
        f"""select substring(body::text from 'boundary ([0-9]+)')::int, boundary, boundaries
            from runs join events on (events.tenant, events.id) = (runs.tenant, event_id)
            join reached on reached.event = event_id left join deaths on deaths.event = event_id
            where flow = '{flow}'""",
    )
    assert sorted(told for told, _, _ in rows) == BOUNDARIES
    for told, died, reached in rows:
        assert died == told or (died is None and reached < told), f"boundary {told} was left out"
    died = {boundary for _, boundary, _ in rows} - {None}
    assert died >= {n for n in BOUNDARIES if n <= at_least}, (
        "a boundary that all runs have was left out"
    )
    assert LAST not in died, "not every boundary was reached"
    paid_twice = query(
        system,
        f"""select r.event_id, count(c.*) from runs r
            join steps s on (s.tenant, s.run_id) = (r.tenant, r.id) and s.model <> ''
            join calls c on c.event = r.event_id
            where r.flow = '{flow}' group by 1 having count(c.*) > max(s.attempt)""",
    )
    assert paid_twice == [], "a finished answer was asked for again"


def test_triage_leaves_one_comment_whenever_it_is_killed(system: System) -> None:
    github = system.github
    assert github
    numbers = [
        github.open_issue(REPOSITORY, f"Checkout crashes, boundary {n}", "A stack trace appears.")
        for n in BOUNDARIES
    ]
    assert wait_for(lambda: len(ended(system, "triage")) == len(BOUNDARIES))
    check_deaths_and_calls(system, "triage", at_least=18)
    for number in numbers:
        issue = github.issue(REPOSITORY, number)
        assert [comment["user"]["type"] for comment in issue["comments"]] == ["Bot"]
        assert "bug" in {label["name"] for label in issue["labels"]}


def test_chat_leaves_one_reply_whenever_it_is_killed(system: System) -> None:
    slack = system.slack
    assert slack
    threads = [
        slack.say(SUPPORT, f"<@{BOT_USER}> what do we know of boundary {n}?") for n in BOUNDARIES
    ]
    assert wait_for(lambda: len(ended(system, "chat")) == len(BOUNDARIES))
    check_deaths_and_calls(system, "chat", at_least=18)
    for ts in threads:
        question, *replies = slack.thread(SUPPORT, ts)
        assert [reply["user"] for reply in replies] == [BOT_USER]
        assert [(r["name"], r["count"]) for r in question["reactions"]] == [("eyes", 1)]
