"""./scripts/flows reference: writes the tables of docs/flows.md from the tables of the adapters."""

import argparse
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from infra.cli.system import KnownSystem
from infra.project import ROOT
from shared.actions import Action, Query
from shared.actions.github import adapter as github
from shared.actions.slack import adapter as slack
from shared.errors import SettingsError

PAGE = ROOT / "docs/flows.md"

Kind = TypeVar("Kind", Action, Query)

_PLATFORMS = {"GitHub": github, "Slack": slack}


def run_reference(known: KnownSystem, options: argparse.Namespace) -> None:
    text = PAGE.read_text("utf-8")
    if (fresh := with_tables(text)) != text:
        PAGE.write_text(fresh, "utf-8")
    print(f"{PAGE.relative_to(ROOT)} is up to date")


def with_tables(page: str) -> str:
    """Return the page with its tables as the code says; raises SettingsError without their
    places."""
    for name, table in (("actions", actions_table()), ("queries", queries_table())):
        place = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        parts = place.split(page)
        if len(parts) != 4:
            raise SettingsError(f"docs/flows.md needs one `<!-- {name} -->` … `<!-- end -->`")
        page = "".join([parts[0], parts[1], table, parts[2], parts[3]])
    return page


def actions_table() -> str:
    """Return every action: its fields, what it does, and what follows a crash in its middle."""
    lines = ["| action | it does | after a crash |", "|---|---|---|"]
    for platform, module in _PLATFORMS.items():
        lines.append(f"| **{platform}** | | |")
        for kind in _sorted(module.ACTIONS):
            again = "done again" if kind.idempotent else "looked up"
            lines.append(f"| {_call(kind)} | {_about(kind)}{_rights(kind)} | {again} |")
    return "\n".join(lines)


def queries_table() -> str:
    """Return every query: its fields, and its answer."""
    lines = ["| query | answer |", "|---|---|"]
    for platform, module in _PLATFORMS.items():
        answers: Mapping[type[Query], object] = dict(module.ANSWERS)
        if module is github:
            answers = {**answers, **github.more_answers()}
        lines.append(f"| **{platform}** | |")
        lines += [f"| {_call(kind)} | {_about(kind)}{_rights(kind)} |" for kind in _sorted(answers)]
    return "\n".join(lines)


def _sorted(kinds: Iterable[type[Kind]]) -> list[type[Kind]]:
    return sorted(kinds, key=lambda kind: kind.__name__)


def _call(kind: type[Any]) -> str:
    """Return how a flow writes it; what may be left out is in brackets."""
    named = [
        field.name if field.default is field.default_factory else f"[{field.name}]"
        for field in fields(kind)
    ]
    return f"`{kind.__name__}({', '.join(named)})`"


def _about(kind: type) -> str:
    """Return what its docstring says, in one line of a table."""
    said = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    return " ".join(said.split()).replace("|", "\\|")


def _rights(kind: type[Action] | type[Query]) -> str:
    needed = ", ".join(f"{name}: {level}" for name, level in kind.permissions.items())
    return f" ({needed})" if needed else ""
