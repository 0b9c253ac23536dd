"""Installs the locked distributions for Lambda's Python and processor, once for all functions, and
copies those that one function needs."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from infra.bundle.elf import blank_debugging
from infra.bundle.target import BuildTarget, compile_all
from shared.errors import SettingsError

#: chalice at run time is these two files; what it declares to need serves its command line.
_CHALICE = frozenset({"chalice/__init__.py", "chalice/app.py"})
#: PyJWT signs nothing here, so nobody needs the 16 MB of cryptography.
NEEDS_NOTHING = frozenset({"chalice", "pyjwt"})
#: Packages whose annotations nobody reads at run time: making their objects is two thirds of the
#: import of Chalice and a third of that of slack_sdk.
_ANNOTATED = ("chalice", "slack_sdk")
#: Packages whose version.py reads the version from the metadata of the distribution: that loads a
#: parser of mail and one of zips.
_VERSIONED = ("psycopg", "psycopg_binary")
#: Files that no function runs: tests, curves that RSA does not need, and the 2.7 MB of libyaml:
#: what functions read takes the parser in Python.
_UNUSED = (
    "Cryptodome/SelfTest/",
    "Cryptodome/PublicKey/_curve",
    "Cryptodome/PublicKey/_e",
    "Cryptodome/PublicKey/_x",
    "_yaml/",
    "yaml/_yaml.",
)


class Requirement(NamedTuple):
    name: str
    extras: frozenset[str]


_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")


class Vendor:
    """The installed distributions of one target."""

    def __init__(
        self, target: BuildTarget, folder: Path, extras: dict[str, frozenset[str]]
    ) -> None:
        self._target = target
        self._folder = folder
        self._extras = extras
        self._distributions = {normal(one.name): one for one in distributions(path=[str(folder)])}
        self._owner = {
            file.parts[0].partition(".")[0]: name
            for name, distribution in self._distributions.items()
            for file in distribution.files or ()
        }

    @classmethod
    def ready(
        cls, target: BuildTarget, requirements: Path, cache: Path, parts: Collection[str] = ()
    ) -> "Vendor":
        """Install what requirements/runtime.txt and parts/*.txt lock, unless the cache holds it.

        Many processes may ask at once. Raises SettingsError for a part that is not locked.
        """
        names = ["runtime", *(f"parts/{part}" for part in sorted(parts))]
        locked = [requirements / f"{name}.txt" for name in names]
        for file in locked:
            if not file.exists():
                raise SettingsError(f"{file} is missing; write the .in file and run ./scripts/lock")
        # The cache holds what this module makes of the distributions, so it counts too.
        made_of = b"".join(file.read_bytes() for file in (*locked, Path(__file__)))
        mark = sha256(made_of + " ".join(target.platforms).encode()).hexdigest()[:12]
        folder = cache / f"{target.runtime}-{target.architecture}-{mark}"
        if not folder.exists():
            cache.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=".installing-") as scratch:
                fresh = Path(scratch) / "site"
                _install(target, locked, fresh)
                try:
                    fresh.rename(folder)
                except OSError:  # Another build was faster, and its result is the same.
                    if not folder.exists():
                        raise
        asked = "\n".join(file.with_suffix(".in").read_text("utf-8") for file in locked)
        wanted = map(requirement, filter(_REQUIREMENT.match, asked.splitlines()))
        return cls(target, folder, dict(wanted))

    def copy(self, imported: dict[str, str], services: Collection[str], into: Path) -> None:
        """Copy the distributions that hold the packages `imported`, with all that they need.

        Of botocore's service descriptions, copy only those of `services`.
        """
        for name in self._closure(self._roots(imported)):
            for file in self._distributions[name].files or ():
                path = str(file)
                if _wanted(path, services):
                    self._copy_file(path, into)

    def _roots(self, imported: dict[str, str]) -> Iterator[str]:
        for package, importer in imported.items():
            if package not in self._owner:
                raise SettingsError(
                    f"{importer} imports {package}, which requirements/runtime.txt does not hold;"
                    " add it to requirements/runtime.in, or to a part that the function names, and"
                    " run ./scripts/lock"
                )
            yield self._owner[package]

    def _closure(self, roots: Iterable[str]) -> list[str]:
        """Return all distributions that `roots` need, with the extras of the .in files."""
        needed: set[Requirement] = set()
        pending = [Requirement(root, self._extras.get(root, frozenset())) for root in roots]
        while pending:
            wanted = pending.pop()
            if wanted in needed or wanted.name not in self._distributions:
                continue
            needed.add(wanted)
            if wanted.name not in NEEDS_NOTHING:
                needs = self._distributions[wanted.name].requires or ()
                pending += requirements_of(needs, wanted.extras)
        return sorted({one.name for one in needed})

    def _copy_file(self, path: str, into: Path) -> None:
        source, copy = self._folder / path, into / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.name == "METADATA":
            # importlib.metadata wants the name and the version, nobody wants the README.
            copy.write_text(source.read_text("utf-8").partition("\n\n")[0] + "\n", "utf-8")
            return
        shutil.copyfile(source, copy)
        compiled = source.parent / "__pycache__" / (source.stem + self._target.compiled_suffix)
        if source.suffix == ".py" and compiled.exists():
            (copy.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copyfile(compiled, copy.parent / "__pycache__" / compiled.name)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Requirement:
    """Read the name and the extras of a line such as `psycopg[binary]>=3; python_version > "3"`."""
    found = _REQUIREMENT.match(line)
    if not found:
        raise SettingsError(f"{line!r} is no requirement")
    extras = filter(None, re.split(r"[\s,]+", found[2] or ""))
    return Requirement(normal(found[1]), frozenset(extras))


def requirements_of(lines: Iterable[str], extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what a distribution needs, from the lines of its metadata. Only conditions on extras
    count: for the others, pip leaves out what the target does not need."""
    for line in lines:
        extra = _EXTRA.search(line)
        if extra is None or extra[1] in extras:
            yield requirement(line)


def _wanted(path: str, services: Collection[str]) -> bool:
    """Tell if a running function needs this file of a distribution."""
    parts = path.split("/")
    if parts[0].startswith("chalice"):
        return path in _CHALICE
    if parts[0].endswith(".dist-info"):
        return parts[-1] == "METADATA"
    if parts[0] in {"..", "bin"} or path.endswith((".pyi", "py.typed")):
        return False
    if path.startswith(_UNUSED):
        return False
    if parts[:2] == ["botocore", "data"] and len(parts) > 3:
        return parts[2] in services and not parts[-1].startswith("examples-")
    return True


def _install(target: BuildTarget, locked: Sequence[Path], into: Path) -> None:
    """Install the locked distributions, hashes checked, compiled, without debugging symbols."""
    interpreter = target.interpreter()
    command = [sys.executable, "-m", "pip"]
    if interpreter != shutil.which(sys.executable):
        command += ["--python", interpreter]
    command += ["install", "-qq", "--disable-pip-version-check", "--no-input", "--no-compile"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(into)]
    command += ["--implementation", "cp", "--python-version", target.version]
    command += [word for platform in target.platforms for word in ("--platform", platform)]
    command += [word for file in locked for word in ("-r", str(file))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise SettingsError(
            f"pip could not install {' and '.join(file.name for file in locked)} for"
            f" {target.runtime} on {target.architecture}: {reason}; a later runtime or the"
            " other architecture may have what is missing"
        )
    for library in into.rglob("*.so*"):
        blank_debugging(library)
    for package in _ANNOTATED:
        for module in (into / package).rglob("*.py"):
            _postpone_annotations(module)
    for package in _VERSIONED:
        _write_version(into, package)
    compile_all(target, into)


def _postpone_annotations(module: Path) -> None:
    """Keep the annotations of `module` as text, as PEP 563 says."""
    text = module.read_text("utf-8")
    if "from __future__" not in text:
        module.write_text(f"from __future__ import annotations\n{text}", "utf-8")


def _write_version(folder: Path, package: str) -> None:
    """Write the version of an installed package, if there is one, into its version.py."""
    for one in distributions(path=[str(folder)]):
        if normal(one.name) == normal(package):
            text = f'"""The installed version."""\n\n__version__ = "{one.version}"\n'
            (folder / package / "version.py").write_text(text, "utf-8")
