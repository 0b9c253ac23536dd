"""What loading the model layer costs, beside the vendors' clients: CPU time and memory."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.process import FunctionFailed
from benchmarks.table import Findings, Spread, Table
from infra.project import ROOT

#: What is installed beside ours, each alone in what it needs.
_PACKAGES = ("openai", "anthropic", "litellm", "urllib3")
_PATIENCE = 900.0
_COLUMNS = (
    *("loading", "import: CPU ms", "+ client: CPU ms", "x urllib3"),
    *("+ client: RSS MB", "x urllib3", "modules"),
)

#: Loads, makes a client, and prints what each took; {} are the two statements.
_PROBE = """\
import sys, time
def rss():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1000
modules, memory, began = len(sys.modules), rss(), time.process_time_ns()
{}
imported = time.process_time_ns()
{}
ready = time.process_time_ns()
took = (imported - began) / 1e6, (ready - began) / 1e6, rss() - memory, len(sys.modules) - modules
print(*took)
"""

_OURS = "from shared.models.routing import Models; from shared.settings import Settings"
_CHAT = 'Models(Settings(openai_api_key="k")).provider("openai:gpt-5.4-mini")'
_BEDROCK = 'Models(Settings()).provider("bedrock:amazon.nova-lite-v1:0")'


class ImportCase(NamedTuple):
    """What is loaded: its name in the table, the two statements, and the Python that has it."""

    name: str
    imports: str
    client: str
    python: Path


class ImportSample(NamedTuple):
    """Milliseconds of CPU, megabytes, and how many modules."""

    imported: float
    ready: float
    rss: float
    modules: float


def measure_imports(scratch: Path, rounds: int) -> Findings:
    """Load each in fresh processes, round after round."""
    here, notes = Path(sys.executable), []
    cases = [
        ImportCase("urllib3", "import urllib3", "urllib3.PoolManager()", here),
        ImportCase("Agent Flows, offline", _OURS, 'Models(Settings()).provider("offline")', here),
        ImportCase("Agent Flows, OpenAI wire", _OURS, _CHAT, here),
        ImportCase("Agent Flows, both wires", _OURS, f"{_CHAT}; {_BEDROCK}", here),
        ImportCase("boto3 with Bedrock's client", "import boto3", _BOTO, here),
    ]
    python, problem = _throwaway(scratch / "clients")
    if problem:
        notes.append(f"openai, anthropic and litellm were not measured: {problem}.")
    else:
        cases += [
            ImportCase("openai", "import openai", 'openai.OpenAI(api_key="k")', python),
            ImportCase("anthropic", "import anthropic", 'anthropic.Anthropic(api_key="k")', python),
            ImportCase("litellm", "import litellm", "litellm.completion", python),
        ]
        notes.append(_versions(python))
    samples = _rounds(cases, scratch, rounds)
    floor = samples["urllib3"]
    table = Table(
        "Loading the model layer",
        _COLUMNS,
        [_row(name, own, floor) for name, own in samples.items()],
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, each a fresh process with compiled"
            " code in the disk's cache.",
            "RSS is by how much its peak grew. A client is ready to call; litellm makes its own"
            " at the first call.",
            "Not measured: Bedrock's client of Agent Flows, which it makes at the first call.",
            *notes,
        ),
    )
    return Findings(
        [table], {name: [one._asdict() for one in own] for name, own in samples.items()}
    )


_BOTO = 'boto3.client("bedrock-runtime", region_name="us-east-1")'


def _throwaway(folder: Path) -> tuple[Path, str]:
    """Make an environment with the vendors' clients; return its Python, or why there is none."""
    print("  installing openai, anthropic and litellm …", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin/python"
    command = [str(python), "-m", "pip", "install", "--quiet", *_PACKAGES]
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
    named = ", ".join(f"{name} {versions[name]}" for name in _PACKAGES[:3])
    return f"{named}, in an environment of {len(found)} packages."


def _rounds(
    cases: Sequence[ImportCase], scratch: Path, rounds: int
) -> dict[str, list[ImportSample]]:
    """Load each case once per round; a round before the first compiles, and is not counted."""
    samples: dict[str, list[ImportSample]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        print(f"\r  round {number} of {rounds}  ", end="", file=sys.stderr, flush=True)
        for case in cases:
            sample = _load(case, scratch)
            if number:
                samples[case.name].append(sample)
    print(file=sys.stderr)
    return samples


def _load(case: ImportCase, scratch: Path) -> ImportSample:
    variables = {"PYTHONPATH": str(ROOT)} if case.python == Path(sys.executable) else {}
    variables |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # litellm would fetch its price table.
    variables |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AWS_EC2_METADATA_DISABLED": "true"}
    probe = _PROBE.format(case.imports, case.client)
    done = subprocess.run(
        [case.python, "-c", probe],
        cwd=scratch,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FunctionFailed(f"{case.name} cannot be loaded:\n{done.stderr[-2000:]}")
    values: list[Any] = done.stdout.split()[-4:]
    return ImportSample(*map(float, values))


def _row(name: str, own: Sequence[ImportSample], floor: Sequence[ImportSample]) -> list[str]:
    pairs = list(zip(own, floor, strict=True))
    return [
        name,
        Spread.of(one.imported for one in own).text(),
        Spread.of(one.ready for one in own).text(),
        Spread.of(one.ready / base.ready for one, base in pairs).text(2),
        Spread.of(one.rss for one in own).text(),
        Spread.of(one.rss / base.rss for one, base in pairs).text(2),
        f"{Spread.of(one.modules for one in own).median:.0f}",
    ]
