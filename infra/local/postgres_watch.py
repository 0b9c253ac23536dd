"""Starts the embedded Postgres again when it dies."""

import threading
import time
from collections.abc import Callable
from typing import Self

from infra.local.postgres import EmbeddedPostgres
from shared.errors import DatabaseUnavailable, SettingsError

#: Seconds between two looks, and the longest pause after a start that failed.
_INTERVAL, _PATIENCE = 0.5, 30.0


class PostgresWatch:
    """Looks after a server that was started, as a context manager. `say` gets what happens to it, a
    line each."""

    def __init__(self, postgres: EmbeddedPostgres, say: Callable[[str], None]) -> None:
        self._postgres = postgres
        self._say = say
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgres-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _INTERVAL
        while not self._stopping.wait(pause):
            pause = _INTERVAL
            if self._postgres.alive:
                continue
            if not self._postgres.is_made:
                self._say("Postgres has died: its data was deleted; stop, and start again")
                return
            self._say("Postgres has died; starting it again")
            start = time.monotonic()
            try:
                self._postgres.start()
                self._say(f"Postgres is back after {time.monotonic() - start:.1f} s")
            except (SettingsError, DatabaseUnavailable) as err:
                self._say(f"Postgres does not start: {err}")
                pause = _PATIENCE
