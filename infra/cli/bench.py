"""./scripts/flows bench: one prompt over a huge input, on one model or several side by side."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from infra.bench import rows
from infra.bench.batches import conduct_batches
from infra.bench.jobs import Wanted
from infra.bench.layout import lines, printable
from infra.bench.ledger import Ledger
from infra.bench.report import is_clean
from infra.bench.rows import Columns, Kind
from infra.bench.schemas import returned
from infra.bench.tasks import Job, Task, TaskResult, answer
from infra.bench.trial import AUTO, Trial, TrialProgress, conduct
from infra.cli.system import KnownSystem
from infra.project import from_caller
from shared.errors import SettingsError
from shared.events import Json
from shared.models import ModelReply, ModelRequest, Payer
from shared.models.batch import BatchProvider
from shared.models.batch.connect import connect
from shared.models.roles import Roles
from shared.models.routing import Models
from shared.settings import Settings

_PAYER = Payer("bench", "bench")
_KINDS: dict[str, Kind] = {".csv": "csv", ".tsv": "tsv"}
_USAGE, _INTERRUPTED = 2, 130


def run_bench(known: KnownSystem, options: argparse.Namespace) -> int:
    """Run the bench, print the report, and return the exit code."""
    try:
        with tempfile.TemporaryFile() as spool:
            return _run(_settings(known, options), options, spool)
    except SettingsError as err:
        print(f"error: {err}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(settings: Settings, options: argparse.Namespace, spool: IO[bytes]) -> int:
    trial, models = _trial(settings, options, spool), Models(settings)
    if options.stream:
        return _stream(trial, models, options)

    def ask(job: Job) -> TaskResult:
        return answer(trial.task, job, partial(_reply, models, job.arm, options))

    watch = _show if sys.stderr.isatty() else _stay_silent
    if options.batch and trial.out:
        connect = partial(_batches, settings)
        found = conduct_batches(trial, trial.out, connect, ask, watch=watch)
    else:
        threads = options.concurrency or _automatic(trial)
        found = conduct(trial, ask, threads=threads, dollars=options.budget, watch=watch)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if trial.wanted.rerun not in {"", "failed", "all"} and not _rows_of(found):
        raise SettingsError(f"no row has the id {trial.wanted.rerun}, which --rerun names")
    print(json.dumps(found, ensure_ascii=False) if options.json else "\n".join(lines(found)))
    if found["stopped"] in {"interrupted", "waiting"}:
        return _INTERRUPTED
    return 0 if is_clean(found) else 1


def _batches(settings: Settings, model: str) -> BatchProvider:
    chain = Roles(settings).chain(model)
    return connect(chain.names[0], settings, chain.setting)


def _automatic(trial: Trial) -> int:
    """Return enough threads for the limits of the models to decide; one for the offline model,
    which computes."""
    return 1 if set(trial.models.values()) == {"offline"} else AUTO


def _rows_of(found: Json) -> int:
    return sum(own["rows"] for own in found["models"].values())


def _trial(settings: Settings, options: argparse.Namespace, spool: IO[bytes]) -> Trial:
    sys.path.append(str(from_caller(Path())))  # the caller's own types are there
    names = options.model or ["small"]
    roles = Roles(settings)
    models = {name: ",".join(roles.chain(name).names) for name in names}
    kind = returned(options.returns, from_caller(Path(options.returns)))
    wanted = Wanted(options.limit, options.sample, options.seed, options.rerun)
    out = from_caller(options.out) if options.out else None
    if out and out == from_caller(Path(options.input)):
        raise SettingsError("--out is the input; name another file")
    if options.sorted and not out:
        raise SettingsError("--sorted needs --out")
    if options.batch and not out:
        raise SettingsError("--batch needs --out: what is under way is kept beside it")
    if options.batch and options.budget:
        raise SettingsError("a batch's cost is known when it is over: use --limit, not --budget")
    if options.batch and options.rerun == "all":
        raise SettingsError("--batch cannot rerun all; name another --out")
    task = Task(_prompt(options.prompt), kind, options.max_tokens)
    return Trial(task, models, _rows(options, spool), wanted, out, options.sorted)


def _settings(known: KnownSystem, options: argparse.Namespace) -> Settings:
    return known.settings._replace(prompt_cache="off") if options.cache == "off" else known.settings


def _prompt(named: str) -> str:
    """Return the content of the file `named`, or `named` itself when there is no such file."""
    try:
        path = from_caller(Path(named))
        text = path.read_text("utf-8-sig") if path.is_file() else named
    except (OSError, ValueError) as err:  # a prompt is no possible name of a file
        if isinstance(err, UnicodeDecodeError):
            raise SettingsError(f"--prompt {named} is not UTF-8") from err
        text = named
    if not text.strip():
        raise SettingsError("--prompt is empty")
    return text


def _rows(
    options: argparse.Namespace, spool: IO[bytes]
) -> Callable[[], Iterable[rows.InputRow | rows.BadRow]]:
    """Return a function that starts reading; samples and batches read twice, so stdin is copied
    first."""
    fields = tuple(name.strip() for name in options.fields.split(",") if name.strip())
    columns = Columns(options.id, options.expect, fields)
    path = from_caller(Path(options.input))
    kind = options.kind or _KINDS.get(path.suffix.lower(), "jsonl")
    if options.input != "-":
        if not path.is_file():
            raise SettingsError(f"the input {options.input} is no file")
        return lambda: _from_file(path, kind, columns)
    if not (options.sample or options.batch):
        return lambda: rows.read(sys.stdin.buffer, kind, columns)
    shutil.copyfileobj(sys.stdin.buffer, spool)

    def again() -> Iterable[rows.InputRow | rows.BadRow]:
        spool.seek(0)
        return rows.read(cast(BinaryIO, spool), kind, columns)

    return again


def _from_file(path: Path, kind: Kind, columns: Columns) -> Iterable[rows.InputRow | rows.BadRow]:
    with path.open("rb") as stream:
        yield from rows.read(stream, kind, columns)


def _reply(
    models: Models, model: str, options: argparse.Namespace, request: ModelRequest
) -> ModelReply:
    may_repeat = None if options.cache == "on" else False
    return models.reply(model, request, timeout=options.timeout, payer=_PAYER, cache=may_repeat)


def _stream(trial: Trial, models: Models, options: argparse.Namespace) -> int:
    """Print the answer about the first chosen row as it grows; keep nothing."""
    with closing(Ledger()) as ledger:
        job = next(trial.jobs(ledger), None)
    if job is None:
        raise SettingsError("--stream found no row to ask about")
    shown = _Shown()
    reply = models.reply(
        job.arm,
        job.request,
        timeout=options.timeout,
        payer=_PAYER,
        sink=shown.show,
        cache=False,
    )
    shown.end(reply.text)
    return 0


class _Shown:
    """Prints a growing text, on a new line when an attempt starts over."""

    def __init__(self) -> None:
        self._text = ""

    def show(self, text: str) -> None:
        if not text.startswith(self._text):
            print("\n[another attempt]")
            self._text = ""
        print(printable(text[len(self._text) :]), end="", flush=True)
        self._text = text

    def end(self, text: str) -> None:
        self.show(text)
        print()


def _show(seen: TrialProgress) -> None:
    pace = seen.finished / seen.seconds if seen.seconds else 0.0
    line = f"{seen.finished} rows, {pace:.1f}/s, ${seen.spent:.4f}, {seen.seconds:.0f} s"
    print(f"\r{line:60}", end="", file=sys.stderr, flush=True)


def _stay_silent(seen: TrialProgress) -> None:
    """Show no progress."""
