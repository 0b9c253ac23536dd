"""The options of ./scripts/flows bench."""

import argparse
from pathlib import Path

_MOST_THREADS = 512


def add_bench(command: argparse.ArgumentParser) -> None:
    command.description = "Ask a prompt about each row of a JSONL, CSV or TSV. docs/bench.md tells."
    command.epilog = (
        "Exit code: 0 all rows were answered, 1 some were not, 2 usage, 130 interrupted."
    )
    command.add_argument("input", nargs="?", default="-", help="a file; - or nothing is stdin")
    asked = command.add_argument_group("what is asked")
    asked.add_argument("--prompt", required=True, help="a file, or the prompt itself")
    asked.add_argument("--returns", default="", help="JSON schema file, or module:Type (text)")
    asked.add_argument("--model", action="append", help="small, large or a name; repeatable")
    asked.add_argument("--max-tokens", type=_positive, default=1024, help="of an answer (1024)")
    which = command.add_argument_group("which rows")
    which.add_argument("--kind", choices=["jsonl", "csv", "tsv"], help="(by the file's name)")
    which.add_argument("--fields", default="", help="show these only, with commas between (all)")
    which.add_argument("--id", default="id", help="the field that names a row (id)")
    which.add_argument("--expect", default="expect", help="the field with the answer (expect)")
    which.add_argument("--limit", type=_positive, help="the first so many only")
    which.add_argument("--sample", type=_positive, help="so many, drawn by --seed")
    which.add_argument("--seed", type=int, default=0, help="another draws another sample (0)")
    which.add_argument("--rerun", default="", help="failed, all, or a row's id: ask again")
    how = command.add_argument_group("how")
    how.add_argument("--out", type=Path, help="append results to this JSONL; go on with it")
    how.add_argument("--sorted", action="store_true", help="at the end put it into input order")
    how.add_argument("--concurrency", type=_threads, default=0, help="auto, or a number")
    how.add_argument("--batch", action="store_true", help="in batches: half the price, in a day")
    how.add_argument("--timeout", type=_amount, default=120.0, help="seconds of a row (120)")
    how.add_argument("--budget", type=_amount, help="US dollars that --out may cost in all")
    how.add_argument("--cache", choices=["on", "off"], default="on", help="of prompts (on)")
    how.add_argument("--stream", action="store_true", help="print one answer as it comes; only it")
    how.add_argument("--json", action="store_true", help="print the report as JSON")


def add_bench_review(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Review pull requests whose faults are known, and score what would be posted."
        " docs/bench.md tells."
    )
    command.epilog = "Exit code: 0 all were reviewed, 1 some were not, 2 usage."
    _add_measured(command, "a labelled set, or golden comments (our own)", "all findings")
    command.add_argument("--clones", type=Path, help="of the repositories of golden comments")
    command.add_argument("--judge", default="", help="a model that compares claims (by words)")
    command.add_argument("--only", default="", help="the case with this id")


def add_bench_evidence(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Tell of labelled pairs if a claim follows from its passage, by words and by models, and"
        " score that. docs/bench.md tells."
    )
    command.epilog = "Exit code: 0 measured, 1 a model failed, 2 usage."
    _add_measured(command, "labelled pairs as JSON (our own)", "the counts")


def _add_measured(command: argparse.ArgumentParser, set_: str, printed: str) -> None:
    """Add what both measurements take: models, a set, and whether to print JSON."""
    command.add_argument("--model", action="append", help="small, large or a name; repeatable")
    command.add_argument("--set", type=Path, help=set_)
    command.add_argument("--json", action="store_true", help=f"print {printed} as JSON")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _threads(text: str) -> int:
    return 0 if text == "auto" else min(_positive(text), _MOST_THREADS)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value
