"""EventBridge Scheduler: sets the clock to publish one event, once.

Each schedule has a name that its maker derives, so setting it twice sets one clock. After it has
fired it deletes itself.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

import json
import math
import threading
import time
from collections.abc import Callable, Container, Iterator
from typing import Self
from urllib.parse import quote

from shared.aws.bus import publication
from shared.aws.signed_http import AwsConnection, HttpResponse, host_of
from shared.errors import PublishError, SettingsError
from shared.events import Event, Json
from shared.settings import Settings

#: Seconds. Nobody waits for these answers as Slack waits for the ingress.
_TIMEOUT = 3.0
#: A schedule fires within a minute of its time, so a time has no seconds:
#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
MINUTE = 60.0
#: Seconds that a request may take: the time that it names must not be over when it arrives.
_EARLY = 15.0
#: How the name of the bus ends.
_TOPIC = "-events.fifo"
#: How many names a list asks for at once; the most that AWS gives.
_PAGE = 100


class ScheduleRefused(PublishError):
    """The scheduler does not take this schedule, however often it is asked."""

    retryable = False


class Scheduler:
    """The one-time schedules of a stack, which publish to its topic in the role `role_arn`.
    Threads may share it: they take turns."""

    def __init__(
        self, role_arn: str, topic_arn: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        _, partition, _, region, _, topic = topic_arn.split(":") if topic_arn else [""] * 6
        # template.yaml calls the topic and the group after the stack.
        self.group = topic.removesuffix(_TOPIC)
        if not role_arn or self.group == topic:
            raise SettingsError(
                "TIMER_ROLE_ARN and TOPIC_ARN must be set for timers; template.yaml hands them to"
                " each flow"
            )
        self._role_arn = role_arn
        self._topic_arn = topic_arn
        self._target = f"arn:{partition}:scheduler:::aws-sdk:sns:publish"
        self._clock = clock
        host = host_of("scheduler", region)
        self._connection = AwsConnection("scheduler", region, host, timeout=_TIMEOUT)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError when the deployment hands over nothing to set a clock with."""
        return cls(settings.timer_role_arn, settings.topic_arn)

    def close(self) -> None:
        self._connection.close()

    def create(self, name: str, moment: float, event: Event) -> None:
        """Let `event` be published within a minute after `moment`, and at once if that is over.

        A name that is set already stays as it is. Raises PublishError; safe to repeat.
        """
        at = time.gmtime(math.ceil(max(moment, self._clock() + _EARLY) / MINUTE) * MINUTE)
        # Nobody's text may look like one of the scheduler's own placeholders.
        call = json.dumps(publication(self._topic_arn, event)).replace("<", r"\u003c")
        schedule = {
            "GroupName": self.group,
            "ScheduleExpression": time.strftime("at(%Y-%m-%dT%H:%M:%S)", at),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {"Arn": self._target, "RoleArn": self._role_arn, "Input": call},
        }
        self._checked("CreateSchedule", "POST", name, schedule, expected=(409,))

    def cancel(self, name: str) -> bool:
        """Delete a schedule; False when there is none, as after it fired. Raises PublishError."""
        where = f"{name}?groupName={self.group}"
        return self._checked("DeleteSchedule", "DELETE", where, expected=(404,)).status == 200

    def find(self, name: str) -> Json | None:
        """Return a schedule as GetSchedule does; None when there is none. Raises PublishError."""
        reply = self._checked(
            "GetSchedule", "GET", f"{name}?groupName={self.group}", expected=(404,)
        )
        found: Json = json.loads(reply.body)
        return found if reply.status == 200 else None

    def names(self) -> Iterator[str]:
        """Yield the names of all schedules of the group; raises PublishError."""
        token = ""
        while True:
            page = f"&NextToken={quote(token, safe='')}" if token else ""
            query = f"?MaxResults={_PAGE}{page}&ScheduleGroup={self.group}"
            found = json.loads(self._checked("ListSchedules", "GET", query).body)
            yield from (str(one["Name"]) for one in found["Schedules"])
            token = found.get("NextToken") or ""
            if not token:
                return

    def _checked(
        self,
        operation: str,
        method: str,
        where: str,
        fields: Json | None = None,
        expected: Container[int] = (),
    ) -> HttpResponse:
        path = f"/schedules/{where}" if where[:1] != "?" else f"/schedules{where}"
        body = json.dumps(fields).encode() if fields else b""
        with self._lock:
            reply = self._connection.request(method, path, _HEADERS, body)
        if reply.status == 200 or reply.status in expected:
            return reply
        error = ScheduleRefused if reply.status == 400 else PublishError
        raise error(
            f"scheduler: {operation} answered {reply.status} {_reason(reply.body)};"
            " look at TIMER_ROLE_ARN and at the function's policy (infra/flow.yaml)"
        )


_HEADERS = {"content-type": "application/json"}


def _reason(body: bytes) -> str:
    """Return AWS's own words, without what was sent."""
    try:
        said = json.loads(body)
        return str(said.get("Message") or said.get("message") or "")[:200]
    except (ValueError, AttributeError):
        return ""
