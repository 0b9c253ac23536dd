"""Reads what is set for later in the schedule group of a stack."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from shared.errors import EventError
from shared.events import Event, Json


def timers(scheduler: Any, group: str, limit: int = 1_000) -> list[Json]:
    """Return up to `limit` of the schedules of `group`, with boto3's client `scheduler`, the next
    first; raises botocore's errors."""
    found: list[Json] = []
    for name in _names(scheduler, group):
        if len(found) == limit:
            break
        # It may have fired a moment ago.
        with suppress(scheduler.exceptions.ResourceNotFoundException):
            found.append(_row(name, scheduler.get_schedule(GroupName=group, Name=name)))
    return sorted(found, key=lambda row: (row["at"], row["name"]))


def _names(scheduler: Any, group: str) -> Iterator[str]:
    for page in scheduler.get_paginator("list_schedules").paginate(GroupName=group):
        yield from (str(one["Name"]) for one in page["Schedules"])


def _row(name: str, schedule: Json) -> Json:
    """Return what people know a timer by, without what the flow gave it."""
    row = {"name": name, "at": schedule["ScheduleExpression"].removeprefix("at(")[:19]}
    try:
        event = Event.from_json(json.loads(schedule["Target"]["Input"])["Message"])
    except (EventError, ValueError, KeyError):
        return row | {"flow": "", "event": "no event", "conversation": "", "tenant": ""}
    flow = event.timer.get("flow") or event.type.rpartition(".")[2]
    about = {"event": event.type, "conversation": event.conversation, "tenant": event.tenant}
    return row | {"flow": flow} | about
