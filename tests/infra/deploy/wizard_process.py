"""./scripts/deploy in processes that die where a test says: `python -m … ` reads a sitting a line.

Emulated are SAM, in whose place a stack with the same outputs is made in moto's CloudFormation, the
call of the function that migrates, and the answers of Bedrock and of Lambda's quotas (they have
tests of their own). All else is the real program over real HTTP.
"""

import fcntl
import http.client
import json
import os
import pkgutil
import re
import signal
import sys
import termios
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.apps.state import State
from infra.bundle.target import newest_at_hand
from infra.deploy import stack, steps
from infra.deploy.__main__ import main
from infra.deploy.declared import declared_flows
from infra.deploy.stack import Destination
from infra.deploy.steps import checks, migrate, models, room
from infra.deploy.steps.step import Sitting
from infra.migrations.progress import Progress
from infra.migrations.watching import Watched
from tests.aws_descriptions import keep_descriptions

OUTPUTS = {
    "GitHubWebhookUrl": "/live/github/webhook",
    "SlackEventsUrl": "/live/slack/events",
    "RunsUrl": "/live/runs",
    "RotationFunction": "",
}


class Boundaries:
    """Counts what a sitting does that others can see, and sends itself a signal at one of it: the
    one whose line has `text` in it, or the one that comes so many later."""

    def __init__(self, text: str, later: int, number: int, log: Path) -> None:
        self._text = text
        self._left = later
        self._signal = number
        self._step = "start"
        self._counts = Counter[str]()
        self._log = log.open("a")

    def pass_by(self, what: str) -> None:
        line = f"{self._step}#{self._counts[self._step]} {what}"
        self._counts[self._step] += 1
        self._log.write(f"{line}\n")
        self._log.flush()
        if self._text and self._text in f"{line}\n":
            self._text = ""
            self._left += 1
        if not self._text and self._left:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), self._signal)

    def of_steps(self) -> None:
        """Let each step begin with a boundary, as the person is told of it."""
        say = Sitting.say

        def saying(sitting: Sitting, line: str) -> None:
            say(sitting, line)
            if begun := re.match(r"\n\[\d+/\d+\] (\w+): ", line):
                self._step = begun[1]
                self.pass_by("begins")

        _replace(Sitting, "say", saying)

    def around(self, owner: type, name: str, *, after: bool) -> None:
        """Let each call of a method be a boundary."""
        call: Callable[..., Any] = getattr(owner, name)

        def passing(mine: Any, *arguments: Any, **options: Any) -> Any:
            if not after:
                self.pass_by(f"before {name} {' '.join(map(str, arguments[:2]))}")
            result = call(mine, *arguments, **options)
            if after:
                self.pass_by(f"after {name}")
            return result

        _replace(owner, name, passing)


def _replace(owner: type, name: str, call: Callable[..., Any]) -> None:
    setattr(owner, name, call)


def sam(command: Sequence[str], place: Destination, settings: Mapping[str, str]) -> None:
    """Deploy a stack with the outputs of template.yaml, or leave it as it is."""
    if command[1] != "deploy":
        return
    name = command[command.index("--stack-name") + 1]
    with Path(os.environ["SAM_LOG"]).open("a") as log:
        log.write(f"{name}\n")
    client = boto3.client("cloudformation", region_name=place.region)
    outputs = {name: {"Value": os.environ["DOOR"] + path} for name, path in OUTPUTS.items()}
    bus = {"TopicName": f"{name}-events.fifo", "FifoTopic": True}
    resources = {"Events": {"Type": "AWS::SNS::Topic", "Properties": bus}}
    template = json.dumps({"Resources": resources, "Outputs": outputs})
    try:
        client.describe_stacks(StackName=name)
    except ClientError:
        client.create_stack(StackName=name, TemplateBody=template)


def migrated(client: Any, function: str, say: Any) -> Watched:
    return Watched([], [], [])


def invoked(client: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    if event.get("record"):
        return {"record": {"applied": [], "released": []}}
    return Progress()._asdict()


def reached(environment: Mapping[str, str]) -> list[str]:
    """AWS reaches this machine: it is on it."""
    return []


def counted(place: Destination, values: Mapping[str, str]) -> None:
    """Count no bundles: SAM built none."""


def passed(sitting: Sitting) -> None:
    """Ask nothing that moto does not answer: what Bedrock has, and Lambda's quotas."""


def sit(asked: dict[str, Any]) -> int:
    """Run one sitting in this process."""
    os.environ.update(asked["environment"])
    _sit_at(asked.get("terminal", os.devnull))
    out = os.open(asked["out"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    log = Path(asked["out"] + ".boundaries")
    boundaries = Boundaries(asked["text"], asked["later"], asked["signal"], log)
    boundaries.of_steps()
    boundaries.around(http.client.HTTPConnection, "putrequest", after=False)
    boundaries.around(http.client.HTTPConnection, "getresponse", after=True)
    boundaries.around(State, "put", after=True)
    sys.argv = ["deploy", *asked["arguments"]]
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _sit_at(terminal: str) -> None:
    """Read from a terminal, which is this process's own, or from nothing."""
    into = os.open(terminal, os.O_RDWR)
    if os.isatty(into):
        fcntl.ioctl(into, termios.TIOCSCTTY, 0)
    os.dup2(into, 0)
    sys.stdin = os.fdopen(0, closefd=False)


def _load() -> None:
    """Load once what each sitting would: steps, flows, Pythons, boto3's clients, and what signs
    with an App's key."""
    for module in pkgutil.iter_modules(steps.__path__):
        import_module(f"{steps.__name__}.{module.name}")
    import_module("shared.actions.github.app_jwt")
    declared_flows()
    newest_at_hand()
    keep_descriptions()
    session = boto3.Session(region_name="us-east-1")
    for service in ("sts", "secretsmanager", "cloudformation", "ssm", "lambda", "sns"):
        session.client(service)


def serve() -> None:
    """Fork a process for each line, and say how it ended."""
    stack.run_sam = sam
    migrate.migrate = migrated
    migrate._invoke = invoked
    vars(checks)["out_of_reach"] = reached
    stack.check_quotas = counted
    models.run = room.run = passed
    _load()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            os._exit(sit(json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
