"""The running test stack, as the tests talk to it."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from infra.local.aws.cloud import LocalCloud
from tests.waiting import PATIENCE, wait_for

TEMPLATE = Path(__file__).with_name("template.yaml")
#: How long a function may run, and how long a message that was not handled stays hidden.
VISIBILITY = 2


def is_alive(pid: int) -> bool:
    """Return True when the process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A cloud with the record that its workers write."""

    def __init__(self, directory: Path, visibility: int = VISIBILITY, **options: Any) -> None:
        self.record = directory / "record.jsonl"
        self.log: list[tuple[str, str]] = []
        environment = {"RECORD": str(self.record), **options.pop("environment", {})}
        self.cloud = LocalCloud(
            TEMPLATE,
            environment=environment,
            overrides={"VisibilityTimeout": str(visibility), "Timeout": str(visibility)},
            log=lambda function, line: self.log.append((function, line)),
            **options,
        )

    def request(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a GET, or a POST when there is a body, to the front door."""
        request = urllib.request.Request(f"{self.cloud.url}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as err:
            with err:
                return Answer(err.code, err.headers, err.read())

    def send(self, id: str, message: dict[str, Any], conversation: str = "c", **more: Any) -> None:
        """Publish a message through the front door; its record has the name `id`."""
        event = {"type": "github.issues.opened", "conversation": conversation, "id": id, **more}
        body = json.dumps({**event, "message": {"record": id, **message}}).encode()
        # A busy door asks to come again.
        answers = iter(lambda: self.request("/events", body), None)
        answer = next(answer for answer in answers if answer.status != 503)
        assert answer.status == 200, answer

    def let_go(self, name: str) -> None:
        """Let workers go on whose messages wait until `after` this name."""
        self.record.with_name(name).touch()

    def send_all(self, sends: list[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(len(sends)) as threads:
            for future in [threads.submit(send) for send in sends]:
                future.result()

    def records(self, *names: str) -> list[dict[str, Any]]:
        """Return what workers wrote about these messages, in the order in which they wrote it."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [record for line in lines if (record := json.loads(line))["name"] in names]

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Wait until the condition holds and return what it returned."""
        return wait_for(condition, log=self.log)

    def wait_for_records(self, count: int, *names: str) -> list[dict[str, Any]]:
        def enough() -> list[dict[str, Any]]:
            records = self.records(*names)
            return records if len(records) >= count else []

        records: list[dict[str, Any]] = self.wait_for(enough)
        return records

    def wait_until_idle(self) -> None:
        """Wait until no queue holds a message that is not dead."""
        self.wait_for(
            lambda: all(s.waiting == s.in_flight == 0 for s in self.cloud.queues().values())
        )
