"""Remembers which of GitHub's deliveries the local front door took, across restarts."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

#: What is older than this is left alone, in seconds.
_HORIZON = 3600.0


class WebhookDelivery(NamedTuple):
    """One attempt of GitHub's, made `at` seconds since the epoch. Attempts to deliver the same
    event share its `guid`."""

    id: str
    guid: str
    event: str
    at: float

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        at = datetime.fromisoformat(row["delivered_at"]).timestamp()
        return cls(str(row["id"]), row["guid"], row["event"], at)


class PostedDeliveries:
    """Holds every id within the last hour and not only the last one, because a delivery that took
    GitHub long may be listed below one that was posted."""

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file.exists() else {}
        self._since: float | None = kept.get("since")
        self._times: dict[str, float] = kept.get("posted", {})

    def __contains__(self, delivery: WebhookDelivery) -> bool:
        return delivery.id in self._times

    def since(self, now: float, running: float) -> float:
        """Return when to begin: at the first start, or an hour ago if that is later.

        `now` is GitHub's time, which has whole seconds; we started `running` seconds ago.
        """
        if self._since is None:
            self._since = float(int(now - running))
            self._save()
        self._since = max(self._since, now - _HORIZON)
        return self._since

    def add(self, delivery: WebhookDelivery) -> None:
        self._times[delivery.id] = delivery.at
        self._save()

    def _save(self) -> None:
        oldest = self._since or 0.0
        self._times = {number: at for number, at in self._times.items() if at >= oldest}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"since": self._since, "posted": self._times}))
        fresh.replace(self._file)
