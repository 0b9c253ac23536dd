"""A queue in memory: it notes what a worker does with its records."""

from shared.aws.queue import Queue
from shared.events import Json


class QueueInMemory(Queue):
    """`hidden` are the seconds for which records were hidden, and `buried` the dead letters."""

    def __init__(self) -> None:
        self.hidden: list[float] = []
        self.buried: list[Json] = []

    def hide(self, record: Json, seconds: float) -> None:
        self.hidden.append(seconds)

    def bury(self, record: Json) -> None:
        self.buried.append(record)
