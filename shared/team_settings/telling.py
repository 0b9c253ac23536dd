"""Writes what people read of the settings of a team: each with its source, and what is wrong."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.actions.github.actions import Annotation
from shared.team_settings.keys import PATH
from shared.team_settings.resolving import FileProblem, Resolved, TeamSetting

#: Characters of a value in the list, and problems that are told.
_SHOWN, _TOLD = 120, 50
#: What the comment says that told of problems, after they are gone.
MENDED = f"{PATH} is mended: nothing is wrong in it any more."
_PLACES = {"repository": f"`{PATH}`", "organisation": f"`{PATH}` of the organisation"}


def all_settings(found: Resolved) -> str:
    """Return a table for each flow: its settings, and where each comes from."""
    parts = [_table(flow, settings.items()) for flow, settings in found.sections.items()]
    return "\n\n".join([*parts, *([problems(found.problems)] if found.problems else [])])


def problems(found: Sequence[FileProblem]) -> str:
    """Return the problems as a list; what they are about keeps its default."""
    rows = [f"- {_where(one)}: {one.what}" for one in found[:_TOLD]]
    more = len(found) - _TOLD
    rows += [f"- and {more} more"] if more > 0 else []
    return "\n".join(["What is wrong in the settings counts as not said:", "", *rows])


def annotations(found: Iterable[FileProblem]) -> tuple[Annotation, ...]:
    """Return the problems that have a line in the repository's file."""
    return tuple(
        Annotation(PATH, max(one.line, 1), one.what) for one in found if one.source == "repository"
    )[:_TOLD]


def title(found: Sequence[FileProblem]) -> str:
    return f"{len(found)} {'problem' if len(found) == 1 else 'problems'} in {PATH}"


def _table(flow: str, settings: Iterable[tuple[str, TeamSetting]]) -> str:
    rows = [f"| `{key}` | {_value(one.value)} | {_source(one)} |" for key, one in settings]
    return "\n".join([f"**{flow}**", "", "| key | value | from |", "|---|---|---|", *rows])


def _source(setting: TeamSetting) -> str:
    if setting.source == "first week":
        return "the first week of the installation"
    if setting.source == "default":
        return "default"
    return f"{_PLACES[setting.source]}, line {setting.line}"


def _where(problem: FileProblem) -> str:
    place = _PLACES[problem.source]
    return f"{place}, line {problem.line}" if problem.line else place


def _value(value: Any) -> str:
    texts = value if isinstance(value, list | tuple) else [value]
    shown = ", ".join(_code(str(one)) for one in texts if str(one))
    return shown or "none"


def _code(text: str) -> str:
    """Return a text as code in a cell of a table."""
    plain = " ".join(text.split()).replace("`", "'").replace("|", "¦")
    return f"`{plain[:_SHOWN]}{'…' if len(plain) > _SHOWN else ''}`"
