"""Measure what masking secrets costs, and list what it masks in real texts."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.table import Findings, Spread, Table
from infra.project import ROOT
from shared.redaction.redacting import found_secrets, redacted

#: The size of each text, in characters.
_SIZE = 10_000
#: Calls of each sample.
_CALLS = 20
_LONGEST = 2_000_000


def measure_redaction(rounds: int, texts: Path | None) -> Findings:
    """Mask texts of 10,000 characters; list what would be masked in the files under `texts`."""
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, text in _texts().items():
            samples.setdefault(name, []).append(_milliseconds(redacted, text))
            floor = samples.setdefault(f"{name}, one search", [])
            floor.append(_milliseconds(lambda text: text.find("\0"), text))
    rows = [[name, Spread.of(values).text(3)] for name, values in samples.items()]
    timed = Table("Masking secrets in 10,000 characters", ("text", "CPU ms"), rows)
    tables = [timed] if texts is None else [timed, _masked_places(texts)]
    return Findings(tables, dict(samples))


def _texts() -> dict[str, str]:
    prose = (ROOT / "DESIGN.md").read_text("utf-8")
    lock = "\n".join(file.read_text("utf-8") for file in sorted(ROOT.glob("requirements/*.txt")))
    code = (ROOT / "shared/journal.py").read_text("utf-8")
    chinese = "今天我们讨论了部署流程，大家都同意先升级数据库，然后再发布新版本。" * 400
    texts = {"prose": prose, "code": code, "a lock file": lock, "Chinese": chinese}
    return {name: (text * 20)[:_SIZE] for name, text in texts.items()}


def _milliseconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time_ns()
    for _ in range(_CALLS):
        work(text)
    return (time.process_time_ns() - began) / 1e6 / _CALLS


def _masked_places(path: Path) -> Table:
    """Count what is masked in real texts, by kind and file, without the secrets themselves."""
    counts: Counter[tuple[str, str]] = Counter()
    files = characters = 0
    for file in _files(path):
        text = file.read_text("utf-8", errors="replace")[:_LONGEST]
        files, characters = files + 1, characters + len(text)
        for found in found_secrets(text):
            counts[found.kind, str(file.relative_to(path) if file != path else file.name)] += 1
    rows = [[name, kind, str(count)] for (kind, name), count in sorted(counts.items())]
    note = f"{sum(counts.values())} masked places in {files:,} files, {characters:,} characters"
    return Table("Masked places", ("file", "kind", "places"), rows, [note])


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    yield from (file for file in sorted(path.rglob("*")) if file.is_file())
