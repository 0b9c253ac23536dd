"""A sandbox GitHub with a past: deliveries of any age that went well or badly."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.state import SandboxState


class Past(NamedTuple):
    """A delivery that was made `age` seconds ago and answered with `code`, 0 for no answer."""

    age: float
    guid: str
    code: int = 200
    redelivery: bool = False

    def row(self) -> dict[str, Any]:
        words = {0: "timed out", 200: "OK"}
        at = time.gmtime(time.time() - self.age)
        return {
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
            "guid": self.guid,
            "event": "issues",
            "payload": {"action": "opened", "issue": {"title": self.guid}},
            "redelivery": self.redelivery,
            "status": words.get(self.code, f"Invalid HTTP Response: {self.code}"),
            "status_code": self.code,
            "duration": 0.1,
            "answer": "",
        }


@contextmanager
def with_history(
    directory: Path, fresh: Path, past: Iterable[Past], url: str = ""
) -> Iterator[GitHubSandbox]:
    """Run a sandbox with these deliveries, the last one listed first; `url` takes new ones."""
    directory.mkdir()
    (directory / "github.jsonl").write_bytes((fresh / "github.jsonl").read_bytes())
    state = SandboxState(directory)
    for one in past:
        state.add("deliveries", **one.row())
    state.close()
    with GitHubSandbox(url, "secret", state=directory) as sandbox:
        yield sandbox
