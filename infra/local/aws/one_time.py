"""One-time schedules of EventBridge Scheduler: kept until they fired, through restarts."""

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from infra.local.aws import cron
from infra.local.aws.environments import Log
from infra.local.aws.errors import LocalCloudError, TemplateError
from infra.local.aws.store import Store
from shared.events import Json

#: Seconds until a target that failed is called again.
_AGAIN = 5.0
_NAME = re.compile(r"[0-9a-zA-Z_.-]{1,64}")
#: What AWS wants of a schedule.
_WANTED = ("GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")

#: Calls a schedule's target, given its name, ARN, target, and the moment; raises LocalCloudError.
Call = Callable[[str, str, Json, datetime], None]


class SchedulerError(Exception):
    """An answer of the scheduler's API: `status` and `kind` as AWS gives them."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class OneTimeSchedules:
    """Fires each schedule once when it is due, and what was missed while nothing ran, from one
    thread. As in AWS it fires again when it does not know whether the last time went well."""

    def __init__(self, store: Store, arn: Callable[[str], str], *, again: float = _AGAIN) -> None:
        """`arn` returns that of a resource of the scheduler; a target that failed is called again
        after `again` seconds."""
        self._again = again
        self._store = store
        self._arn = arn
        self._log: Log = lambda name, line: None
        self.groups = {"default"}
        self._changed = threading.Condition()
        self._failed: dict[tuple[str, str], float] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self, call: Call, log: Log) -> None:
        """Fire what is due."""
        self._call, self._log = call, log
        self._thread = threading.Thread(target=self._run, name="one-time", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()

    def create(self, name: str, fields: Json) -> str:
        """Keep a schedule and return its ARN; raises SchedulerError as AWS refuses it."""
        group = str(fields.get("GroupName") or "default")
        self._check_group(group)
        due = _due(name, fields)
        with self._changed:
            if not self._store.add_schedule(group, name, json.dumps(fields), due):
                raise SchedulerError(409, "ConflictException", f"Schedule {name} already exists.")
            self._changed.notify_all()
        return self._arn_of(group, name)

    def delete(self, group: str, name: str) -> None:
        """Raises SchedulerError when there is none."""
        self._check_group(group)
        if not self._store.remove_schedule(group, name):
            raise _missing(name)

    def get(self, group: str, name: str) -> Json:
        """Return it as GetSchedule does; raises SchedulerError when there is none."""
        self._check_group(group)
        for known_group, known, body, _ in self._store.schedules():
            if (known_group, known) == (group, name):
                kept = {"Arn": self._arn_of(group, name), "Name": name, "State": "ENABLED"}
                fields: Json = json.loads(body)
                return fields | kept | {"GroupName": group}
        raise _missing(name)

    def names(self, group: str = "") -> list[tuple[str, str]]:
        """Return the groups and names of all schedules, or of those of a group."""
        return [(of, name) for of, name, *_ in self._store.schedules() if group in ("", of)]

    def fire(self, name: str) -> bool:
        """Fire a schedule now, whatever its time; False when there is none of that name."""
        for group, known, body, _ in self._store.schedules():
            if known == name:
                self._fire(group, name, json.loads(body), time.time())
                return True
        return False

    def _arn_of(self, group: str, name: str) -> str:
        return self._arn(f"schedule/{group}/{name}")

    def _check_group(self, group: str) -> None:
        if group not in self.groups:
            raise SchedulerError(
                404, "ResourceNotFoundException", f"Schedule group {group} does not exist."
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                now = time.time()
                due = [
                    (max(at, self._failed.get((group, name), 0.0)), group, name, body)
                    for group, name, body, at in self._store.schedules()
                ]
                due.sort()
                if not due or due[0][0] > now:
                    self._changed.wait(due[0][0] - now if due else None)
                    continue
            at, group, name, body = due[0]
            try:
                self._fire(group, name, json.loads(body), at)
            except LocalCloudError as err:
                self._failed[group, name] = time.time() + self._again
                self._log(name, str(err))

    def _fire(self, group: str, name: str, fields: Json, at: float) -> None:
        moment = datetime.fromtimestamp(at, UTC)
        self._call(name, self._arn_of(group, name), fields["Target"], moment)
        self._store.remove_schedule(group, name)


def _due(name: str, fields: Json) -> float:
    """Return the moment of a one-time schedule; raises SchedulerError for what AWS refuses."""
    expression, target = str(fields.get("ScheduleExpression", "")), fields.get("Target", {})
    lacks = [wanted for wanted in _WANTED if not fields.get(wanted)]
    if not _NAME.fullmatch(name) or lacks or not (target.get("Arn") and target.get("RoleArn")):
        raise _invalid(f"{name[:64]} lacks {', '.join(lacks) or 'a name, a target or a role'}")
    if not expression.startswith("at("):
        raise _invalid(f"{expression}: here the API takes one-time schedules only")
    if fields.get("ActionAfterCompletion") != "DELETE":
        raise _invalid("here a one-time schedule must say ActionAfterCompletion=DELETE")
    try:
        json.loads(target.get("Input", "{}"))
        zone = fields.get("ScheduleExpressionTimezone") or "UTC"
        moment = cron.parse(expression, zone)(datetime.min.replace(tzinfo=UTC))
    except (TemplateError, ValueError) as err:
        raise _invalid(f"Invalid Schedule Expression {expression}: {err}") from err
    assert moment is not None
    if moment.timestamp() < time.time() - 60:
        raise _invalid(f"{expression} is over")
    return moment.timestamp()


def _invalid(message: str) -> SchedulerError:
    return SchedulerError(400, "ValidationException", message)


def _missing(name: str) -> SchedulerError:
    return SchedulerError(404, "ResourceNotFoundException", f"Schedule {name} does not exist.")
