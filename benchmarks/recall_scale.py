"""How long recall takes and how much it finds, for tenants of four sizes in one table."""

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg.rows import dict_row

from benchmarks.generated_memories import BLOCK, MemoryBlock, nearest
from benchmarks.memory_load import SQL, GivenVectors, Loaded, Tenant, kept
from benchmarks.recall_metrics import recall_at
from benchmarks.recall_quality import WAYS
from benchmarks.table import Findings, Table
from shared.database import Database, Statement
from shared.events import PUBLIC
from shared.memory import By
from shared.memory.store import MemoryStore

LIMIT = 10
#: Questions of each tenant for each round asked for.
PER_ROUND = 20
#: The most frequent words of all texts, as a question: what the lexical half finds hardest.
COMMON_WORDS = 3
#: A tenant whose memories come and go, to see what one more costs.
_VISITOR = "benchmark:visitor"
_BATCHES = (1, 100)

_Samples = dict[str, list[float]]


class Asked(NamedTuple):
    """A tenant's questions, and the refs that are exactly the nearest to each, best first."""

    tenant: Tenant
    questions: MemoryBlock
    exact: Sequence[Sequence[str]]


def measure_scale(loaded: Loaded, rounds: int) -> Findings:
    """Ask the tenants in turns, in every way; then insert where all indexes are in place."""
    with Database(loaded.url) as database:
        asked = [questions_of(loaded, tenant, rounds * PER_ROUND) for tenant in loaded.tenants]
        usual, found = _ask(database, asked)
        floor = [_empty_transaction(database) for _ in asked[0].questions.texts]
        common, _ = _ask(database, [_common(loaded, one) for one in asked])
        rates = _insert_rates(database, loaded, rounds * PER_ROUND)
    tables = [
        _load_table(loaded, rates),
        _size_table(loaded),
        _recall_table(loaded, asked, usual, found, statistics.median(floor)),
        _common_table(common),
    ]
    samples = {"ms": usual, "common ms": common, "recall": found, "rows/s": rates, "floor": floor}
    return Findings(tables, samples)


def questions_of(loaded: Loaded, tenant: Tenant, count: int) -> Asked:
    """The questions, and what numpy says is nearest."""
    print(f"  the exact answers for {tenant.name} …", file=sys.stderr, flush=True)
    questions = loaded.generated.questions(tenant.number, tenant.memories, count)
    places = nearest(questions.vectors, tenant.vectors(loaded.generated), LIMIT)
    return Asked(tenant, questions, [[str(place) for place in row] for row in places.tolist()])


def _common(loaded: Loaded, asked: Asked) -> Asked:
    """The same questions by vector, in the most frequent words.

    Texts that differ in white space alone are one question to people and several to an embedder.
    """
    words = " ".join(loaded.generated.words[:COMMON_WORDS])
    texts = [words + " " * place for place in range(len(asked.questions.texts))]
    return asked._replace(questions=MemoryBlock(texts, asked.questions.vectors))


def _ask(database: Database, asked: Sequence[Asked]) -> tuple[_Samples, _Samples]:
    """Return the milliseconds, and the recall against exact, of each tenant and way.

    A question of each in turn. All are asked once before, uncounted, so that the server's buffers
    are as warm as after a day. Each way is at another question, so that none finds in the
    processor's cache what one before it read.
    """
    times: _Samples = {}
    found: _Samples = {}
    embedder = GivenVectors()
    store = MemoryStore(database, embedder)
    count = len(asked[0].questions.texts)
    for number in range(-count, count):
        for one in asked:
            embedder.know(one.questions)
            for order, (way, by) in enumerate(WAYS.items()):
                asked_now = (number + order * count // len(WAYS)) % count
                text = one.questions.texts[asked_now]
                began = time.perf_counter()
                memories = store.recall(
                    one.tenant.name, text, audiences=frozenset({PUBLIC}), limit=LIMIT, by=by
                )
                took = 1e3 * (time.perf_counter() - began)
                if number >= 0:
                    key = f"{one.tenant.memories:,} {way}"
                    refs = [memory.ref for memory in memories]
                    times.setdefault(key, []).append(took)
                    found.setdefault(key, []).append(recall_at(LIMIT, refs, one.exact[asked_now]))
    return times, found


def _empty_transaction(database: Database) -> float:
    began = time.perf_counter()
    database.run(_VISITOR, [Statement(SQL["nothing"], {})])
    return 1e3 * (time.perf_counter() - began)


def _insert_rates(database: Database, loaded: Loaded, count: int) -> Mapping[int, float]:
    """Rows a second with every index in place, by rows of one transaction; the rows go again."""
    embedder = GivenVectors()
    store = MemoryStore(database, embedder)
    rates = {}
    for order, size in enumerate(_BATCHES):
        block = loaded.generated.block(len(loaded.tenants) + order, 0)
        embedder.know(block)
        began = time.perf_counter()
        for start in range(0, count, size):
            texts = block.texts[start : min(start + size, count)]
            database.run(_VISITOR, kept(store, _VISITOR, texts, order * BLOCK + start))
        rates[size] = count / (time.perf_counter() - began)
    with psycopg.connect(loaded.url) as owner:
        owner.execute(SQL["forget_tenant"], [_VISITOR])
    return rates


def _load_table(loaded: Loaded, rates: Mapping[int, float]) -> Table:
    rows = []
    if loaded.rows:
        rate = loaded.rows / loaded.seconds
        rows = [
            ["loaded now, without HNSW and GIN", f"{loaded.rows:,}"],
            ["rows/s of that", f"{rate:,.0f}"],
            ["seconds to build these indexes", f"{loaded.build_seconds:,.0f}"],
        ]
    rows += [
        [f"rows/s, {size} in a transaction, all indexes", f"{rate:,.0f}"]
        for size, rate in rates.items()
    ]
    notes = (
        "Everything goes through MemoryStore.remember_all; vectors are given, embedding is not"
        " measured.",
        "The load prepares its statements once and sends 1,000 in a transaction.",
    )
    title = f"Filling one table with {loaded.memories:,} memories of {len(loaded.tenants)} tenants"
    return Table(title, ("what", "count"), rows, notes)


def _size_table(loaded: Loaded) -> Table:
    with psycopg.connect(loaded.url, row_factory=dict_row) as owner:
        found = owner.execute(SQL["sizes"]).fetchall()
    rows = [
        [one["name"], {"r": "table", "i": "index"}[one["kind"]], f"{each:,.0f}"]
        for one in found
        if (each := one["bytes"] / loaded.memories) >= 1
    ]
    rows.append(["all", "", f"{sum(one['bytes'] for one in found) / loaded.memories:,.0f}"])
    return Table("Size of a memory, bytes", ("relation", "kind", "bytes"), rows)


def _recall_table(
    loaded: Loaded, asked: Sequence[Asked], times: _Samples, found: _Samples, floor: float
) -> Table:
    rows = []
    for one in asked:
        for way in WAYS:
            key = f"{one.tenant.memories:,} {way}"
            share = one.tenant.memories / loaded.memories
            recall = f"{statistics.fmean(found[key]):.3f}" if WAYS[way] is By.VECTOR else ""
            rows.append(
                [f"{one.tenant.memories:,}", f"{share:.2%}", way, *cells(times[key]), recall]
            )
    notes = (
        f"Milliseconds of MemoryStore.recall, {len(times[key])} questions each in turns, warm, over"
        f" a Unix socket; embedding excluded. A transaction of `select 1` takes {floor:.2f}.",
        f"Recall@{LIMIT}: against the {LIMIT} nearest of the tenant, computed in numpy.",
        "Targets at 100,000: p50 <= 5 ms for every tenant, recall@10 >= 0.97.",
    )
    columns = ("tenant's memories", "of the table", "way", "p50 ms", "p99 ms", f"recall@{LIMIT}")
    return Table("Recall of tenants in one table", columns, rows, notes)


def _common_table(times: _Samples) -> Table:
    rows = [[*key.split(" ", 1), *cells(own)] for key, own in times.items()]
    columns = ("tenant's memories", "way", "p50 ms", "p99 ms")
    notes = (f"The question is the {COMMON_WORDS} most frequent words of all texts.",)
    return Table("Recall by very common words", columns, rows, notes)


def cells(samples: Sequence[float]) -> tuple[str, str]:
    """The median and the 99th percentile, as text."""
    p99 = statistics.quantiles(samples, n=100, method="inclusive")[-1]
    return f"{statistics.median(samples):.2f}", f"{p99:.2f}"
