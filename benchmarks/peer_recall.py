"""Recalls with one library in a process of its own; prints what loading it and each search took.

It runs under the Python of a throwaway environment too, so it imports nothing but what it measures:
`python -P peer_recall.py make|search vector|both|langchain|mem0 URL QUESTIONS`.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

DIMENSIONS, LIMIT = 384, 10

#: Finds the refs nearest to a text and its vector among the memories of a tenant, best first.
Search = Callable[[str, str, Sequence[float]], list[str]]


class Peer(NamedTuple):
    """What makes a library's table with the index that it recommends, and what searches there."""

    make: Callable[[str], None]
    opened: Callable[[str], Search]


def _open_agent_flows(url: str, by: str) -> Search:
    """MemoryStore.recall with given vectors."""
    database = import_module("shared.database").Database(url)
    given: dict[str, Sequence[float]] = {}

    class Given:
        name, dimensions, asymmetric = "benchmark", DIMENSIONS, False

        def embed(self, texts: Sequence[str], purpose: str = "document") -> list[Sequence[float]]:
            return [given[text] for text in texts]

    store = import_module("shared.memory.store").MemoryStore(database, Given())
    public, way = frozenset({"public"}), import_module("shared.memory").By(by)

    def search(tenant: str, text: str, vector: Sequence[float]) -> list[str]:
        given[text] = vector
        found = store.recall(tenant, text, audiences=public, limit=LIMIT, by=way)
        return [memory.ref for memory in found]

    return search


def _make_langchain(url: str) -> None:
    """https://docs.langchain.com/oss/python/integrations/vectorstores/pgvectorstore"""
    library = import_module("langchain_postgres")
    columns = [library.Column("tenant", "TEXT"), library.Column("ref", "TEXT")]
    _langchain_engine(url).init_vectorstore_table(
        "peer_langchain", DIMENSIONS, metadata_columns=columns
    )
    index = import_module("langchain_postgres.v2.indexes").HNSWIndex()
    _langchain_store(url).apply_vector_index(index)


def _open_langchain(url: str) -> Search:
    """The tenant is in a column of its own, and the filter as the guide shows it."""
    store = _langchain_store(url)

    def search(tenant: str, text: str, vector: Sequence[float]) -> list[str]:
        found = store.similarity_search_with_score_by_vector(
            list(vector), k=LIMIT, filter={"tenant": tenant}
        )
        return [document.metadata["ref"] for document, _ in found]

    return search


def _langchain_store(url: str) -> Any:
    fake = import_module("langchain_core.embeddings").FakeEmbeddings(size=DIMENSIONS)
    return import_module("langchain_postgres").PGVectorStore.create_sync(
        _langchain_engine(url), fake, "peer_langchain", metadata_columns=["tenant", "ref"]
    )


def _langchain_engine(url: str) -> Any:
    engine = import_module("langchain_postgres").PGEngine
    return engine.from_connection_string(
        url=url.replace("postgresql://", "postgresql+psycopg://", 1)
    )


def _make_mem0(url: str) -> None:
    _mem0_store(url).create_col()


def _open_mem0(url: str) -> Search:
    """The store below mem0's Memory, with the filter that Memory.search hands to it."""
    store = _mem0_store(url)

    def search(tenant: str, text: str, vector: Sequence[float]) -> list[str]:
        found = store.search(text, list(vector), top_k=LIMIT, filters={"user_id": tenant})
        return [one.payload["ref"] for one in found]

    return search


def _mem0_store(url: str) -> Any:
    """https://docs.mem0.ai/components/vectordbs/dbs/pgvector, with hnsw on."""
    return import_module("mem0.vector_stores.pgvector").PGVector(
        dbname="",
        collection_name="peer_mem0",
        embedding_model_dims=DIMENSIONS,
        user="",
        password="",
        host="",
        port=0,
        diskann=False,
        hnsw=True,
        connection_string=url,
    )


PEERS = {
    "vector": Peer(lambda url: None, lambda url: _open_agent_flows(url, "vector")),
    "both": Peer(lambda url: None, lambda url: _open_agent_flows(url, "both")),
    "langchain": Peer(_make_langchain, _open_langchain),
    "mem0": Peer(_make_mem0, _open_mem0),
}


def main(action: str, name: str, url: str, questions: str = "") -> None:
    """Make the table, or search and print JSON."""
    if action == "make":
        PEERS[name].make(url)
    else:
        print(
            json.dumps(_searched(PEERS[name], url, json.loads(Path(questions).read_text("utf-8"))))
        )


def _searched(
    peer: Peer, url: str, asked: dict[str, list[tuple[str, Sequence[float]]]]
) -> dict[str, Any]:
    """Ask a question of each tenant in turn; return what loading, and what each search took."""
    memory, began = _peak_memory(), time.process_time()
    search = peer.opened(url)
    found: dict[str, Any] = {tenant: {"ms": [], "refs": []} for tenant in asked}
    first = next(iter(asked))
    search(first, *asked[first][0])
    loading = {
        "cpu ms": 1e3 * (time.process_time() - began),
        "rss mb": _peak_memory() - memory,
        "modules": len(sys.modules),
    }
    for number in range(-1, len(asked[first])):  # the last question first, uncounted
        for tenant, own in asked.items():
            start = time.perf_counter()
            refs = search(tenant, *own[number])
            took = 1e3 * (time.perf_counter() - start)
            if number >= 0:
                found[tenant]["ms"].append(took)
                found[tenant]["refs"].append(refs)
    return {"loading": loading, "tenants": found}


def _peak_memory() -> float:
    """Megabytes."""
    with Path("/proc/self/status").open(encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    main(*sys.argv[1:])
