"""Cold starts and warm requests of the built functions, beside a function that does nothing."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundles import Bundles
from benchmarks.certificate import make_tls
from benchmarks.loopback import Loopback, ReceivedRequest, published
from benchmarks.process import Launch, StartSample, link_client, measure
from benchmarks.table import Findings, Spread, Table
from benchmarks.world import (
    GITHUB_SECRET,
    SLACK_SECRET,
    World,
    gateway_event,
    github_event,
    nightly,
    queue_event,
    slack_event,
)
from infra.bundle.build import TemplateText
from infra.bundle.settings import settings_read
from infra.project import ROOT
from shared.events import Json

_EMPTY = (
    '"""The least that a function can be."""\n\n\ndef handler(event, context):\n    return {}\n'
)
_WARM_REQUESTS = 60
_WARM_RUNS = 4
_STARTS = (
    *("cold start", "CPU ms to ready", "x empty", "CPU ms with first request", "x empty"),
    *("wall ms to ready", "max RSS MB"),
)
_REQUESTS = ("requests", "first: CPU ms", "first: wall ms", "warm: CPU ms", "warm: wall ms")


class StartCase(NamedTuple):
    """One kind of start: its name in the table, what is started, and the events that it gets."""

    name: str
    launch: Launch
    events: Callable[[], list[Json]]


Samples = Mapping[str, Sequence[StartSample]]


def measure_ingress(bundles: Bundles, scratch: Path, world: World, rounds: int) -> Findings:
    """Start the built ingress against an empty handler, with what GitHub and Slack send, signed."""
    client = link_client(scratch / "client")
    webhook, message = gateway_event(world.issue_opened()), gateway_event(world.mention())
    tls, roots = make_tls(scratch)
    with Loopback(_aws) as plain, Loopback(_aws, tls) as secure:
        trusted = {"SSL_CERT_FILE": str(roots), "AWS_CA_BUNDLE": str(roots)}
        over_tls = {**_ingress_variables(secure.url), **trusted}  # both services, each a connection
        to_slack = _slack(secure.url, over_tls)
        waking = _Requests(
            lambda: [webhook] * (1 + _WARM_REQUESTS),
            # Slack's signature ends after five minutes.
            lambda: [gateway_event(world.mention())] * (1 + _WARM_REQUESTS),
            lambda: [gateway_event(world.shortcut())] * (1 + _WARM_REQUESTS),
        )
        over_http = _ingress_variables(plain.url)
        started = _ingress_cases(bundles, client, waking, (over_http, over_tls, to_slack))
        empty = StartCase("empty handler", _empty(scratch, client), waking.issues)
        samples = _rounds([empty, *started], rounds)
    return _findings(
        "Ingress, as built, under awslambdaric",
        samples,
        (
            *_notes(rounds),
            *_ABOUT_THE_INGRESS,
            f"An issue is a signed issues.opened of {len(webhook['body'])} bytes, a message a"
            f" signed app_mention of {len(message['body'])}.",
        ),
    )


_ABOUT_THE_INGRESS = (
    "Targets: <= 2.3 x empty; warm <= 0.7 ms of CPU with the publish. It reads its secret",
    "when it starts, over a connection of its own. Both services are on loopback.",
    "Opening a modal: the token is read, then views.open in the request, then the publish;",
    "Slack is on loopback too, and waits 3 s for all of it.",
    "In AWS the publish goes over TLS. Bare: the floor; Chalice, the signature's check and",
    "the body published as it came. Botocore: the same ingress with AWS's own client.",
)


class _Requests(NamedTuple):
    """What makes the requests of each kind, anew for each start."""

    issues: Callable[[], list[Json]]
    messages: Callable[[], list[Json]]
    presses: Callable[[], list[Json]]


def _ingress_cases(
    bundles: Bundles,
    client: Path,
    waking: _Requests,
    variables: tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]],
) -> Iterator[StartCase]:
    """Yield the starts of the ingress; `variables` lead it to AWS over HTTP, over TLS, and over TLS
    with a Slack."""
    handler = TemplateText(ROOT).function("Ingress").handler
    over_http, over_tls, to_slack = (dict(one) for one in variables)
    ours = bundles.get("Ingress")
    for way, chosen in (("HTTP", over_http), ("TLS", over_tls)):
        launch = Launch(ours, handler, chosen, client)
        yield StartCase(f"issue, SNS over {way}", launch, waking.issues)
        yield StartCase(f"message, SNS over {way}", launch, waking.messages)
    modal = Launch(ours, handler, to_slack, client)
    yield StartCase("open a modal, over TLS", modal, waking.presses)
    others = {
        "bare": bundles.ingress_with("bare_ingress.py", "shared/web/ingress.py"),
        "botocore": bundles.ingress_with("botocore_bus.py", "shared/aws/bus.py"),
    }
    for other, bundle in others.items():
        launch = Launch(bundle, handler, over_tls, client)
        yield StartCase(f"issue, {other} over TLS", launch, waking.issues)
        yield StartCase(f"message, {other} over TLS", launch, waking.messages)


def measure_flows(bundles: Bundles, scratch: Path, world: World, rounds: int) -> Findings:
    """Start the built function of each flow, as deployed on Bedrock and with the offline model."""
    client = link_client(scratch / "client-of-flows")
    empty = StartCase("empty handler", _empty(scratch, client), lambda: [{}] * (1 + _WARM_RUNS))
    samples = _rounds([empty, *_flow_cases(bundles, world, client)], rounds)
    return _findings(
        "Flow functions, as built, under awslambdaric",
        samples,
        (
            *_notes(rounds),
            "Target: <= 10 x empty, aim 5.",
            "A request is a whole run: a real event, Postgres over a Unix socket, the sandboxes,",
            "a Bedrock on loopback that answers at once. The first holds the first connections",
            "and what is imported late.",
        ),
    )


def _flow_cases(bundles: Bundles, world: World, client: Path) -> Iterator[StartCase]:
    wakes: dict[str, Callable[[], Json]] = {
        "Chat": lambda: queue_event(slack_event(world.mention())),
        "Triage": lambda: queue_event(github_event(world.issue_opened())),
        "Retention": lambda: queue_event(nightly()),
    }
    for function, wake in wakes.items():
        declared = TemplateText(ROOT).function(function)
        # Settings and secrets as variables: Secrets Manager is measured at the ingress.
        read = settings_read(*declared.entries) | {"FLOW"}
        # What runs by the clock here asks no model, and works for all tenants.
        nightly_run = function == "Retention"
        for models in ("no",) if nightly_run else ("bedrock", "offline"):
            login = "operator" if nightly_run else "runtime"
            variables = {**world.variables(models, login), "FLOW": declared.flow}
            own = {name: variables[name] for name in variables if _is_handed(name, read)}
            launch = Launch(bundles.get(function), declared.handler, own, client)
            yield StartCase(f"{function}, {models} models", launch, partial(_woken, wake))


def _is_handed(name: str, read: frozenset[str]) -> bool:
    """Does a function get this variable: for its code, or in place of AWS's network?"""
    return name in read or name.startswith("AWS_ENDPOINT_URL_")


def _woken(wake: Callable[[], Json]) -> list[Json]:
    return [wake() for _ in range(1 + _WARM_RUNS)]


def _aws(delivery: ReceivedRequest) -> bytes:
    """AnswerRequest as SNS and Secrets Manager do."""
    if delivery.path.endswith("/views.open"):
        return b'{"ok":true,"view":{}}'
    if not delivery.headers.get("x-amz-target", "").startswith("secretsmanager."):
        return published(delivery)
    held = {"github_webhook_secret": GITHUB_SECRET, "slack_signing_secret": SLACK_SECRET}
    if b"benchmark/slack" in delivery.body:
        held = {"slack_bot_token": "xoxb-benchmark"}
    return json.dumps({"SecretString": json.dumps(held), "CreatedDate": 1.7e9}).encode()


def _slack(url: str, more: Mapping[str, str]) -> dict[str, str]:
    """Name a Slack in place of the real one, and the secret of its token."""
    return {**more, "SLACK_API_URL": f"{url}/api/", "LATER_SECRETS": "benchmark/slack"}


def _ingress_variables(aws: str) -> dict[str, str]:
    """The variables of the template, and in place of AWS's network. Its bundle has the rest."""
    return {
        "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:benchmark-events.fifo",
        "PAYLOAD_BUCKET": "benchmark-payloads",
        "SECRETS": "benchmark/webhooks",
        "AWS_ENDPOINT_URL_SNS": aws,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws,
    }


def _empty(scratch: Path, client: Path) -> Launch:
    folder = scratch / "empty"
    folder.mkdir(exist_ok=True)
    (folder / "empty.py").write_text(_EMPTY)
    return Launch(folder, "empty.handler", {}, client)


def _rounds(cases: Sequence[StartCase], rounds: int) -> dict[str, list[StartSample]]:
    """Start each case once per round, so that what else the machine does falls on all alike.

    A round before the first warms the disk's cache and is not counted.
    """
    samples: dict[str, list[StartSample]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        print(f"\r  round {number} of {rounds}  ", end="", file=sys.stderr, flush=True)
        for case in cases:
            events = [json.dumps(event).encode() for event in case.events()]
            sample = measure(case.launch, events)
            if number:
                samples[case.name].append(sample)
    print(file=sys.stderr)
    return samples


def _notes(rounds: int) -> tuple[str, ...]:
    return (
        f"Medians (p10-p90) of {rounds} interleaved rounds. CPU is of the function's own process,"
        " from its spawn.",
        "A request is measured until the function asks for the next one.",
    )


def _findings(title: str, samples: Samples, notes: Sequence[str]) -> Findings:
    empty = next(iter(samples.values()))
    starts = [_start(name, own, empty) for name, own in samples.items()]
    requests = [_requests(name, own) for name, own in samples.items()]
    tables = [Table(title, _STARTS, starts), Table("", _REQUESTS, requests, notes)]
    return Findings(tables, {name: [one._asdict() for one in own] for name, own in samples.items()})


def _start(name: str, own: Sequence[StartSample], empty: Sequence[StartSample]) -> list[str]:
    pairs = list(zip(own, empty, strict=True))
    return [
        name,
        Spread.of(one.start_cpu for one in own).text(),
        Spread.of(one.start_cpu / base.start_cpu for one, base in pairs).text(2),
        Spread.of(one.answered_cpu for one in own).text(),
        Spread.of(one.answered_cpu / base.answered_cpu for one, base in pairs).text(2),
        Spread.of(one.start_wall for one in own).text(),
        f"{Spread.of(one.rss for one in own).median:.0f}",
    ]


def _requests(name: str, own: Sequence[StartSample]) -> list[str]:
    return [
        name,
        Spread.of(one.first_cpu for one in own).text(),
        Spread.of(one.first_wall for one in own).text(),
        Spread.of(value for one in own for value in one.warm_cpu).text(2),
        Spread.of(value for one in own for value in one.warm_wall).text(2),
    ]
