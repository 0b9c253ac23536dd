"""The same recall through other libraries' stores, on the same server, with the same vectors."""

import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks.memory_load import SQL as LOAD
from benchmarks.memory_load import Loaded, build_bytes
from benchmarks.process import FunctionFailed
from benchmarks.recall_metrics import recall_at
from benchmarks.recall_scale import LIMIT, PER_ROUND, Asked, cells, questions_of
from benchmarks.table import Findings, Table
from infra.project import ROOT
from shared.database import queries

SQL = queries(__file__, "memory_peers.sql")

#: The packages of each peer, and how it is shown.
PEERS = {"langchain": "langchain-postgres", "mem0": "mem0ai"}
_SHOWN = {"langchain": "LangChain PGVectorStore", "mem0": "mem0 PGVector"}
_OURS = {"vector": "Agent Flows by vectors", "both": "Agent Flows by vectors and words"}
_SCRIPT = Path(__file__).with_name("peer_recall.py")
_PATIENCE = 900.0


class Way(NamedTuple):
    """One row group of the table: how it is shown, and what its process printed."""

    shown: str
    output: Mapping[str, Any]


def measure_peers(loaded: Loaded, scratch: Path, rounds: int) -> Findings:
    """Fill each peer's table from ours, search there, add an index on the tenant, search again."""
    asked = [questions_of(loaded, tenant, rounds * PER_ROUND) for tenant in loaded.tenants]
    file = scratch / "questions.json"
    file.write_text(json.dumps({one.tenant.name: _listed(one) for one in asked}), "utf-8")
    here = Path(sys.executable)
    ways = [
        Way(shown, _run(here, "search", by, loaded.url, str(file))) for by, shown in _OURS.items()
    ]
    python, problem = _throwaway(scratch / "peers")
    notes = [f"The peers were not measured: {problem}."] if problem else [_versions(python)]
    for name in {} if problem else PEERS:
        _fill(python, name, loaded)
        ways.append(Way(_SHOWN[name], _run(python, "search", name, loaded.url, str(file))))
        with psycopg.connect(loaded.url, autocommit=True) as owner:
            owner.execute(SQL[f"tenant_index_{name}"])
            owner.execute(LOAD["analyze"])
        shown = f"{_SHOWN[name]} + an index on the tenant"
        ways.append(Way(shown, _run(python, "search", name, loaded.url, str(file))))
    with psycopg.connect(loaded.url, autocommit=True) as owner:
        owner.execute(SQL["drop_peers"])
    tables = [_recall_table(loaded, asked, ways, notes), _loading_table(ways)]
    return Findings(tables, {way.shown: dict(way.output) for way in ways})


def _listed(asked: Asked) -> list[tuple[str, list[float]]]:
    return list(zip(asked.questions.texts, asked.questions.vectors.tolist(), strict=True))


def _fill(python: Path, name: str, loaded: Loaded) -> None:
    """Make the peer's table as it does, and build its indexes after the rows are there."""
    print(f"  filling the table of {name} …", file=sys.stderr, flush=True)
    table = f"peer_{name}"
    with psycopg.connect(loaded.url, autocommit=True) as owner:
        owner.execute(f"drop table if exists {table}".encode())
        _run(python, "make", name, loaded.url)
        indexes = owner.execute(SQL["peer_indexes"], [table]).fetchall()
        for index, _ in indexes:
            owner.execute(f"drop index {index}".encode())
        owner.execute(SQL[f"fill_{name}"])
        owner.execute(LOAD["build_within"], [build_bytes(loaded.memories)])
        for _, definition in indexes:
            owner.execute(definition)
        owner.execute(LOAD["analyze"])


def _run(python: Path, *arguments: str) -> dict[str, Any]:
    """Run the script under `python` and read what it prints."""
    variables = {"PYTHONPATH": str(ROOT)} if python == Path(sys.executable) else {}
    variables |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables |= {"MEM0_TELEMETRY": "False"}
    done = subprocess.run(
        [python, "-P", _SCRIPT, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FunctionFailed(f"{arguments[1]} cannot {arguments[0]}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found


def _throwaway(folder: Path) -> tuple[Path, str]:
    """Make an environment with the peers; return its Python, or why there is none."""
    print("  installing the peers …", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin/python"
    command = [str(python), "-m", "pip", "install", "--quiet", *PEERS.values()]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return python, f"installing them took longer than {_PATIENCE:.0f} s"
    return python, "they could not be installed" if done.returncode else ""


def _versions(python: Path) -> str:
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    found: list[dict[str, str]] = json.loads(listed.stdout)
    versions = {package["name"]: package["version"] for package in found}
    named = ", ".join(f"{package} {versions[package]}" for package in PEERS.values())
    return f"{named}, in one environment of {len(found)} packages."


def _recall_table(
    loaded: Loaded, asked: Sequence[Asked], ways: Sequence[Way], notes: Sequence[str]
) -> Table:
    rows = []
    for one in asked:
        for way in ways:
            own = way.output["tenants"][one.tenant.name]
            pairs = zip(own["refs"], one.exact, strict=True)
            recall = statistics.fmean(recall_at(LIMIT, refs, exact) for refs, exact in pairs)
            rows.append([way.shown, f"{one.tenant.memories:,}", *cells(own["ms"]), f"{recall:.3f}"])
    described = (
        f"One server, {loaded.memories:,} memories, {len(asked[0].exact)} questions of each tenant"
        " in turns, warm; vectors given.",
        "Each library in a process of its own, with the index that it makes and its defaults; the"
        " peers filter by tenant in their way.",
        "By words too, what is nearest by vectors alone is not what is wanted, so recall is lower.",
        "Agent Flows asks as a role bound by row level security; the peers as the owner.",
        *notes,
    )
    columns = ("store", "tenant's memories", "p50 ms", "p99 ms", f"recall@{LIMIT}")
    return Table("The same recall through other libraries", columns, rows, described)


def _loading_table(ways: Sequence[Way]) -> Table:
    rows = []
    for way in ways:
        if "+" not in way.shown:
            loading = way.output["loading"]
            rows.append([way.shown, *(f"{loading[what]:,.0f}" for what in ("cpu ms", "rss mb"))])
    notes = ("From before the import to after the first answer; RSS is by how much its peak grew.",)
    return Table("Loading these libraries", ("store", "CPU ms", "RSS MB"), rows, notes)
