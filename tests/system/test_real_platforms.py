"""./scripts/dev --github --slack: a real bot on this machine in one sitting at a terminal."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER
from infra.project import ROOT
from tests.system.quick import shipped_template
from tests.system.test_dev import command, processes_of
from tests.waiting import wait_for

BOTH = ("--github", "acme", "--slack")


class Terminal:
    """A terminal at which somebody answers the questions that the program asks."""

    def __init__(self, answers: Mapping[str, Callable[[], str]]) -> None:
        self._answers = answers
        self._answered: set[str] = set()
        self._ours, self.program = pty.openpty()
        self._seen = b""
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def text(self) -> str:
        return self._seen.decode("utf-8", "replace")

    def _watch(self) -> None:
        with suppress(OSError):  # the program is gone
            while data := os.read(self._ours, 4096):
                self._seen += data
                for question, answer in self._answers.items():
                    if question in self.text and question not in self._answered:
                        self._answered.add(question)
                        os.write(self._ours, f"{answer()}\n".encode())


@contextmanager
def dev(
    data: Path, environment: Mapping[str, str], terminal: Terminal, *arguments: str
) -> Iterator[None]:
    template = ["--template", str(shipped_template(data))]
    process = subprocess.Popen(
        command(data, *arguments, *template),
        cwd=ROOT,
        env={**os.environ, "MODEL_EMBED": "hashing", **environment},
        stdin=terminal.program,
        stdout=terminal.program,
        stderr=terminal.program,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_both_in_one_sitting_that_ctrl_c_stops_and_from_then_on(data_directory: Path) -> None:
    with (
        GitHubSandbox("", "unused") as github,
        SlackSandbox("http://127.0.0.1:9", "unused", pace=0.0) as slack,
    ):
        browser = ROOT / "tests/infra/deploy/browser.py"
        environment = {
            "SLACK_API_URL": slack.api_url,
            "GITHUB_API_URL": github.api_url,
            "BROWSER": f"{sys.executable} {browser} {data_directory}/address %s &",
        }
        sit = partial(dev, data_directory, environment)
        first = Terminal({"Refresh token": slack.apps.generate})
        with sit(first, *BOTH):
            assert wait_for(lambda: "App-level token, xapp" in first.text), first.text
        assert "Stopped; the same command goes on where this ended." in first.text
        second = Terminal(
            {
                "App-level token, xapp": lambda: slack.app_token,
                "Bot token, xoxb": lambda: slack.bot_token,
            }
        )
        with sit(second, *BOTH):
            assert wait_for(lambda: "Ctrl-C stops it" in second.text), second.text
            number = github.open_issue("acme/shop", "Checkout crashes when I press Pay")
            said = slack.say("#support", f"<@{BOT_USER}> what do we know about the crash?")
            assert wait_for(lambda: github.issue("acme/shop", number)["comments"]), second.text
            assert wait_for(lambda: len(slack.thread("#support", said)) > 1), second.text
            (comment,) = github.issue("acme/shop", number)["comments"]
            [slug] = github.apps()
            assert comment["user"]["login"] == f"{slug}[bot]"
            lines = "".join(_command_lines(data_directory))
        plain = Terminal({})
        with sit(plain):
            assert wait_for(lambda: "Ctrl-C stops it" in plain.text), plain.text
        assert len(github.apps()) == len(slack.apps.manifests) == 1
        _tells_no_secret(data_directory, first.text + second.text + plain.text + lines)


def _command_lines(data: Path) -> Iterator[str]:
    for number in processes_of(data):
        with suppress(OSError):  # it ended
            yield (Path("/proc") / number / "cmdline").read_bytes().decode("utf-8", "replace")


def _tells_no_secret(data: Path, text: str) -> None:
    """Neither the text nor what others may read has one."""
    names = ("github-app.json", "slack-app.json", "slack-configuration.json")
    kept = [json.loads((data / name).read_text()) for name in names]
    public = ("id", "expires", "name", "generated")
    secrets = [
        line
        for values in kept
        for name, value in values.items()
        if not name.endswith(public)
        for line in value.splitlines()
        if len(line) > 8 and not line.startswith("-----")
    ]
    assert len(secrets) > 10
    assert not [one for one in secrets if one in text]
    for file in data.rglob("*"):
        if file.is_file() and file.suffix in {".log", ".html", ".json", ".txt", ".out"}:
            private = stat.S_IMODE(file.stat().st_mode) == 0o600
            content = "" if private else file.read_text("utf-8", "replace")
            assert not [one for one in secrets if one in content], file
    for name in names:
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
