"""Builds what a function ships: the project's modules that it reaches, the distributions that those
import, compiled. Needs nothing but Python and pip: no Docker, and no Python library."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from infra.bundle.imports import Trace, trace
from infra.bundle.target import Target, compile_all
from infra.bundle.vendor import Vendor
from infra.project import ROOT
from shared.errors import SettingsError

#: Runs only where the local embedder is installed, which no function ships: the model is too large.
#: shared/memory/embedding/local_embedders.py looks for it before it imports it.
LOCAL_ONLY = frozenset({"shared.memory.embedding.minilm"})


class Declared(NamedTuple):
    """What template.yaml says about one function."""

    handler: str
    flow: str

    @property
    def entries(self) -> list[str]:
        """The modules that Lambda imports first."""
        modules = [self.handler.rpartition(".")[0]]
        return [*modules, self.flow.partition(":")[0]] if self.flow else modules


class Template:
    """The few lines of template.yaml that a build needs, read without a YAML library."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = path.read_text("utf-8")

    def function(self, name: str) -> Declared:
        """Return what is declared for the function `name`; raises SettingsError when it is none."""
        block = self._block(name)
        if not (handler := self._value(block, "Handler")):
            raise SettingsError(f"{self._path.name} has no function {name!r} with a Handler: line")
        return Declared(handler, self._value(block, "FLOW"))

    def default(self, parameter: str) -> str:
        found = re.search(r"Default: ([\w.]+)", self._block(parameter))
        return found[1] if found else ""

    def _block(self, name: str) -> str:
        found = re.search(rf"^  {re.escape(name)}:(.*?)(?=^ {{0,2}}\S|\Z)", self._text, re.M | re.S)
        return found[1] if found else ""

    @staticmethod
    def _value(block: str, key: str) -> str:
        found = re.search(rf"^ +{key}: (\S+)$", block, re.M)
        return found[1] if found else ""


def build(function: str, into: Path, target: Target, root: Path = ROOT) -> Trace:
    """Build the bundle of `function` for `target` in the empty or missing folder `into`.

    Raises SettingsError when the function, an import or a Python of the target's version is
    missing.
    """
    declared = Template(root / "template.yaml").function(function)
    needs = trace(root, declared.entries, LOCAL_ONLY)
    into.mkdir(parents=True, exist_ok=True)
    _copy_modules(needs, root, into)
    compile_all(target, into)
    if needs.imported:
        vendor = Vendor.ready(target, root / "requirements", root / ".vendor")
        vendor.copy(needs.imported, needs.services, into)
    return needs


def _copy_modules(needs: Trace, root: Path, into: Path) -> None:
    for file in needs.modules.values():
        for source in (file, *_sql_of(file)):
            copy = into / source.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def _sql_of(module: Path) -> Iterable[Path]:
    """The SQL that goes along: the file of the module's name, and with a package what no module of
    it owns."""
    if module.name != "__init__.py":
        return [own] if (own := module.with_suffix(".sql")).exists() else []
    return [sql for sql in module.parent.glob("*.sql") if not sql.with_suffix(".py").exists()]
