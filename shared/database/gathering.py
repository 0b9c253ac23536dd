"""Gathers statements for the next transaction. Threads that only record something at the same time
share one, so the slowest of many answers does not wait for a commit of each of the others."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.database import Statement
from shared.errors import Stopped


class Batch:
    """Statements that are committed together. `is_over` is True once they were tried."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.is_over = False
        self.failed: BaseException | None = None


class Gathering:
    """The statements that wait for the next transaction of a run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._batch = Batch()

    def add(self, statements: Sequence[Statement]) -> Batch:
        """Add statements, and return the batch that they are committed with."""
        with self._lock:
            self._batch.statements += statements
            return self._batch

    @contextmanager
    def taken(
        self, batch: Batch | None = None, own: Sequence[Statement] = ()
    ) -> Iterator[list[Statement] | None]:
        """Take all that waits, and behind it its `own` statements, for a transaction inside this
        block, one thread at a time. No other thread's transaction has those.

        Yields None when another thread's transaction had the `batch` already. Raises what that one
        raised. When the run was stopped they wait on, for they have happened.
        """
        with self._turn:
            if batch and batch.is_over:
                if batch.failed:
                    raise batch.failed
                yield None
                return
            with self._lock:
                mine, self._batch = self._batch, Batch()
                mine.statements += own
            try:
                yield mine.statements
            except BaseException as err:
                mine.failed = err
                if isinstance(err, Stopped):
                    with self._lock:
                        self._batch.statements[:0] = mine.statements
                raise
            finally:
                mine.is_over = True
