"""What a deployment remembers between two sittings, in a file that its owner alone may read:
where it was, and never a secret. AWS, GitHub and Slack are asked for the rest."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from infra.project import ROOT
from shared.errors import SettingsError

FOLDER = ROOT / ".data" / "deploy"


class State:
    """Values by step and name. Each change is in the file before `put` returns."""

    def __init__(self, file: Path) -> None:
        """Raises SettingsError for a file that another program wrote."""
        self.file = file
        self._kept: dict[str, dict[str, Any]] = {}
        try:
            self._kept = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            pass
        except ValueError as err:
            raise SettingsError(
                f"{file} cannot be read; delete it, the deployment finds out again"
            ) from err

    @classmethod
    def of(cls, stack: str, region: str, account: str, folder: Path) -> Self:
        return cls(folder / f"{account}-{region}-{stack}.json")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time work on it, or each would make an app; a lock ends with the
        process, however that ends. Raises SettingsError."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.file.with_suffix(".lock")
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise SettingsError(
                    "the same command runs already, perhaps in another terminal; go on there, or"
                    " stop it first"
                ) from err
            yield

    def get(self, step: str, name: str, default: Any = None) -> Any:
        return self._kept.get(step, {}).get(name, default)

    def put(self, step: str, **values: Any) -> None:
        self._kept.setdefault(step, {}).update(values)
        self._save()

    def forget(self, step: str) -> None:
        if self._kept.pop(step, None) is not None:
            self._save()

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.file.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(self._kept, out, indent=1)
            out.flush()
            os.fsync(descriptor)
        fresh.replace(self.file)
