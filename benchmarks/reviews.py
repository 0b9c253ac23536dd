"""Measure a review of 60 files beside what its model calls take alone, and a proof."""

import random
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from benchmarks.table import Findings as Measured
from benchmarks.table import Spread, Table
from benchmarks.world import World
from flows.review import review
from infra.local.sandbox.github import REPOSITORY
from shared.actions.github.adapter import GitHubAdapter
from shared.database import Database
from shared.events import Json
from shared.models import ModelRequest
from shared.models.offline.review.parts import ShownFile, files_of
from shared.models.tokens import tokens
from shared.reviewing.finding import Finding
from shared.settings import Settings
from shared.testing import FlowRunner, github_event
from tests.reviewing.changes import Change, changes, proof_of

FILES, SECONDS = 60, 1.0
#: Changes for which a finding each is proved.
_PROVED = 600


class Reviewed(NamedTuple):
    """A review: its seconds, those of CPU with the sandbox's, its calls, the tokens that these had,
    and how many rounds of calls have to follow each other."""

    took: float
    cpu: float
    calls: int
    tokens: int
    in_turn: int

    @property
    def share(self) -> float:
        return self.took / (self.in_turn * SECONDS)


class _Model:
    """Answers after a second: one true and one false finding for each file, and a score for each.
    It remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, request: ModelRequest) -> Json:
        time.sleep(SECONDS)
        assert request.schema is not None
        [name] = request.schema["properties"]
        text = "".join(message.text for message in request.messages)
        is_mend = name == "findings" and "refused" in request.system
        size = tokens(f"{request.system}{text}{request.schema}")
        self.asked.append(("mend" if is_mend else name, size))
        if name == "scores":
            return {
                name: [{"finding": n, "score": 7} for n in range(1, text.count("finding ") + 1)]
            }
        found = [] if is_mend or name == "unneeded" else [*_found(text)]
        return {name: found[:20]}


def _found(text: str) -> Iterator[Json]:
    for file in files_of(text):
        if file.added:
            yield _finding(file, file.lines[file.added[0]])
            yield _finding(file, "no such line")


def _finding(file: ShownFile, quote: str) -> Json:
    first = file.added[0]
    return file.finding(first, "The number is wrong.") | {"quote": quote, "evidence": ""}


def measure_reviews(world: World, rounds: int) -> Measured:
    """Review a pull request of 60 files, then a push to one of them; prove findings."""
    whole, delta = [], []
    for _ in range(max(1, rounds // 5)):
        one, other = _reviews(world)
        whole.append(one)
        delta.append(other)
    proofs = {name: _proofs(name) for name in (".py", ".ts", ".json", ".yaml", ".sql")}
    title = f"A review of {FILES} files, a push to one of them, and a model at {SECONDS:g} s a call"
    columns = ("", "s", "s of calls in turn", "share", "CPU s", "calls", "tokens of input")
    rows = [_row("the whole", whole), _row("the push", delta)]
    timed = Table("A proof, with a suggestion", ("language", "ms", "ms at 99 %"), [
        [name, f"{median(values):.2f}", f"{_at_99(values):.2f}"] for name, values in proofs.items()
    ])  # fmt: skip
    samples = {"whole": whole, "delta": delta, "proofs": proofs}
    return Measured([Table(title, columns, rows), timed], samples)


def _row(name: str, found: Sequence[Reviewed]) -> list[str]:
    last = found[-1]
    spreads = (Spread.of(one.took for one in found), Spread.of(one.share for one in found))
    took, share = (one.text(2) for one in spreads)
    ideal = f"{last.in_turn * SECONDS:.0f}"
    cpu = f"{last.cpu:.2f}"
    return [name, took, ideal, share, cpu, str(last.calls), f"{last.tokens:,}"]


def _reviews(world: World) -> tuple[Reviewed, Reviewed]:
    sandbox, branch = world.github, f"change-{uuid4().hex[:8]}"
    base = {f"shop/file{n}.py": _text(n) for n in range(FILES)}
    changed = {f"shop/file{n}.py": _text(n, changed=2) for n in range(FILES)}
    sandbox.push(REPOSITORY, base)
    number = sandbox.open_pull_request(REPOSITORY, "Change", "Why", head=branch, files=changed)
    runner, model = FlowRunner(Database(world.function_url), findings_per_day="100"), _Model()
    settings = Settings(github_token=sandbox.token, github_api_url=sandbox.api_url)
    adapter = GitHubAdapter(settings, timeout=30)
    runner.adapters = lambda wanted: adapter
    runner.model.rule = model
    opened = _measured(runner, model, "pull_request.opened", number)
    sandbox.push(REPOSITORY, {"shop/file7.py": _text(7, changed=3)}, branch=branch)
    return opened, _measured(runner, model, "pull_request.reopened", number)


def _measured(runner: FlowRunner, model: _Model, kind: str, number: int) -> Reviewed:
    model.asked.clear()
    event = github_event(kind, repository=REPOSITORY, number=number, delivery=str(uuid4()))
    about = event.payload.get("issue", {}) | {"pull_request": {"url": "here"}}
    event = event._replace(payload={**event.payload, "issue": about}, received_at=time.time())
    began, cpu = time.monotonic(), time.process_time()
    runner.run(review, event)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    # What is mended goes back while the others are scored.
    kinds, sizes = {name for name, _ in model.asked} - {"mend"}, [size for _, size in model.asked]
    return Reviewed(took, cpu, len(sizes), sum(sizes), len(kinds))


def _text(number: int, changed: int = 0) -> str:
    """Return a file of 12 functions, 4 of which end in another way once they are `changed`."""
    functions = []
    for n in range(12):
        lines = "".join(f"    value_{m} = load({number}, {m}, name)\n" for m in range(12))
        end = f"value_{n} + {changed if n % 3 == 0 else 0}"
        functions.append(f"def total_{number}_{n}(name):\n{lines}    return {end}\n")
    return "\n\n".join(functions)


def _proofs(language: str) -> list[float]:
    """Prove a finding with a suggestion for each of some changes; return milliseconds."""
    made = [
        one
        for one in changes(random.Random(language), _PROVED)
        if one.row["filename"].endswith(language)
    ]
    proof, took = proof_of(made), []
    for finding in filter(None, map(_to_prove, made)):
        began = time.process_time_ns()
        proof.prove(finding)
        took.append((time.process_time_ns() - began) / 1e6)
    return took[1:]  # the first loads a grammar


def _to_prove(change: Change) -> Finding | None:
    lines = change.text.split("\n")
    at = next((n for n, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return None
    quote = lines[at].removesuffix("\r")
    new = quote.replace("value", "other").replace("id =", "id >").replace("_0", "_1")
    path, claim = change.row["filename"], "It is wrong."
    return Finding(path, at + 1, at + 1, quote, "high", "bug", 0.9, claim, "", new)


def _at_99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
