"""Waiting for what another thread or process does: patiently, and no longer than it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: A busy machine takes many times as long as an idle one; only a failure waits for so long.
PATIENCE = 120.0


def wait_for(condition: Callable[[], T], seconds: float = PATIENCE, log: object = "") -> T:
    """Return what `condition` gives as soon as that is true; fail with `log` when time is up."""
    end, pause = time.monotonic() + seconds, 0.005
    while not (found := condition()):
        assert time.monotonic() < end, f"it did not happen within {seconds:g} s {log}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return found
