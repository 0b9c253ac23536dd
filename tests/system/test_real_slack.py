"""./scripts/dev --slack: a real bot on this machine in one sitting at a terminal."""

import os
import pty
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER
from infra.project import ROOT
from tests.system.quick import shipped_template
from tests.system.test_dev import command
from tests.waiting import wait_for


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
def dev(slack: SlackSandbox, data: Path, terminal: Terminal) -> Iterator[None]:
    environment = {
        **os.environ,
        "SLACK_API_URL": slack.api_url,
        "BROWSER": "true",
        "MODEL_EMBED": "hashing",
    }
    template = ["--template", str(shipped_template(data))]
    process = subprocess.Popen(
        command(data, "--slack", *template),
        cwd=ROOT,
        env=environment,
        stdin=terminal.program,
        stdout=terminal.program,
        stderr=terminal.program,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_a_real_bot_answers_on_this_machine(data_directory: Path) -> None:
    with SlackSandbox("http://127.0.0.1:9", "unused", pace=0.0) as slack:
        answers: dict[str, Callable[[], str]] = {
            "Refresh token": slack.apps.generate,
            "App-level token, xapp": lambda: slack.app_token,
            "Bot token, xoxb": lambda: slack.bot_token,
        }
        terminal = Terminal(answers)
        with dev(slack, data_directory, terminal):
            assert wait_for(lambda: "Ctrl-C stops it" in terminal.text), terminal.text
            said = slack.say("#support", f"<@{BOT_USER}> what do we know about the crash?")
            assert wait_for(lambda: len(slack.thread("#support", said)) > 1), terminal.text
        assert slack.bot_token not in terminal.text and slack.app_token not in terminal.text
        again = Terminal({})
        with dev(slack, data_directory, again):
            assert wait_for(lambda: "Ctrl-C stops it" in again.text), again.text
        assert len(slack.apps.manifests) == 1
    for name in ("slack-app.json", "slack-configuration.json"):
        assert stat.S_IMODE((data_directory / name).stat().st_mode) == 0o600
