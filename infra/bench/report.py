"""The report: counts, shares with intervals, latencies, cost, and the models compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.bench.comparison import difference, mcnemar, wilson
from infra.bench.jobs import Skipped
from infra.bench.ledger import Ledger
from shared.events import Json

_CONFUSIONS = 10
_LABELS = 20


@dataclass(frozen=True)
class Throughput:
    """The speed of this start. `calls` counts by model."""

    seconds: float
    calls: Mapping[str, int]
    stopped: str = ""


def report(ledger: Ledger, models: Sequence[str], skipped: Skipped, pace: Throughput) -> Json:
    """Return the report as plain JSON values, of all rows that this start covers, those done before
    too."""
    return {
        "models": {model: _of_model(ledger, model, pace) for model in models},
        "pairs": [_of_pair(ledger, models[0], second) for second in models[1:]],
        "bad_rows": skipped.bad_rows,
        "bad_rows_first": [bad._asdict() for bad in skipped.bad],
        "done_before": skipped.done,
        "asked_again": skipped.stale,
        "seconds": round(pace.seconds, 3),
        "stopped": pace.stopped,
    }


def is_clean(found: Json) -> bool:
    """Tell if every row was answered."""
    failed = any(model["failed"] for model in found["models"].values())
    return not (failed or found["bad_rows"] or found["stopped"])


def _of_model(ledger: Ledger, model: str, pace: Throughput) -> Json:
    [counted] = ledger.all("totals", model=model)
    timed = counted.pop("timed")
    return counted | {
        "failed": counted["rows"] - counted["ok"],
        "failures": ledger.all("failures", model=model),
        "accuracy": _share(counted["correct"], counted["scored"]),
        "labels": [
            {**label, "accuracy": _share(label["correct"], label["rows"])}
            for label in ledger.all("labels", model=model, most=_LABELS)
        ],
        "confusions": ledger.all("confusions", model=model, most=_CONFUSIONS),
        "latency_ms": {
            f"p{percent}": _percentile(ledger, model, timed, percent) for percent in (50, 95, 99)
        },
        "calls_per_second": round(pace.calls.get(model, 0) / pace.seconds, 3),
    }


def _share(correct: int, total: int) -> Json | None:
    if not total:
        return None
    low, high = wilson(correct, total)
    return {"share": correct / total, "low": low, "high": high}


def _percentile(ledger: Ledger, model: str, timed: int, percent: int) -> Any:
    """Return the nearest rank; None when nothing was timed."""
    if not timed:
        return None
    place = max(0, -(-timed * percent // 100) - 1)
    return ledger.all("latency", model=model, place=place)[0]["ms"]


def _of_pair(ledger: Ledger, first: str, second: str) -> Json:
    [counts] = ledger.all("paired", first=first, second=second)
    only = counts["only_first"], counts["only_second"]
    share, (low, high) = difference(*only, counts["rows"])
    return {
        "first": first,
        "second": second,
        **counts,
        "p": mcnemar(*only),
        "difference": {"share": share, "low": low, "high": high},
    }
