"""Mapping: a function for each item of a stream, in threads, with a bounded part in memory."""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar, overload

from shared.actions.effects import branch
from shared.agent.spilling import Place, Spill, spill_of
from shared.canonical import digest
from shared.errors import ReplayError, SettingsError, Stopped
from shared.journal import Outcome, Run
from shared.settings import Settings

T = TypeVar("T")
Item = TypeVar("Item")

#: So many items for each thread are taken before the oldest of them has ended: a slow one holds up
#: nothing for long.
_AHEAD = 8


class Results(Sequence[T], Generic[T]):
    """The results of a map, in order. Those beyond `memory` bytes are spilled, and read when they
    are asked for."""

    def __init__(self, memory: float, spill: Spill) -> None:
        self._left = memory
        self._kept: list[Any] = []
        self._spill = spill

    def add(self, result: T) -> None:
        """Keep a result. What cannot be pickled stays in memory, whatever its size."""
        try:
            packed = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError):
            self._kept.append(result)
            return
        if len(packed) <= self._left:
            self._left -= len(packed)
            self._kept.append(result)
            return
        self._left = 0  # later ones follow it, so that reading in order reads them in order
        self._kept.append(self._spill.write(packed))

    @property
    def spilled(self) -> int:
        """The bytes that are not in memory."""
        return self._spill.end

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self._read(kept) for kept in self._kept[at]]
        return self._read(self._kept[at])

    def __iter__(self) -> Iterator[T]:
        return map(self._read, self._kept)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | Results):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        raise TypeError("the results of a map cannot be hashed, as no list can")

    def _read(self, kept: Any) -> T:
        if isinstance(kept, Place):
            kept = pickle.loads(self._spill.read(kept))
        result: T = kept
        return result


def results_of(settings: Settings, run: str) -> Results[Any]:
    """Return the results of a map of this run, none yet, kept as MAP_MEMORY_MB and MAP_SPILL say;
    raises SettingsError."""
    try:
        return Results(int(settings.map_memory_mb) * 1e6, spill_of(settings, run))
    except ValueError as err:
        told = f"MAP_MEMORY_MB is {settings.map_memory_mb!r}; expected a whole number"
        raise SettingsError(told) from err


def mapped(
    run: Run,
    function: Callable[[Item], T],
    items: Iterable[Item],
    workers: int,
    results: Results[T],
) -> Results[T]:
    """Add what `function` returns for all `items` to the results, in order; raise the first error
    after all others have ended. A stopped run takes no more items."""

    def work(number: int, item: Item) -> T:
        branch.set(f"{branch.get()}/{number}")
        return function(item)

    failed = list[BaseException]()
    under_way = deque[Future[T]]()

    def settle() -> None:
        future = under_way.popleft()
        if err := future.exception():
            del failed[1:]
            failed.append(err)
        elif not failed:
            results.add(future.result())

    with ThreadPoolExecutor(workers) as threads:
        try:
            for number, item in enumerate(_recorded(run, items)):
                under_way.append(threads.submit(copy_context().run, work, number, item))
                if len(under_way) >= workers * _AHEAD:
                    settle()
                if failed and isinstance(failed[-1], Stopped):
                    break
        finally:
            while under_way:
                settle()
    if failed:
        raise failed[0]
    return results


def _recorded(run: Run, items: Iterable[Item]) -> Iterator[Item]:
    """Record what a stream gives, and its end; raise ReplayError if a retry is given others.

    What is no stream is a value that the flow has made already.
    """
    if iter(items) is not items:
        yield from items
        return
    number = -1
    for number, item in enumerate(items):
        _compare(run, number, digest(item))
        yield item
    _compare(run, number + 1, "")


def _compare(run: Run, number: int, given: str) -> None:
    about = {"branch": branch.get(), "number": number}
    recorded = run.step("item", about, lambda: Outcome(given), defer=True)
    if recorded != given:
        raise ReplayError(
            f"item {number + 1} of agent.map is not the one that this run recorded; let the items"
            " depend on the event and on steps such as agent.read, not on the clock or on chance"
        )
