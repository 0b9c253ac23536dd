"""Count things: a log line that CloudWatch also reads as a metric, without a call to its API.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import time

from shared.log import log


def count(metric: str, message: str, *, source: str, **fields: object) -> None:
    """Log `message` with `fields`, and add one to `metric` of `source`."""
    directive = {
        "Namespace": "AgentFlows",
        "Dimensions": [["source"]],
        "Metrics": [{"Name": metric, "Unit": "Count"}],
    }
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    log(message, source=source, **fields, **{metric: 1, "_aws": embedded})
