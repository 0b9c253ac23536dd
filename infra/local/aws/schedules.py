"""EventBridge Scheduler: calls a schedule's target when it is due, or when it is fired by hand.

The template's schedules come again and again; those that functions make, in one_time, come once.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from infra.local.aws import cron
from infra.local.aws.environments import Log
from infra.local.aws.errors import LocalCloudError, TemplateError
from infra.local.aws.one_time import OneTimeSchedules
from infra.local.aws.queues import Invoke
from shared.events import Json

_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"


class Schedule(NamedTuple):
    """A schedule as the template declares it. `id` is its logical id."""

    id: str
    name: str
    arn: str
    next: cron.NextTime
    target: str
    input: str
    enabled: bool


#: Returns a boto3 client for a service of the local cloud.
Client = Callable[[str], Any]


class Scheduler:
    """Fires schedules on time, from one thread that sleeps until the next one is due."""

    def __init__(
        self,
        schedules: Iterable[Schedule],
        once: OneTimeSchedules,
        client: Client,
        invoke: Invoke,
        log: Log,
    ) -> None:
        self._schedules = list(schedules)
        self._once = once
        self._client = client
        self._invoke = invoke
        self._log = log
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(schedule.name for schedule in self._schedules)

    def start(self) -> None:
        self._once.start(self._call, self._log)
        self._thread.start()

    def stop(self) -> None:
        self._once.stop()
        self._stopping.set()
        self._thread.join()

    def fire(self, name: str) -> None:
        """Call the target of the schedule with this name or logical id now, even when it is
        disabled or has its time still to come."""
        if self._once.fire(name):
            return
        for schedule in self._schedules:
            if name in (schedule.id, schedule.name):
                self._fire(schedule, datetime.now(UTC))
                return
        known = ", ".join(self.names) or "none"
        raise LocalCloudError(f"there is no schedule {name!r}; known: {known}")

    def _run(self) -> None:
        now = datetime.now(UTC)
        due = {s: at for s in self._schedules if s.enabled and (at := s.next(now))}
        while due and not self._stopping.is_set():
            schedule, at = min(due.items(), key=lambda item: item[1])
            if self._stopping.wait(max(0.0, (at - datetime.now(UTC)).total_seconds())):
                return
            try:
                self._fire(schedule, at)
            except LocalCloudError as err:
                self._log(schedule.id, str(err))
            if following := schedule.next(at):
                due[schedule] = following
            else:
                del due[schedule]

    def _fire(self, schedule: Schedule, at: datetime) -> None:
        target = {"Arn": schedule.target, "Input": schedule.input}
        self._call(schedule.name, schedule.arn, target, at)

    def _call(self, name: str, arn: str, target: Json, at: datetime) -> None:
        """Call a target with its input; raises LocalCloudError when it refuses."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        arguments = json.loads(_with_context(arn, target.get("Input", "{}"), at))
        if not target["Arn"].startswith(_UNIVERSAL):
            self._invoke(target["Arn"], arguments)
            return
        try:
            service, action = _service_and_action(target["Arn"])
        except TemplateError as err:
            raise LocalCloudError(str(err)) from err
        call = getattr(self._client(service), xform_name(action), None)
        if call is None:
            raise LocalCloudError(f"schedule {name}: {service} has no action {action}")
        try:
            call(**arguments)
        except (BotoCoreError, ClientError) as err:
            raise LocalCloudError(f"schedule {name}: {service}:{action}: {err}") from err


def schedule_of(id: str, name: str, arn: str, properties: Json) -> Schedule:
    """Read an AWS::Scheduler::Schedule; raises TemplateError when it cannot run here."""
    target = properties["Target"]
    if target["Arn"].startswith(_UNIVERSAL):
        _service_and_action(target["Arn"])
    elif ":function:" not in target["Arn"]:
        raise TemplateError(f"{id}: target {target['Arn']} is neither a function nor {_UNIVERSAL}…")
    try:
        json.loads(target.get("Input", "{}"))
    except ValueError as err:
        raise TemplateError(f"{id}: Input is no JSON: {err}") from err
    zone = properties.get("ScheduleExpressionTimezone", "UTC")
    return Schedule(
        id,
        name,
        arn,
        cron.parse(properties["ScheduleExpression"], zone),
        target["Arn"],
        target.get("Input", "{}"),
        properties.get("State", "ENABLED") == "ENABLED",
    )


def _service_and_action(arn: str) -> tuple[str, str]:
    service, _, action = arn.removeprefix(_UNIVERSAL).partition(":")
    if not action:
        raise TemplateError(f"{arn} names no action; expected {_UNIVERSAL}sns:publish")
    return service, action[0].upper() + action[1:]


def _with_context(arn: str, text: str, at: datetime) -> str:
    """Replace the context attributes in an input.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    values = {
        "schedule-arn": arn,
        "scheduled-time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
