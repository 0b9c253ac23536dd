"""The moment by which a model call must end."""

import time


class Deadline:
    """A moment `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left, negative afterwards."""
        return self._at - time.monotonic()
