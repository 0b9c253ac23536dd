"""The local EventBridge Scheduler on a port of its own, without the rest of the cloud."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from werkzeug.wrappers import Response

from infra.local.aws.errors import LocalCloudError
from infra.local.aws.one_time import OneTimeSchedules
from infra.local.aws.scheduler_api import SchedulerApi
from infra.local.aws.store import Store
from infra.local.http_server import HttpServer
from shared.events import Event, Json

TOPIC = "arn:aws:sns:us-east-1:123456789012:agent-flows-events.fifo"
ROLE = "arn:aws:iam::123456789012:role/timers"


class LocalScheduler:
    """`called` are the calls of targets. The next `refusals` fail."""

    def __init__(self, schedules: OneTimeSchedules, url: str) -> None:
        self.schedules = schedules
        self.url = url
        self.called: list[Json] = []
        self.refusals = 0

    def call(self, name: str, arn: str, target: Json, at: datetime) -> None:
        if self.refusals:
            self.refusals -= 1
            raise LocalCloudError("sns: it is away")
        self.called.append(json.loads(target["Input"]))

    @property
    def events(self) -> list[Event]:
        return [Event.from_json(call["Message"]) for call in self.called]


@contextmanager
def local_scheduler(
    directory: Path | None = None, *, again: float = 0.01
) -> Iterator[LocalScheduler]:
    """Serve the API and fire what is due; `again` is the pause after a failure."""
    store = Store(directory)
    once = OneTimeSchedules(store, lambda resource: f"arn:aws:scheduler:::{resource}", again=again)
    once.groups.add("agent-flows")
    server = HttpServer()
    running = LocalScheduler(once, server.url)
    server.start(SchedulerApi(once, Response("another service", 404)))
    once.start(running.call, lambda name, line: None)
    try:
        yield running
    finally:
        server.stop()
        once.stop()
        store.close()
