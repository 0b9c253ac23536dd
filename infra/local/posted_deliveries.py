"""Remembers the GitHub deliveries that the local front door took, across restarts."""

import json
from pathlib import Path

from shared.github_app.deliveries import HookDelivery

#: Seconds after which a delivery is left alone.
_HORIZON = 3600.0


class PostedDeliveries:
    """Holds every id of the last hour, because GitHub may list a slow delivery below one that was
    posted."""

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file.exists() else {}
        self._since: float | None = kept.get("since")
        self._times: dict[str, float] = kept.get("posted", {})

    def __contains__(self, delivery: HookDelivery) -> bool:
        return str(delivery.id) in self._times

    def since(self, now: float, running: float) -> float:
        """Return the time to begin from: the first start, or an hour ago if that is later.

        `now` is GitHub's time, in whole seconds; we started `running` seconds ago.
        """
        if self._since is None:
            self._since = float(int(now - running))
            self._save()
        self._since = max(self._since, now - _HORIZON)
        return self._since

    def add(self, delivery: HookDelivery) -> None:
        self._times[str(delivery.id)] = delivery.at
        self._save()

    def _save(self) -> None:
        oldest = self._since or 0.0
        self._times = {number: at for number, at in self._times.items() if at >= oldest}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"since": self._since, "posted": self._times}))
        fresh.replace(self._file)
