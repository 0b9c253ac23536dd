"""The bundle of each function: built as a deployment builds it, and how large its zip is."""

import platform
import shutil
import sys
import zipfile
from collections import Counter
from pathlib import Path

from benchmarks.table import Findings, Table
from infra.bundle.build import build
from infra.bundle.target import BuildTarget
from infra.local.aws.template import read
from infra.project import ROOT, TEMPLATES

#: Megabytes of the zip that a function may have, and should.
TARGETS = {"Ingress": (0.3, 0.1)}
WORKER_TARGET = (12.0, 12.0)
_SHOWN = 4


class Bundles:
    """Builds each function at most once, for the Python and the processor at hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.target = here()

    def get(self, function: str) -> Path:
        """Return the folder of the built function."""
        bundle = self._folder / function
        if not bundle.exists():
            build(function, bundle, self.target)
        return bundle

    def ingress_with(self, stand_in: str, module: str) -> Path:
        """Return the folder of an ingress with the file `stand_in` of this package in the place of
        `module`, a path in the project; else it is the same."""
        bundle, project = self._folder / stand_in, self._folder / f"project-{stand_in}"
        if not bundle.exists():
            for name in ("flows", "shared", "requirements"):
                shutil.copytree(ROOT / name, project / name)
            shutil.copyfile(ROOT / "template.yaml", project / "template.yaml")
            shutil.copyfile(ROOT / "benchmarks" / stand_in, project / module)
            (project / ".vendor").symlink_to(ROOT / ".vendor")
            build("Ingress", bundle, self.target, project)
        return bundle


def here() -> BuildTarget:
    """The Lambda runtime and the architecture that this machine can run."""
    processor = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    return BuildTarget(f"python{sys.version_info.major}.{sys.version_info.minor}", processor)


def functions() -> dict[str, frozenset[str]]:
    """The functions of the templates, and the names of the variables that each is handed."""
    return {
        name: frozenset(one["Properties"].get("Environment", {}).get("Variables", {}))
        for template in TEMPLATES
        for name, one in read(ROOT / template)["Resources"].items()
        if one["Type"] == "AWS::Serverless::Function"
    }


def measure_sizes(bundles: Bundles, scratch: Path) -> Findings:
    """Zip every function and weigh what is in it."""
    rows, samples = [], {}
    for function in functions():
        bundle = bundles.get(function)
        packed, tops = _zipped(bundle, scratch / f"{function}.zip")
        unpacked = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
        most, aim = TARGETS.get(function, WORKER_TARGET)
        largest = ", ".join(f"{top} {size / 1e6:.2f}" for top, size in tops.most_common(_SHOWN))
        target = f"<= {most:g}" + (f", aim {aim:g}" if aim != most else "")
        rows.append((function, f"{packed / 1e6:.3f}", target, f"{unpacked / 1e6:.2f}", largest))
        samples[function] = {"zip": packed, "unpacked": unpacked, "zip of each": dict(tops)}
    table = Table(
        f"Bundles for {bundles.target.runtime} on {bundles.target.architecture}",
        ("function", "zip MB", "target", "unpacked MB", "largest in the zip, MB"),
        rows,
        ("Deflated as `sam package` does; compiled code included.",),
    )
    return Findings([table], samples)


def _zipped(bundle: Path, into: Path) -> tuple[int, Counter[str]]:
    """Zip a bundle; return the size of the zip, and the compressed sizes of what lies on top."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(bundle))
        tops: Counter[str] = Counter()
        for entry in archive.infolist():
            tops[entry.filename.partition("/")[0]] += entry.compress_size
    return into.stat().st_size, tops
