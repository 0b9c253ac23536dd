"""What a deployment remembers between two sittings, in a file that its owner alone may read:
where it was, and never a secret. AWS, GitHub and Slack are asked for the rest."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from infra.project import ROOT
from shared.errors import SettingsError

FOLDER = ROOT / ".data" / "deploy"
_ELSEWHERE = "mend that, or name another folder with --data, and run this again"


class State:
    """Values by step and name. Each change is in the file before `put` returns."""

    def __init__(self, file: Path) -> None:
        """Raises SettingsError for a file that another program wrote, or that cannot be read."""
        self.file = file
        try:
            self._kept = _values(file.read_text("utf-8"))
        except FileNotFoundError:
            self._kept = {}
        except (ValueError, RecursionError) as err:
            raise SettingsError(
                f"{file} cannot be read; delete it, the deployment finds out again"
            ) from err
        except OSError as err:
            raise SettingsError(f"{file} cannot be read: {err.strerror}; {_ELSEWHERE}") from err

    @classmethod
    def of(cls, stack: str, region: str, account: str, folder: Path) -> Self:
        return cls(folder / f"{account}-{region}-{stack}.json")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time work on it, or each would make an app; a lock ends with the
        process, however that ends. Raises SettingsError."""
        with _writing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(file, "r+b") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise SettingsError(
                    "another command works on this already, perhaps in another terminal; go on"
                    " there, or stop it first"
                ) from err
            yield

    def get(self, step: str, name: str, default: Any = None) -> Any:
        """Return a value; the default also in the place of one of another type."""
        found = self._kept.get(step, {}).get(name, default)
        return found if default is None or isinstance(found, type(default)) else default

    def put(self, step: str, **values: Any) -> None:
        """Raises SettingsError where the file cannot be written; it is as it was then."""
        self._kept.setdefault(step, {}).update(values)
        self._save()

    def forget(self, step: str) -> None:
        if self._kept.pop(step, None) is not None:
            self._save()

    def _save(self) -> None:
        fresh = self.file.with_suffix(f".{os.getpid()}.new")
        with _writing(self.file):
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                    json.dump(self._kept, out, indent=1)
                    out.flush()
                    os.fsync(descriptor)
                fresh.replace(self.file)
            except OSError:
                with suppress(OSError):
                    fresh.unlink(missing_ok=True)
                raise


def _values(text: str) -> dict[str, dict[str, Any]]:
    """Read what `_save` wrote; raises ValueError for anything else."""
    found = json.loads(text)
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ValueError("no values by step and name")
    return found


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise SettingsError(f"{file} cannot be written: {err.strerror}; {_ELSEWHERE}") from err
