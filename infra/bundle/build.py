"""Builds a function's bundle: the project's modules that it reaches and the distributions that
those import, compiled. It needs only Python and pip: no Docker, no Python library."""

import re
import shutil
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from infra.bundle.imports import Trace, trace
from infra.bundle.settings import write_settings
from infra.bundle.target import BuildTarget, compile_all
from infra.bundle.vendor import Vendor
from infra.configuration.authorities import authorities
from infra.project import ROOT, TEMPLATES
from shared.errors import SettingsError

#: The parameters of template.yaml that configure functions beside their memory and variables.
CONFIGURING = ("SecurityGroups", "Subnets", "Tracing")

#: How a module names a file of SQL, or a template of a page, beside it.
_BESIDE = re.compile(r'"([\w-]+\.(?:sql|html))"')


class Declared(NamedTuple):
    """A function as template.yaml declares it; `parts` are the optional parts that it ships."""

    handler: str
    flow: str
    parts: tuple[str, ...] = ()

    @property
    def entries(self) -> list[str]:
        """Return the modules that Lambda imports first."""
        modules = [self.handler.rpartition(".")[0]]
        return [*modules, self.flow.partition(":")[0]] if self.flow else modules


class TemplateText:
    """Finds the few lines of our templates that a build needs, without a YAML library."""

    def __init__(self, root: Path, *names: str) -> None:
        """`root` is the project's folder, or a copy of what a build needs of it."""
        found = (root / name for name in names or TEMPLATES)
        self._text = "\n".join(path.read_text("utf-8") for path in found if path.exists())

    def function(self, name: str) -> Declared:
        """Return the function `name`; raises SettingsError when there is none."""
        block = self._block(name)
        if not (handler := self._value(block, "Handler")):
            raise SettingsError(f"the templates have no function {name!r} with a Handler: line")
        parts = re.search(r"\bParts: \[(.*?)\]", block)
        named = re.findall(r"[\w-]+", parts[1]) if parts else ()
        return Declared(handler, self._value(block, "FLOW"), tuple(named))

    def default(self, parameter: str) -> str:
        found = re.search(r"Default: ([\w.]+)", self._block(parameter))
        return found[1] if found else ""

    @property
    def functions(self) -> list[str]:
        return re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", self._text, re.M)

    @property
    def parameters(self) -> dict[str, str]:
        """The types of the parameters of the first template: the other's are among them."""
        found = re.search(r"^Parameters:\n((?: .*\n|\n)+)", self._text, re.M)
        pattern = r"^  (\w+):\s*\{?\s*Type: ([\w:<>]+)"
        return dict(re.findall(pattern, found[1], re.M)) if found else {}

    @property
    def event_types(self) -> str:
        """Return all that flows take, with commas. What no flow wants is not published, and `help`
        does not name it."""
        found = re.findall(r"^ +EventTypes: (\S+)$", self._text, re.M)
        return ",".join(sorted({name for types in found for name in types.split(",")}))

    def configuration(self, function: str, given: Mapping[str, str]) -> str:
        """Return a digest of what Lambda is told of a function, with the parameters `given`."""
        shared = re.search(r"^Globals:\n((?: .*\n|\n)+)", self._text, re.M)
        told = [shared[1] if shared else "", self._block(function)]
        told += [given.get(name) or self.default(name) for name in CONFIGURING]
        return sha256("\0".join(told).encode()).hexdigest()

    def _block(self, name: str) -> str:
        found = re.search(rf"^  {re.escape(name)}:(.*?)(?=^ {{0,2}}\S|\Z)", self._text, re.M | re.S)
        return found[1] if found else ""

    @staticmethod
    def _value(block: str, key: str) -> str:
        found = re.search(rf"^ +{key}: (\S+)$", block, re.M)
        return found[1] if found else ""


def build(
    function: str,
    into: Path,
    target: BuildTarget,
    root: Path = ROOT,
    settings: Mapping[str, str] | None = None,
) -> Trace:
    """Build the bundle of `function` for `target` in the empty or missing folder `into`, with what
    it reads of the deployment's `settings`, by variable, beside which the parameters of
    template.yaml may stand; what signs in to the database gets the authorities of DATABASE_CA too.

    Raises SettingsError when the function, an import, a part or a Python of the target's version
    is missing.
    """
    template = TemplateText(root)
    declared = template.function(function)
    needs = trace(root, declared.entries, declared.parts)
    into.mkdir(parents=True, exist_ok=True)
    _copy_modules(needs, root, into)
    write_settings(needs.modules, settings or {}, template.event_types, into)
    # SAM publishes a version only of new code, memory or variables; the rest is made code here.
    configuration = template.configuration(function, settings or {})
    (into / "configuration.txt").write_text(f"{configuration}\n", "utf-8")
    _copy_authorities((settings or {}).get("DATABASE_CA", ""), into)
    compile_all(target, into)
    if needs.imported:
        vendor = Vendor.ready(target, root / "requirements", root / ".vendor", declared.parts)
        vendor.copy(needs.imported, needs.services, into)
    return needs


def _copy_modules(needs: Trace, root: Path, into: Path) -> None:
    for file in needs.modules.values():
        for source in (file, *_beside(file), *_shipped_with(file)):
            copy = into / source.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def _copy_authorities(database_ca: str, into: Path) -> None:
    folder = into / "shared" / "database" / "roots"
    if database_ca and folder.exists():
        (folder / "own.pem").write_text(authorities(database_ca), "utf-8")


def _shipped_with(module: Path) -> Iterable[Path]:
    """Return the certificates, and the files for browsers, that ship with a package."""
    if module.name != "__init__.py":
        return ()
    return [*module.parent.glob("roots/*.pem"), *module.parent.glob("static/*")]


def _beside(module: Path) -> Iterable[Path]:
    """Return the SQL and the templates that ship with a module: the files that it names; with a
    package also the SQL that no module of it names."""
    named = _named_beside(module)
    if module.name == "__init__.py":
        elsewhere = {file for other in module.parent.glob("*.py") for file in _named_beside(other)}
        named |= {*module.parent.glob("*.sql")} - elsewhere
    return named


def _named_beside(module: Path) -> set[Path]:
    names = _BESIDE.findall(module.read_text("utf-8"))
    return {file for name in names if (file := module.with_name(name)).exists()}
