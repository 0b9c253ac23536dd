"""What a sitting remembers: for its owner alone, and by one process at a time."""

import os
import signal
import stat
from pathlib import Path

import pytest

from infra.apps.person import NobodyThere, Person
from infra.apps.state import State
from shared.errors import SettingsError


def test_two_sittings_at_once_would_make_two_apps(tmp_path: Path) -> None:
    file = tmp_path / "deploy" / "s.json"
    with State(file).alone():
        State(file).put("github", port=1)
        with pytest.raises(SettingsError, match="another command works on this already"):
            State(file).alone().__enter__()
        with State(file.with_name("other.json")).alone():
            pass
    with State(file).alone():
        pass
    modes = {stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
    assert modes == {0o600} and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_sitting_that_was_killed_holds_no_other_up(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with State(tmp_path / "s.json").alone():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with State(tmp_path / "s.json").alone():
        pass


@pytest.mark.parametrize("question", ["ask", "secret", "agrees"])
def test_a_terminal_that_ends_answers_nothing(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-D, or a terminal that was closed."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        person = Person(asked=True)
        assert person.is_there
        monkeypatch.setattr("builtins.input", _ends)
        monkeypatch.setattr("getpass.getpass", _ends)
        with pytest.raises(NobodyThere, match="the input ended, and this is not answered: Token"):
            getattr(person, question)("Token:")
    os.close(ours)


def _ends(prompt: str) -> str:
    raise EOFError
