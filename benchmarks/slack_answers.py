"""How soon a person in Slack sees something: the built system on the local Lambda runtime, beside a
slack-bolt app with a lazy listener there."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from compileall import compile_file
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple
from urllib.parse import parse_qs

import urllib3

from benchmarks.bundles import Bundles
from benchmarks.loopback import Loopback, ReceivedRequest
from benchmarks.process import FunctionFailed, link_client
from benchmarks.table import Findings, Spread, Table
from benchmarks.world import SLACK_SECRET, World
from infra.local.aws.cloud import LocalCloud
from infra.local.system import System
from infra.project import ROOT

THINKING = 0.3
_MOST_ROUNDS = 5
#: Seconds until an answer must have come, and without a call after which it is over.
_PATIENCE, _QUIET = 30.0, 0.4
_SIGNS = ("assistant.threads.setStatus", "reactions.add")
_TEXTS = ("chat.postMessage", "chat.startStream")
_BOLT = (
    *("slack-bolt", "slack-sdk", "boto3", "botocore", "s3transfer", "jmespath"),
    *("python-dateutil", "six", "urllib3"),
)
_FLOOR = "slack-bolt, {}"
_COLUMNS = ("mention", "acknowledged", "x bolt", "first sign", "x bolt", "first text", "x bolt")
_TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Bolt:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bolt_app.handler
      Runtime: python3.11
      Timeout: 60
      MemorySize: 512
      ReservedConcurrentExecutions: {environments}
      Policies:
        - Version: "2012-10-17"
          Statement: [{{Effect: Allow, Action: "lambda:InvokeFunction", Resource: "*"}}]
      Environment:
        Variables:
          {{SLACK_BOT_TOKEN: "", SLACK_API_URL: "", SLACK_SIGNING_SECRET: "", MODEL_URL: ""}}
      Events:
        Slack: {{Type: Api, Properties: {{Method: POST, Path: /slack/events}}}}
"""


class SeenAnswer(NamedTuple):
    """Milliseconds from the signed request, without what the model took."""

    acknowledged: float
    sign: float
    text: float


class Stopwatch:
    """Hands calls on to the sandbox Slack and notes when each came."""

    def __init__(self, slack_url: str) -> None:
        self._slack = slack_url.removesuffix("/api/")
        self._pool = urllib3.PoolManager()
        self.calls: list[tuple[str, float]] = []

    def __call__(self, request: ReceivedRequest) -> bytes:
        method = request.path.rpartition("/")[2]
        if method != "assistant.threads.setStatus" or _is_set(request):
            self.calls.append((method, time.perf_counter()))
        kept = ("content-type", "authorization")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        url = self._slack + request.path
        return self._pool.request("POST", url, body=request.body, headers=headers).data

    def first(self, methods: Sequence[str]) -> float:
        """Wait for the first call of one of the methods; raises FunctionFailed."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for method, when in list(self.calls):
                if method in methods:
                    return when
            time.sleep(0.002)
        raise FunctionFailed(f"Slack was called with none of {', '.join(methods)}")

    def settle(self) -> None:
        """Wait until nothing more comes."""
        count = -1
        while count != len(self.calls):
            count = len(self.calls)
            time.sleep(_QUIET)


class SlackApp(NamedTuple):
    """An app that answers in Slack, and the cloud that runs it."""

    name: str
    cloud: LocalCloud


def measure_slack(bundles: Bundles, scratch: Path, world: World, rounds: int) -> Findings:
    """Send signed mentions to each app, cold and warm, and note what Slack sees of it."""
    watch, rounds = Stopwatch(world.slack.api_url), min(rounds, _MOST_ROUNDS)
    samples: dict[str, list[SeenAnswer]] = {}
    with ExitStack() as stack:
        slack_url = stack.enter_context(Loopback(watch)).url + "/api/"
        apps = list(_apps(stack, bundles, scratch / "slack", world, slack_url))
        world.models.delay = THINKING
        stack.callback(setattr, world.models, "delay", 0.0)
        for number in range(rounds + 1):
            print(f"\r  round {number} of {rounds}  ", end="", file=sys.stderr, flush=True)
            for app in apps:
                _end_processes(app.cloud)
                # The second may still start an environment, or open what one opens first.
                for state in ("cold", "", "warm"):
                    seen = _answered(app.cloud, world, watch)
                    if number and state:
                        samples.setdefault(f"{app.name}, {state}", []).append(seen)
        print(file=sys.stderr)
    return _findings(samples, rounds)


def _apps(
    stack: ExitStack, bundles: Bundles, folder: Path, world: World, slack_url: str
) -> Iterator[SlackApp]:
    model = world.variables("openai")["MODEL_LARGE"]
    slack = {
        "SLACK_API_URL": slack_url,
        "SLACK_BOT_TOKEN": world.slack.bot_token,
        "SLACK_SIGNING_SECRET": SLACK_SECRET,
    }
    ours = {
        "MODEL_SMALL": model,
        "MODEL_LARGE": model,
        "MODEL_EMBED": "hashing",
        "TENANTS": "acme=github:acme,slack:T0SANDBOX",
    }
    code = {name: bundles.get(name) for name in ("Ingress", "Chat")}
    system = System(data=folder / "system", environment=slack | ours, code=code)
    yield SlackApp("Agent Flows", stack.enter_context(system).cloud)
    theirs = slack | {"MODEL_URL": model.partition("#")[0]}
    bolt = link_client(folder / "bolt", _BOLT)
    shutil.copy(ROOT / "benchmarks" / "bolt_app.py", bolt)
    compile_file(bolt / "bolt_app.py", quiet=1)
    for most in (10, 1):
        template = folder / f"bolt-{most}.yaml"
        template.write_text(_TEMPLATE.format(environments=most), "utf-8")
        cloud = LocalCloud(template, environment=theirs, code={"Bolt": bolt})
        name = "slack-bolt" + ", one environment" * (most == 1)
        yield SlackApp(name, stack.enter_context(cloud))


def _end_processes(cloud: LocalCloud) -> None:
    """Leave no environment warm."""
    for pid in cloud.processes:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(pid, SIGKILL)
    while cloud.processes:
        time.sleep(0.01)


def _answered(cloud: LocalCloud, world: World, watch: Stopwatch) -> SeenAnswer:
    """Send one mention and wait for the answer; raises FunctionFailed when it is not taken."""
    asked = world.mention()
    watch.settle()
    watch.calls.clear()
    world.models.took.clear()
    began = time.perf_counter()
    url = f"{cloud.url}/slack/events"
    taken = urllib3.request(
        "POST", url, body=asked.body, headers=dict(asked.headers), timeout=_PATIENCE
    )
    acknowledged = time.perf_counter()
    if taken.status != 200:
        raise FunctionFailed(f"the mention was answered with {taken.status}: {taken.data[:200]!r}")
    text = watch.first(_TEXTS)
    sign = watch.first((*_SIGNS, *_TEXTS))
    thought = sum(world.models.took)
    watch.settle()
    return SeenAnswer(
        *(1e3 * took for took in (acknowledged - began, sign - began, text - began - thought))
    )


def _findings(samples: Mapping[str, Sequence[SeenAnswer]], rounds: int) -> Findings:
    rows = [
        _row(name, own, samples[_FLOOR.format(name.rpartition(" ")[2])])
        for name, own in samples.items()
    ]
    table = Table(
        "From the signed request of a mention until Slack sees it, ms",
        _COLUMNS,
        rows,
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, wall time, both as processes of the"
            " local Lambda runtime.",
            "Targets, cold: acknowledgement <= 0.5 x slack-bolt, first sign and first text <= 1 x.",
            f"The model takes {THINKING * 1e3:g} ms by its own clock, which is subtracted.",
            "slack-bolt: process_before_response, a lazy listener; sets the status, asks, posts."
            " Its lazy call comes while",
            "the first environment is busy and starts a second; with one environment it waits, and"
            " finds it warm.",
            "Agent Flows: the ingress, SNS and SQS in moto, chat with its journal, memory and"
            " checks in Postgres.",
        ),
    )
    raw = {name: [one._asdict() for one in own] for name, own in samples.items()}
    return Findings([table], raw)


def _row(name: str, own: Sequence[SeenAnswer], floor: Sequence[SeenAnswer]) -> list[str]:
    cells = [name]
    for ours, theirs in zip(zip(*own, strict=True), zip(*floor, strict=True), strict=True):
        pairs = zip(ours, theirs, strict=True)
        cells += [Spread.of(ours).text(0), Spread.of(a / b for a, b in pairs).text(2)]
    return cells


def _is_set(request: ReceivedRequest) -> bool:
    """Tell if the status of a thread is set, and not cleared."""
    body = request.body.decode()
    if "json" in request.headers.get("content-type", ""):
        return bool(json.loads(body).get("status"))
    return bool(parse_qs(body).get("status"))
