"""Recall of the turns that answer a question: by vectors, by words and by both, side by side."""

import statistics
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.conversation_file import ConversationSet, Haystack, Question, read_conversations
from benchmarks.recall_metrics import difference, recall_at
from benchmarks.table import Findings, Table
from shared.database import Database
from shared.errors import SettingsError
from shared.events import PUBLIC
from shared.memory.embedders import Embedder, local_embedder
from shared.memory.store import MemoryStore

OWN = Path(__file__).parent / "data" / "conversations.json"
DEPTHS = (5, 10, 20)
#: At which depth languages, categories and ways are compared.
DEPTH = 10
EMBEDDERS = ("hashing", "minilm")
#: How each way asks; the last is compared with the better of the others.
WAYS: Mapping[str, Mapping[str, Any]] = {"vectors": {}}
#: Statements of one transaction.
_AT_ONCE = 200


class Answer(NamedTuple):
    """A question, and the ids that were found for it, best first."""

    question: Question
    found: Sequence[str]

    def recall(self, depth: int = DEPTH) -> float:
        return recall_at(depth, self.found, self.question.evidence)


#: The answers of each embedder in each way; the questions in the same order everywhere.
Answers = Mapping[str, Mapping[str, Sequence[Answer]]]


def measure_quality(url: str, path: Path) -> Findings:
    """Ask every question of the file in every way with every embedder that is installed."""
    asked, notes = read_conversations(path), []
    answers: dict[str, Mapping[str, Sequence[Answer]]] = {}
    for name in EMBEDDERS:
        try:
            embedder = local_embedder(name)
        except SettingsError as err:
            notes.append(f"{name} was not measured: {err}.")
            continue
        if embedder:
            print(f"  {name} …", file=sys.stderr, flush=True)
            with Database(url) as database:
                answers[name] = ask(MemoryStore(database, embedder), asked)
    tables = [_overall(asked, answers, path.name, notes), _by_category(answers)]
    if len(WAYS) > 1:
        tables.append(_against_halves(answers))
    return Findings(tables, _samples(answers))


def ask(store: MemoryStore, asked: ConversationSet) -> dict[str, list[Answer]]:
    """Remember each haystack as a tenant of its own, and ask its questions in every way."""
    answers: dict[str, list[Answer]] = {way: [] for way in WAYS}
    for haystack in asked.haystacks:
        tenant = f"benchmark:{uuid.uuid4()}"
        _remember(store, tenant, haystack)
        for question in haystack.questions:
            for way, how in WAYS.items():
                found = store.recall(
                    tenant, question.text, audiences=frozenset({PUBLIC}), limit=max(DEPTHS), **how
                )
                answers[way].append(Answer(question, [memory.ref for memory in found]))
    return answers
