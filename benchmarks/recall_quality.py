"""Recall of the turns that answer a question: by vectors, by words and by both, side by side."""

import statistics
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.conversation_file import ConversationSet, Haystack, Question, read_conversations
from benchmarks.recall_metrics import difference, recall_at
from benchmarks.table import Findings, Table
from shared.database import Database, Statement
from shared.errors import SettingsError
from shared.events import PUBLIC
from shared.memory import By, Entry
from shared.memory.embedding.local_embedders import local_embedder
from shared.memory.store import MemoryStore

OWN = Path(__file__).parent / "data" / "conversations.json"
DEPTHS = (5, 10, 20)
#: At which depth languages, categories and ways are compared.
DEPTH = 10
EMBEDDERS = ("hashing", "minilm")
#: The last is compared with the better of the others.
WAYS = {"vectors": By.VECTOR, "words": By.LEXICAL, "both": By.BOTH}


class RankedAnswer(NamedTuple):
    """A question, and the ids that were found for it, best first."""

    question: Question
    found: Sequence[str]

    def recall(self, depth: int = DEPTH) -> float:
        return recall_at(depth, self.found, self.question.evidence)


#: The answers of each embedder in each way; the questions in the same order everywhere.
Answers = Mapping[str, Mapping[str, Sequence[RankedAnswer]]]


def measure_quality(url: str, path: Path) -> Findings:
    """Ask every question of the file in every way with every embedder that is installed."""
    asked, notes = read_conversations(path), []
    answers: dict[str, Mapping[str, Sequence[RankedAnswer]]] = {}
    for name in EMBEDDERS:
        try:
            embedder = local_embedder(name)
        except SettingsError as err:
            notes.append(f"{name} was not measured: {err}.")
            continue
        if embedder:
            print(f"  {name} …", file=sys.stderr, flush=True)
            with Database(url) as database:
                answers[name] = ask(database, MemoryStore(database, embedder), asked)
    overall = _overall(asked, answers, path.name, notes)
    tables = [overall, _against_halves(answers), _by_category(answers)]
    return Findings(tables, _samples(answers))


def ask(
    database: Database, store: MemoryStore, asked: ConversationSet
) -> dict[str, list[RankedAnswer]]:
    """Remember each haystack as a tenant of its own, and ask its questions in every way."""
    answers: dict[str, list[RankedAnswer]] = {way: [] for way in WAYS}
    for haystack in asked.haystacks:
        tenant = f"benchmark:{uuid.uuid4()}"
        database.run(tenant, _kept(store, tenant, haystack))
        for question in haystack.questions:
            for way, by in WAYS.items():
                found = store.recall(
                    tenant, question.text, audiences=frozenset({PUBLIC}), limit=max(DEPTHS), by=by
                )
                answers[way].append(RankedAnswer(question, [memory.ref for memory in found]))
    return answers


def _kept(store: MemoryStore, tenant: str, haystack: Haystack) -> list[Statement]:
    """A memory per turn, as its speaker and what was said; its time is not told to recall."""
    entries = [
        Entry(f"{turn.speaker}: {turn.text}", "episode", turn.id, PUBLIC, author=turn.speaker)
        for turn in haystack.turns
    ]
    return store.remember_all(tenant, entries)


def _overall(asked: ConversationSet, answers: Answers, name: str, notes: Sequence[str]) -> Table:
    rows = [
        [embedder, way, *(_points(_mean(own, depth)) for depth in DEPTHS)]
        for embedder, ways in answers.items()
        for way, own in ways.items()
    ]
    searched = statistics.median(len(haystack.turns) for haystack in asked.haystacks)
    described = (
        f"{name}: {asked.questions:,} questions; each is searched for among {searched:,.0f} turns"
        " (the median).",
        "Recall@k: of the turns that answer, the share among the first k found; mean of questions.",
        *([f"{asked.skipped:,} questions name no turn and were left out."] * (asked.skipped > 0)),
        *notes,
    )
    columns = ("embedder", "way", *(f"recall@{depth}" for depth in DEPTHS))
    return Table("Recall of what answers a question, %", columns, rows, described)


def _by_category(answers: Answers) -> Table:
    """A row per language and per category, a column per embedder and way."""
    sides = [(embedder, way) for embedder, ways in answers.items() for way in ways]
    some = next(iter(next(iter(answers.values())).values()))
    groups: dict[str, list[int]] = {}
    for place, answer in enumerate(some):
        groups.setdefault(f"language: {answer.question.language}", []).append(place)
    for place, answer in sorted(enumerate(some), key=lambda one: one[1].question.category):
        groups.setdefault(answer.question.category, []).append(place)
    rows = [
        [
            group,
            str(len(places)),
            *(_points(_mean([answers[e][w][place] for place in places])) for e, w in sides),
        ]
        for group, places in groups.items()
    ]
    columns = ("of these", "questions", *(f"{embedder}, {way}" for embedder, way in sides))
    return Table(f"Recall@{DEPTH} by language and by kind of question, %", columns, rows)


def _against_halves(answers: Answers) -> Table:
    """Compare both ways together with the better of them alone, which is chosen afterwards."""
    rows = []
    for embedder, ways in answers.items():
        for depth in DEPTHS:
            *halves, (_, whole) = ways.items()
            name, best = max(halves, key=lambda half: _mean(half[1], depth))
            found = difference([a.recall(depth) for a in whole], [a.recall(depth) for a in best])
            span = f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
            rows.append(
                [embedder, f"@{depth}", name, f"{100 * found.mean:+.1f}", span, found.verdict]
            )
    notes = (
        "Points above the better half, and where 95 of 100 resamples of the questions lie"
        " (paired bootstrap).",
        "Target: never worse. The better half is chosen by its result, which favours it.",
    )
    columns = ("embedder", "recall", "better half", "both: points", "95 of 100", "both are")
    return Table("Both ways together, over the better of them alone", columns, rows, notes)


def _mean(answers: Sequence[RankedAnswer], depth: int = DEPTH) -> float:
    return statistics.fmean(answer.recall(depth) for answer in answers)


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _samples(answers: Answers) -> dict[str, Any]:
    return {
        embedder: {
            way: {
                answer.question.id: {f"@{depth}": answer.recall(depth) for depth in DEPTHS}
                for answer in own
            }
            for way, own in ways.items()
        }
        for embedder, ways in answers.items()
    }
