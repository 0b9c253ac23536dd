"""The report as lines of text for people."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from shared.events import Json

_STOPPED = {
    "interrupted": "Interrupted. Start again to go on; what is done is kept.",
    "budget": "The budget is reached. Raise --budget and start again to go on.",
    "hopeless": "Stopped: all calls failed, from the first on. Mend the cause and start again.",
    "failed": "Stopped by a defect; see above.",
    "waiting": "Batches are under way. Start again to fetch their answers.",
}


def lines(found: Json) -> Iterator[str]:
    """Yield the report line by line."""
    models: dict[str, Json] = found["models"]
    yield from _table(["", *models], [_line(*one, models) for one in _MEASURES])
    for model, own in models.items():
        yield from _details(model, own)
    for pair in found["pairs"]:
        yield from _comparison(pair)
    yield from _input(found)
    if found["stopped"]:
        yield _STOPPED[found["stopped"]]


def printable(text: str) -> str:
    """Return `text` without control characters, with which a model could steer a terminal."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def _interval(share: Json, digits: int = 1) -> str:
    low, high = 100 * share["low"], 100 * share["high"]
    return f"{100 * share['share']:.{digits}f} % ({low:.{digits}f} to {high:.{digits}f})"


def _ms(percent: str) -> Callable[[Json], str]:
    def shown(own: Json) -> str:
        value = own["latency_ms"][percent]
        return "-" if value is None else f"{value:.1f} ms"

    return shown


def _cost(own: Json) -> str:
    unknown = own["price_unknown"]
    if unknown == own["rows"] and unknown:
        return "price unknown"
    known = f"${own['cost']:.4f}"
    return f"{known} and {unknown} of unknown price" if unknown else known


_MEASURES: tuple[tuple[str, Callable[[Json], str]], ...] = (
    ("rows", lambda own: str(own["rows"])),
    ("ok", lambda own: str(own["ok"])),
    ("failed", lambda own: str(own["failed"])),
    ("as expected", lambda own: f"{own['correct']} of {own['scored']}"),
    ("accuracy", lambda own: _interval(own["accuracy"]) if own["accuracy"] else "-"),
    ("latency p50", _ms("p50")),
    ("latency p95", _ms("p95")),
    ("latency p99", _ms("p99")),
    ("tokens in", lambda own: str(own["input_tokens"])),
    ("of them cached", lambda own: str(own["cached_tokens"])),
    ("tokens out", lambda own: str(own["output_tokens"])),
    ("cost", _cost),
    ("cache hits", lambda own: str(own["cache_hits"])),
    ("calls", lambda own: str(own["calls"])),
    ("calls/s now", lambda own: f"{own['calls_per_second']:.1f}"),
)


def _line(name: str, shown: Callable[[Json], str], models: dict[str, Json]) -> list[str]:
    return [name, *(shown(own) for own in models.values())]


def _details(model: str, own: Json) -> Iterator[str]:
    for failure in own["failures"]:
        yield f"{model}: {failure['rows']} x {failure['kind']}, as {failure['message']}"
    if own["labels"] and len(own["labels"]) > 1:
        yield ""
        rows = [
            [_label(one, "expected"), f"{one['correct']} of {one['rows']}"] for one in own["labels"]
        ]
        yield from _table([f"{model}, expected", "met"], rows)
    if own["confusions"]:
        yield ""
        confused = [
            [f"{_label(one, 'expected')} -> {printable(one['got'])}", str(one["rows"])]
            for one in own["confusions"]
        ]
        yield from _table([f"{model}, expected -> got", "rows"], confused)


def _label(one: Json, key: str) -> str:
    return printable(f"{one['field']}: {one[key]}" if one["field"] else one[key])


def _comparison(pair: Json) -> Iterator[str]:
    yield ""
    yield (
        f"{pair['first']} against {pair['second']}, the {pair['rows']} rows that both were judged "
        f"on: right alone {pair['only_first']} and {pair['only_second']}"
    )
    if pair["rows"]:
        yield (
            f"  difference {_interval(pair['difference'])}, exact McNemar p = {pair['p']:.4g}; "
            "intervals are 95 %"
        )


def _input(found: Json) -> Iterator[str]:
    yield ""
    for bad in found["bad_rows_first"]:
        yield f"line {bad['line']} {bad['reason']}"
    if found["bad_rows"]:
        yield f"{found['bad_rows']} bad rows were left out"
    if found["asked_again"]:
        yield f"{found['asked_again']} results were of other requests, and were asked again"
    if found["done_before"]:
        yield f"{found['done_before']} answers were there before"
    yield f"{found['seconds']:.1f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    widths = [max(len(line[place]) for line in [head, *rows]) for place in range(len(head))]
    for line in [head, *rows]:
        first, *rest = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        yield "  ".join(cells).rstrip()
