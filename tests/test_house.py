"""The house rules: sizes, and in flows/ and shared/ no import cycles, one word for one thing."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from infra.project import ROOT

FILES = [path for top in ("flows", "shared") for path in sorted((ROOT / top).rglob("*.py"))]
BELOW = [path for top in ("benchmarks", "infra") for path in sorted((ROOT / top).rglob("*.py"))]


@cache
def trees() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in FILES
    }


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """Return all nodes of each module's tree: three tests go through them."""
    return {module: [*ast.walk(tree)] for module, tree in trees().items()}


def test_functions_are_short() -> None:
    lengths = sorted(_lengths(nodes()))
    lines, where = lengths[len(lengths) * 9 // 10]
    assert lines <= 18, f"a tenth of the functions is as long as {where} or longer: {lines} lines"
    below = {_path(file): _statements(ast.parse(file.read_text("utf-8"))) for file in BELOW}
    every = [*lengths, *_lengths(below)]
    _none(f"{where}: {lines} lines, at most 45" for lines, where in every if lines > 45)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements of a tree; what they are made of is ten times as much."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for inner in getattr(node, name, ()):
            yield inner
            yield from _statements(inner)


def _lengths(places: Mapping[str, Iterable[ast.AST]]) -> Iterator[tuple[int, str]]:
    """Yield how long each function is, and where."""
    for place, found in places.items():
        for node in found:
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                yield node.end_lineno - node.lineno + 1, f"{place}.{node.name}"


def _path(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 loses what such a group matched last; `(?>(?:…)*)` says the same.

    https://github.com/python/cpython/issues/106052
    """
    possessive = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
    _none(
        f"{module}: {node.value[-60:]}"
        for module, found in nodes().items()
        for node in found
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if possessive.search(node.value)
    )


def test_files_are_short() -> None:
    lines = {_path(file): file.read_text("utf-8").count("\n") for file in (*FILES, *BELOW)}
    _none(f"{path}: {count} lines, at most 350" for path, count in lines.items() if count > 350)


def test_no_folder_is_crowded() -> None:
    """But flows/: there each author adds one to those of ours."""
    modules = Counter(str(path.parent.relative_to(ROOT)) for path in FILES)
    _none(
        f"{folder}: {count} modules, at most 16"
        for folder, count in modules.items()
        if count > 16 and folder != "flows"
    )


def test_no_modules_import_each_other_in_a_cycle() -> None:
    """Imports inside functions count too: a late import hides a cycle and breaks none."""
    graph = {module: set(_imports(module)) - {module} for module in trees()}
    cycles = []
    while cycle := _cycle(graph):
        cycles.append(" imports ".join(reversed(cycle)))
        for importer, imported in zip(cycle[1:], cycle, strict=False):
            graph[importer].discard(imported)
    _none(cycles)


def test_each_public_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    _none(f"{name}: {', '.join(found)}" for name, found in places.items() if len(found) > 1)


def _none(culprits: Iterable[str]) -> None:
    if found := sorted(culprits):
        pytest.fail("\n".join(found), pytrace=False)


def _imports(module: str) -> Iterator[str]:
    """Yield the modules of flows/ and shared/ that a module's import statements load."""
    for node in nodes()[module]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in trees())
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{module}: name the whole module in imports"
            wanted = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from (name for name in wanted if name in trees())


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return one cycle; each of its modules is imported by the next."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []
