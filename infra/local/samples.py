"""Sends one sample of each kind through the real front door, and shows what the agent did."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.page import visible
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT
from infra.local.system import System

REPOSITORY = "acme/shop"
TITLE = "Checkout crashes when I press Pay"
BODY = (
    "Since this morning the app crashes as soon as I press Pay with an empty cart.\n\n"
    "Expected: a message that the cart is empty.\n"
    "Actual: a stack trace, `KeyError: 'total'` in checkout.py."
)
QUESTION = "what do we know about the crash at checkout?"

#: Seconds that a sample may take before it counts as not handled.
PATIENCE = 60.0

Say = Callable[[str], object]


def show_samples(system: System, say: Say) -> bool:
    """Send a sample to each sandbox, show the result, and return True when all were handled."""
    handled = True
    if system.github:
        handled &= _issue(system.github, say, system.log)
    if system.slack:
        handled &= _message(system.slack, say, system.log)
    return handled


def _issue(github: GitHubSandbox, say: Say, log: Path) -> bool:
    number = github.open_issue(REPOSITORY, TITLE, BODY)
    say(f"  GitHub  {REPOSITORY}#{number} opened: {TITLE}")

    def answered() -> dict[str, Any] | None:
        issue = github.issue(REPOSITORY, number)
        return issue if issue["labels"] and issue["comments"] else None

    issue = _wait(answered)
    if issue is None:
        say(f"          not handled within {PATIENCE:.0f} s; see {log}")
        return False
    say(f"          labels   {', '.join(label['name'] for label in issue['labels'])}")
    say(f"          comment  {_shown(issue['comments'][-1]['body'])}\n")
    return True


def _message(slack: SlackSandbox, say: Say, log: Path) -> bool:
    text = f"<@{BOT_USER}> {QUESTION}"
    ts = slack.say(SUPPORT, text)
    say(f"  Slack   #support: @agent {QUESTION}")

    def answered() -> list[dict[str, Any]] | None:
        replies = [message for message in slack.thread(SUPPORT, ts) if message.get("bot_id")]
        return replies or None

    replies = _wait(answered)
    if replies is None:
        say(f"          not handled within {PATIENCE:.0f} s; see {log}")
        return False
    say(f"          reply    {_shown(replies[-1]['text'])}\n")
    return True


def _wait(answered: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (found := answered()) is not None:
            return found
        time.sleep(0.05)
    return None


def _shown(text: str) -> str:
    """Return the text without its hidden mark and tags, a line under the other."""
    plain = visible(text).replace("<sub>", "").replace("</sub>", "")
    return ("\n" + " " * 19).join(line for line in plain.splitlines() if line.strip())
