"""Finds the value of each key, and where it comes from: the repository goes before the
organisation, which goes before the default. What is wrong in a file counts as not said there."""

from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from shared.events import Json
from shared.team_settings.keys import LARGEST, SECTIONS, Key, keys_of
from shared.team_settings.yaml_lines import Unreadable, YamlValue, read_yaml

Source = Literal["default", "first week", "organisation", "repository"]
#: Characters of a key that a problem repeats.
_QUOTED = 40
#: Problems of a file that are kept.
_MOST = 100


class FileProblem(NamedTuple):
    """What is wrong with the file of a source, in a line; 0 for the file as a whole."""

    source: Source
    line: int
    what: str


class TeamSetting(NamedTuple):
    """A value and the file and line that it comes from."""

    value: Any
    source: Source = "default"
    line: int = 0


class Resolved(NamedTuple):
    """The settings by section and key, and all problems of the files."""

    sections: Mapping[str, MutableMapping[str, TeamSetting]]
    problems: tuple[FileProblem, ...]

    def to_json(self) -> Json:
        return {
            "sections": {
                section: {key: [*one] for key, one in keys.items()}
                for section, keys in self.sections.items()
            },
            "problems": [[*one] for one in self.problems],
        }

    @classmethod
    def of_json(cls, found: Json) -> "Resolved":
        """Read what `to_json` wrote. A key that it lacks is newer than the record."""
        sections = {
            section: {
                key: TeamSetting(*found["sections"].get(section, {}).get(key, (of.default,)))
                for key, of in keys_of(section).items()
            }
            for section in SECTIONS
        }
        return cls(sections, tuple(FileProblem(*one) for one in found["problems"]))


def resolve(organisation: Json | None, repository: Json | None) -> Resolved:
    """Return the settings of two files, as ReadTeamFiles answers them; None for no file."""
    settings = {
        section: {key: TeamSetting(of.default) for key, of in keys_of(section).items()}
        for section in SECTIONS
    }
    problems: list[FileProblem] = []
    files: tuple[tuple[Source, Json | None], ...] = (
        ("organisation", organisation),
        ("repository", repository),
    )
    for source, file in files:
        if file is None:
            continue
        said, wrong = _said(file["text"], file["problem"])
        problems += [FileProblem(source, line, what) for line, what in wrong]
        for (section, key), found in said.items():
            settings[section][key] = TeamSetting(found.plain, source, found.line)
    return Resolved(settings, tuple(problems))


_Said = Mapping[tuple[str, str], YamlValue]
_Wrong = tuple[tuple[int, str], ...]


@lru_cache(maxsize=64)  # the files of a process's repositories, which seldom change
def _said(text: str, problem: str) -> tuple[_Said, _Wrong]:
    """Return what a file says, and what is wrong with it and in which line."""
    if not problem and len(text.encode("utf-8", "replace")) > LARGEST:
        problem = f"it is larger than {LARGEST:,} bytes"
    if problem:
        return {}, ((0, problem),)
    try:
        whole = read_yaml(text)
    except Unreadable as err:
        return {}, ((err.line, str(err)),)
    said: dict[tuple[str, str], YamlValue] = {}
    wrong: list[tuple[int, str]] = []
    for section, keys, found in _sections(whole, wrong):
        for key, value, kind in _known(found, keys, f"{section}.", wrong):
            if what := kind.kind.problem(value.plain):
                wrong.append((value.line, f"`{section}.{key}` {what}"))
            else:
                said[section, key] = value
    return said, tuple(sorted(wrong)[:_MOST])


def _sections(
    whole: YamlValue, wrong: list[tuple[int, str]]
) -> Iterator[tuple[str, Mapping[str, Key], YamlValue]]:
    for section, found, _ in _known(whole, dict.fromkeys(SECTIONS), "", wrong):
        yield section, keys_of(section), found


def _known(
    found: YamlValue, known: Mapping[str, Any], prefix: str, wrong: list[tuple[int, str]]
) -> Iterator[tuple[str, YamlValue, Any]]:
    """Yield the keys of a mapping that are known, with what is known of each."""
    if found.value is None:
        return
    if not isinstance(found.value, dict):
        name = f"`{prefix.rstrip('.')}`" if prefix else "it"
        keys = ", ".join(known)
        wrong.append((found.line, f"{name} must have keys below it, such as {keys}"))
        return
    for name, value in found.value.items():
        if name in known:
            yield name, value, known[name]
        else:
            wrong.append((value.line, _unknown(name, known, prefix)))


def _unknown(name: str, known: Mapping[str, Any], prefix: str) -> str:
    shown = "".join(one for one in name if one.isprintable() and one != "`")[:_QUOTED]
    near = get_close_matches(shown, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return f"`{prefix}{shown}` is no key; {hint}"
