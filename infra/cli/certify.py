"""Certifies a flow: kills it everywhere, and says what was lost or doubled."""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from infra.certify.certifying import certify
from infra.certify.handing import flow_at
from infra.certify.report import ADVICE, TRIALS, WRONGS, Report
from infra.certify.story import Delivered, delivered, happened
from infra.certify.world import World, wanted
from infra.cli.deliveries import Saved
from infra.cli.system import KnownSystem
from infra.cli.table import lines, show_json
from infra.local.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.project import from_caller
from infra.terminal import paint
from shared.agent.flow import Flow
from shared.events import Event

#: So many faults are shown; --json shows all.
_SHOWN = 8
#: Characters of what was lost or doubled.
_WIDTH = 300
#: What no reader sees of a text.
_MARKS = re.compile(r"(?:\\n)*<!--.*?-->|(?:\\n)*<sub>.*?</sub>")


def run_certify(known: KnownSystem, options: argparse.Namespace) -> int:
    begun = time.monotonic()
    log = from_caller(options.data) / "certify.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log.write_text("")
    name = _named(options.name)
    happen = _happening(flow_at(name), options)
    if not options.json:
        print(f"Certifying {name}; this takes half a minute.", file=sys.stderr, flush=True)
    with _database() as url:
        report = certify(name, url, log, happen=happen)
    if options.json:
        show_json(_described(report))
    else:
        print("\n".join(table(report, time.monotonic() - begun, log)))
    return 0 if report.is_clean else 1


def _named(name: str) -> str:
    """Find a file where the caller stands."""
    file, colon, function = name.partition(":")
    return f"{from_caller(Path(file))}{colon}{function}" if file.endswith(".py") else name


def _happening(flow: Flow, options: argparse.Namespace) -> Callable[[World], Event] | None:
    if options.on:
        types = [wanted(flow, options.on)]
        return lambda world: happened(world, types)
    if options.event:
        saved = Saved.read(from_caller(options.event), "")
        return partial(delivered, given=Delivered(saved.event, saved.id, saved.body))
    return None


@contextmanager
def _database() -> Iterator[str]:
    """Make a database for this certification alone."""
    home = Path(tempfile.mkdtemp(prefix="agent-flows-certify-"))
    home.chmod(0o711)  # Postgres runs as another user when root starts it
    postgres = EmbeddedPostgres(home / "postgres", durable=False)
    try:
        url = postgres.start()
        migrate(url)
        yield url
    finally:
        if (home / "postgres").is_dir():
            postgres.erase()
        shutil.rmtree(home, ignore_errors=True)


def table(report: Report, seconds: float, log: Path) -> Iterator[str]:
    """Yield the lines that a person reads."""
    yield f"{report.flow} on {report.event}: {len(report.boundaries)} boundaries, {seconds:.0f} s"
    yield ""
    rows = [
        [trial, str(report.trials[trial]), *(str(report.count(trial, w)) for w in WRONGS)]
        for trial in TRIALS
    ]
    yield from lines([["run", "times", *WRONGS], *rows])
    yield ""
    yield from (f"{paint('asked', 'red', sys.stdout)}  {asked}" for asked in report.asked)
    for fault in report.faults[:_SHOWN]:
        what = _MARKS.sub("", fault.what)
        what = what if len(what) <= _WIDTH else f"{what[:_WIDTH]}…"
        wrong = paint(fault.wrong, "red", sys.stdout)
        yield f"{wrong}  {fault.trial} {fault.where}: {what}"
    if len(report.faults) > _SHOWN:
        yield f"and {len(report.faults) - _SHOWN} more; --json shows all"
    if report.depends_on_more:
        yield ADVICE
    if report.is_idle:
        yield "It recorded no step and no effect: try an event that it answers, with --event FILE."
    if report.is_clean:
        yield paint("0 lost, 0 doubled", "green", sys.stdout)
    else:
        yield f"The functions' log is in {log}."


def _described(report: Report) -> dict[str, object]:
    return {
        "flow": report.flow,
        "event": report.event,
        "clean": report.is_clean,
        "idle": report.is_idle,
        "boundaries": report.boundaries,
        "trials": [
            {"trial": trial, "times": report.trials[trial]}
            | {wrong: report.count(trial, wrong) for wrong in WRONGS}
            for trial in TRIALS
        ],
        "asked": report.asked,
        "faults": [fault._asdict() for fault in report.faults],
        "advice": ADVICE if report.depends_on_more else "",
    }
