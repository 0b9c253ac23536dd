"""Count and time things: a log line that CloudWatch also reads as metrics, without a call to its
API.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

A dimension's values are from a closed set, such as the names of our flows: CloudWatch charges for
each set of values. Ids stand in the line as fields. docs/metrics.md lists what is measured.
"""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

from shared.log import log_with, read_by_lambda

NAMESPACE = "AgentFlows"

#: Those of CloudWatch's units that we use; it has none for US dollars.
Unit = Literal["Count", "Seconds", "None"]


class Metric(NamedTuple):
    """The unit of a metric, and the fields of its line that are its dimensions."""

    unit: Unit
    dimensions: tuple[str, ...]


_RUN, _CALL, _EFFECT = ("flow", "end"), ("model", "role", "end"), ("kind", "end")
#: Its name begins with that of the stack, so that each stage has alarms of its own.
_FUNCTION = ("function",)
#: What the system measures by itself. A flow adds its own with the MetricsDesk.
METRICS = {
    "Accepted": Metric("Count", ("source",)),
    "Ignored": Metric("Count", ("source",)),
    "Rejected": Metric("Count", ("source",)),
    "Failed": Metric("Count", ("source",)),
    "Runs": Metric("Count", _RUN),
    "RunSeconds": Metric("Seconds", _RUN),
    "ModelCalls": Metric("Count", _CALL),
    "ModelSeconds": Metric("Seconds", _CALL),
    "InputTokens": Metric("Count", _CALL),
    "OutputTokens": Metric("Count", _CALL),
    "ModelCost": Metric("None", _CALL),
    "Effects": Metric("Count", _EFFECT),
    "EffectSeconds": Metric("Seconds", _EFFECT),
    "Recalls": Metric("Count", ("flow",)),
    "RecallSeconds": Metric("Seconds", ("flow",)),
    "Recalled": Metric("Count", ("flow",)),
    "WebhooksFailing": Metric("Count", _FUNCTION),
    "WebhooksRedelivered": Metric("Count", _FUNCTION),
    "WebhooksRecovered": Metric("Count", _FUNCTION),
    "WebhooksLost": Metric("Count", _FUNCTION),
}


def count(metric: str, message: str, **fields: object) -> None:
    """Log `message` with `fields`, and add one to `metric`."""
    measure(message, {metric: 1}, **fields)


def measure(message: str, values: Mapping[str, float | None], **fields: object) -> None:
    """Log `message` with `fields`, and measure `values`, by metric; those that are None are
    unknown. Metrics of one line have the same dimensions.

    Where no function runs, as in ./scripts/flows, nobody reads it and nothing is written.
    """
    known = {name: value for name, value in values.items() if value is not None}
    _write(message, known, _directive(tuple(known)), fields)


def measure_own(flow: str, run: str, metric: str, value: float, unit: Unit) -> None:
    """Measure what a flow named itself."""
    directive = _encoded(("flow",), {metric: unit})
    _write("measured", {metric: value}, directive, {"flow": flow, "run": run})


class _Directive(NamedTuple):
    dimensions: tuple[str, ...]
    text: str


def _write(
    message: str, values: Mapping[str, float], directive: _Directive, fields: Mapping[str, object]
) -> None:
    if read_by_lambda():
        # CloudWatch drops a line that lacks a dimension.
        by = {name: str(fields.get(name) or "none") for name in directive.dimensions}
        embedded = f'{{"Timestamp": {time.time() * 1000:.0f}, {directive.text}}}'
        log_with(f'"_aws": {embedded}', message, {**fields, **by, **values})


@cache
def _directive(names: tuple[str, ...]) -> _Directive:
    units: dict[str, Unit] = {name: METRICS[name].unit for name in names}
    return _encoded(METRICS[names[0]].dimensions, units)


def _encoded(dimensions: tuple[str, ...], units: Mapping[str, Unit]) -> _Directive:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [dimensions],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    return _Directive(dimensions, f'"CloudWatchMetrics": {json.dumps([directive])}')
