"""The person at the terminal: asks them, reads what is secret without showing it, opens their
browser. A script that answers beforehand has none."""

import getpass
import os
import select
import sys
import termios
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from shared.errors import AgentFlowsError

#: Seconds between two looks at what a person does elsewhere.
_PACE = 0.2


class NobodyThere(AgentFlowsError):
    """A question came up, and nobody is there to answer it."""


class Person:
    """`asked` is false for scripts: then proposals are taken, and what needs an answer fails."""

    def __init__(self, *, asked: bool) -> None:
        self.asked = asked
        self.is_there = asked and sys.stdin.isatty()

    def say(self, line: str = "") -> None:
        print(line, flush=True)

    def ask(self, question: str, proposal: str = "") -> str:
        """Return the answer, or the proposal for an empty one; raises NobodyThere without both."""
        if not self.is_there:
            if proposal:
                return proposal
            raise NobodyThere(f"nobody is there to answer: {question}")
        shown = f" [{proposal}]" if proposal else ""
        with _closed(question):
            return input(f"{question}{shown} ").strip() or proposal

    def agrees(self, question: str) -> bool:
        """Tell if the person says yes; a script has."""
        return not self.is_there or self.ask(f"{question} (yes/no)", "yes").lower() in {"y", "yes"}

    def secret(self, question: str) -> str:
        """Read a secret, which the terminal does not show; raises NobodyThere."""
        if not self.is_there:
            raise NobodyThere(f"nobody is there to paste: {question}")
        with _closed(question):
            return getpass.getpass(f"{question} (not shown) ").strip()

    def open(self, url: str) -> None:
        """Show the page in the browser of this machine, where it has one; print it anyway."""
        self.say(f"  {url}")
        if os.environ.get("SSH_CONNECTION") and not os.environ.get("BROWSER"):
            return
        # A browser of the terminal would not return before it ends.
        threading.Thread(target=_show, args=[url], daemon=True).start()

    def waits(self, seconds: float, come: Callable[[], bool]) -> str | None:
        """Wait until `come`, or for a line that the person pastes, which the terminal does not
        show. Returns the line, '' when it came, None when the time is over."""
        ends = time.monotonic() + seconds
        with _unseen(self.is_there):
            while time.monotonic() < ends:
                if come():
                    return ""
                if self.is_there and select.select([sys.stdin], [], [], 0)[0]:
                    line = sys.stdin.readline()
                    if line.strip():
                        return line.strip()
                    self.is_there = bool(line)  # the terminal is gone
                time.sleep(_PACE)
        return None


@contextmanager
def _closed(question: str) -> Iterator[None]:
    """Let the end of the input be nobody who answers."""
    try:
        yield
    except EOFError as err:
        raise NobodyThere(
            f"the input ended, and this is not answered: {question} The same command asks again"
        ) from err


def _show(url: str) -> None:
    with suppress(webbrowser.Error):
        webbrowser.open(url)


@contextmanager
def _unseen(is_terminal: bool) -> Iterator[None]:
    """Let the terminal not show what is typed or pasted."""
    if not is_terminal:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    quiet = list(before)
    quiet[3] = int(quiet[3]) & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
