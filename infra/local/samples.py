"""Sends one sample of each kind through the real front door, and shows what the agent did."""

import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.page import visible
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT, TEAM
from infra.local.system import System
from infra.terminal import paint
from shared.database import Row, queries

REPOSITORY = "acme/shop"
TITLE = "Checkout crashes when I press Pay"
BODY = (
    "Since this morning the app crashes as soon as I press Pay with an empty cart.\n\n"
    "Expected: a message that the cart is empty.\n"
    "Actual: a stack trace, `KeyError: 'total'` in checkout.py."
)
QUESTION = "what do we know about the crash at checkout?"

PULL_TITLE = "Sum up the cart"
PULL_BODY = "So that people see what they pay."
PULL_FILES = {
    "shop/cart.py": """\
def total(items=[]):
    if items == None:
        return 0
    items.sort()
    return sum(item.price for item in items)
"""
}

#: Seconds that a sample may take before it counts as not handled.
PATIENCE = 60.0

#: Seconds between two looks into the journal.
_PAUSE = 0.1

SQL = queries(__file__, "samples.sql")
Say = Callable[[str], object]


def show_samples(system: System, say: Say) -> bool:
    """Send a sample to each sandbox, show the result, and return True when all were handled. What
    fails is shown when it happens."""
    handled = True
    if system.github:
        handled &= _issue(system.github, say, system)
        handled &= _pull_request(system.github, say, system)
    if system.slack:
        handled &= _message(system.slack, say, system)
    return handled


def _issue(github: GitHubSandbox, say: Say, system: System) -> bool:
    number = github.open_issue(REPOSITORY, TITLE, BODY)
    say(f"  GitHub  {REPOSITORY}#{number} opened: {TITLE}")

    def answered() -> dict[str, Any] | None:
        issue = github.issue(REPOSITORY, number)
        return issue if issue["labels"] and issue["comments"] else None

    issue = _wait(answered, _Failures(system, f"github:{REPOSITORY}#{number}", say))
    if issue is None:
        return False
    say(f"          labels   {', '.join(label['name'] for label in issue['labels'])}")
    say(f"          comment  {_shown(issue['comments'][-1]['body'])}\n")
    return True


def _pull_request(github: GitHubSandbox, say: Say, system: System) -> bool:
    branch = f"cart-{uuid.uuid4().hex[:6]}"
    number = github.open_pull_request(
        REPOSITORY, PULL_TITLE, PULL_BODY, head=branch, files=PULL_FILES
    )
    say(f"  GitHub  {REPOSITORY}#{number}, a pull request: {PULL_TITLE}")

    def answered() -> str | None:
        comments = github.issue(REPOSITORY, number)["comments"]
        return comments[-1]["body"] if comments else None

    said = _wait(answered, _Failures(system, f"github:{REPOSITORY}#{number}", say))
    if said is None:
        return False
    say(f"          review   {_shown(said)}\n")
    return True


def _message(slack: SlackSandbox, say: Say, system: System) -> bool:
    text = f"<@{BOT_USER}> {QUESTION}"
    ts = slack.say(SUPPORT, text)
    say(f"  Slack   #support: @agent {QUESTION}")

    def answered() -> list[dict[str, Any]] | None:
        replies = [message for message in slack.thread(SUPPORT, ts) if message.get("bot_id")]
        return replies or None

    conversation = f"slack:{TEAM}:{SUPPORT}:{ts}"
    replies = _wait(answered, _Failures(system, conversation, say))
    if replies is None:
        return False
    say(f"          reply    {_shown(replies[-1]['text'])}\n")
    return True


class _Failures:
    """Says what goes wrong with a sample, each thing once."""

    def __init__(self, system: System, conversation: str, say: Say) -> None:
        self._system = system
        self._conversation = {"conversation": conversation}
        self._say = say
        self._said = set(system.failures)

    def state(self) -> str:
        """Say what is new, and return whether the sample's runs are `running`, `done` or
        `failed`."""
        runs = self._runs()
        for line in [*self._system.failures]:
            self._once(line)
        for run in runs:
            if run["reason"]:
                self._once(f"{run['flow']}, try {run['attempts']}: {run['reason']}")
        states = {run["state"] for run in runs}
        if not states or states & {"running", "retrying"}:
            return "running"
        return "failed" if "failed" in states else "done"

    def end(self, what: str) -> None:
        self._say(f"          {what}; see {self._system.log}")

    def _once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(f"          {paint('failed', 'red', sys.stdout)}   {line}")

    def _runs(self) -> list[Row]:
        try:
            url = self._system.settings.database_url
            with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
                return connection.execute(SQL["runs"].encode(), self._conversation).fetchall()
        except psycopg.Error as err:
            self._once(f"the database: {type(err).__name__}")
            return []


def _wait(answered: Callable[[], Any], failures: _Failures) -> Any:
    """Return what `answered` gives once the sample's runs have ended well, else None."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        state, found = failures.state(), answered()
        if state == "failed":
            failures.end("not handled")
            return None
        if found is not None and state == "done":
            return found
        time.sleep(_PAUSE)
    failures.end(f"not handled within {PATIENCE:.0f} s")
    return None


def _shown(text: str) -> str:
    """Return the text without its hidden mark and tags, a line under the other."""
    plain = visible(text).replace("<sub>", "").replace("</sub>", "")
    return ("\n" + " " * 19).join(line for line in plain.splitlines() if line.strip())
