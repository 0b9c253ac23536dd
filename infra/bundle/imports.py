"""Reads which modules, foreign packages and AWS services a module reaches, without importing it."""

import ast
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shared.errors import SettingsError

PROJECT = frozenset({"flows", "shared", "infra"})


class Trace(NamedTuple):
    """`modules` maps the project's modules to their files, `imported` the foreign packages to the
    module that imports each, `services` are the AWS services that a client is made for."""

    modules: dict[str, Path]
    imported: dict[str, str]
    services: frozenset[str]


def trace(root: Path, entries: Iterable[str], parts: Collection[str] = ()) -> Trace:
    """Follow all imports from `entries`, also those inside functions; skip those that only a type
    checker sees, and modules of an optional part (`PART = "name"`) other than `parts`.

    Raises SettingsError when a module of the project is missing or an entry lacks its part.
    """
    modules: dict[str, Path] = {}
    imported: dict[str, str] = {}
    services: set[str] = set()
    pending = [(entry, "") for entry in entries]
    while pending:
        name, importer = pending.pop()
        top = name.partition(".")[0]
        if top not in PROJECT:
            if top not in sys.stdlib_module_names:
                imported.setdefault(top, importer)
            continue
        if name in modules:
            continue
        file = _file(root, name)
        if file is None:
            raise SettingsError(f"{importer or 'template.yaml'} names {name}, which does not exist")
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        source = _source(file.read_bytes(), package)
        if source.part and source.part not in parts:
            if not importer:
                raise SettingsError(
                    f"{name} belongs to the part {source.part}; add Parts: [{source.part}] to its"
                    " function's Metadata in template.yaml"
                )
            continue
        modules[name] = file
        pending += [(found, name) for found in source.imports]
        members = (found for found in source.members if found not in modules)
        pending += [(found, name) for found in members if _file(root, found)]
        pending.append((name.rpartition(".")[0] or name, name))
        services.update(source.services)
    return Trace(dict(sorted(modules.items())), imported, frozenset(services))


class _Source(NamedTuple):
    """What a module says: the optional part that it belongs to, the modules that it imports, the
    members that it imports from them, which may be modules, and the services that it calls."""

    part: str
    imports: tuple[str, ...]
    members: tuple[str, ...]
    services: tuple[str, ...]


@cache  # the bundles of all functions hold much the same modules
def _source(text: bytes, package: str) -> _Source:
    tree = ast.parse(text)
    imports, members = [], []
    for node in _nodes(tree, expressions=b"import_module" in text):
        match node:
            case ast.Import():
                imports += [alias.name for alias in node.names]
            case ast.ImportFrom():
                base = _base(node, package)
                imports.append(base)
                if base.partition(".")[0] in PROJECT:
                    members += [f"{base}.{alias.name}" for alias in node.names]
            case ast.Call(
                func=ast.Name("import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(name)), *_],
            ):
                imports.append(name)
    services = tuple(_services(tree)) if b"client" in text else ()
    return _Source(_part(tree), tuple(imports), tuple(members), services)


def _part(tree: ast.Module) -> str:
    """Return the optional part that a module names as `PART`, else the empty string."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("PART")], value=ast.Constant(str(part))):
                return part
    return ""


def _file(root: Path, name: str) -> Path | None:
    """Return the file of a module; None when there is no such module."""
    path = os.path.join(root, *name.split("."))  # asked often, and a Path takes three times as long
    for file in (f"{path}/__init__.py", f"{path}.py"):
        if os.path.exists(file):
            return Path(file)
    return None


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _nodes(tree: ast.AST, *, expressions: bool) -> Iterator[ast.AST]:
    """Walk the tree, but skip the branches under `if TYPE_CHECKING:`, and most of it without
    `expressions`, in which nothing is imported but by a call."""
    pending = [tree]
    while pending:
        node = pending.pop()
        match node:
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                children: list[ast.AST] = [*node.orelse]
            case _:
                yield node
                children = [*ast.iter_child_nodes(node)]
        if not expressions:
            children = [child for child in children if not isinstance(child, ast.expr)]
        pending += reversed(children)


def _services(tree: ast.AST) -> Iterator[str]:
    """Yield the services of calls such as `boto3.client("s3")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="client" | "create_client"),
                args=[ast.Constant(str(service)), *_],
            ):
                yield service
