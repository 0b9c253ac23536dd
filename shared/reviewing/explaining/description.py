"""A description of a pull request as a model gives it, its proof, and what people read of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, NamedTuple

from shared.actions.github.pulls.diff import FileDiff
from shared.frozen import frozen
from shared.models.answers.typed import at_most
from shared.patterns import lazily
from shared.reviewing.change import Change
from shared.reviewing.head import words_in
from shared.reviewing.proof import Proof
from shared.reviewing.report import files as counted
from shared.reviewing.report import folded, in_code, in_one_line

#: Files of a group that are named, and groups that are shown.
_NAMED, _GROUPS = 30, 12
#: Files in which names are looked for: those that were read for what is shown.
_READ = 80
#: The title of a group whose own names what is not there.
_UNNAMED = "Changes"
_SENTENCE = lazily(r"(?<=[.!?。！？])\s+")


@frozen
class FileGroup:
    """Files that change together, and what changes in them."""

    title: Annotated[str, at_most(120)]
    paths: Annotated[tuple[str, ...], at_most(40)]
    what: Annotated[str, at_most(500)]


@frozen
class Description:
    """What a pull request changes: a title, a summary in a few sentences, a walkthrough by groups
    of files, and the labels that fit."""

    title: Annotated[str, at_most(120)]
    summary: Annotated[str, at_most(1_500)]
    walkthrough: Annotated[tuple[FileGroup, ...], at_most(_GROUPS)]
    labels: Annotated[tuple[str, ...], at_most(3)]


@frozen
class Overview:
    """What the parts of a large pull request change together."""

    title: Annotated[str, at_most(120)]
    summary: Annotated[str, at_most(1_500)]
    labels: Annotated[tuple[str, ...], at_most(3)]


class ProvedDescription(NamedTuple):
    """A description whose files are those of the change; `others` no group names."""

    title: str
    summary: str
    walkthrough: tuple[FileGroup, ...]
    others: tuple[str, ...]
    labels: tuple[str, ...]


def prove_description(
    change: Change,
    given: Overview | Description,
    walkthrough: Iterable[FileGroup],
    proof: Proof,
) -> ProvedDescription:
    """Leave out what is no file of the change, each file but the first time it is named, and each
    sentence with a name that nothing bears out: the change, its files, or its author's words."""
    stands = partial(_stands, change, proof, _words_of(change))
    left = {file.path: None for file in change.files if file.path not in change.skipped}
    groups: dict[str, tuple[str, list[str]]] = {}
    for group in walkthrough:
        paths = [path for path in dict.fromkeys(group.paths) if path in left]
        for path in paths:
            del left[path]
        if paths:
            title = group.title if stands(group.title) else _UNNAMED
            groups.setdefault(title, (_proved(group.what, stands), []))[1].extend(paths)
    kept = tuple(FileGroup(title, tuple(paths), what) for title, (what, paths) in groups.items())
    labels = tuple(dict.fromkeys(given.labels))
    title = given.title if stands(given.title) else change.about[0].text.partition("\n")[0]
    return ProvedDescription(title, _proved(given.summary, stands), kept, (*left,), labels)


def _proved(text: str, stands: Callable[[str], bool]) -> str:
    """Return the sentences of a text that stand, in its paragraphs."""
    paragraphs = (filter(stands, _SENTENCE.split(one)) for one in text.split("\n\n"))
    return "\n\n".join(filter(None, map(" ".join, paragraphs)))


def _stands(change: Change, proof: Proof, known: frozenset[str], text: str) -> bool:
    unknown = proof.unknown(text, (file.path for file in change.files[:_READ]), known)
    return not (unknown.paths or unknown.symbols)


def _words_of(change: Change) -> frozenset[str]:
    """Return the words that may be named though no file has them now: of deleted lines, of the
    paths, and of what the author says of the change."""
    lines = (line.text for file in change.files for hunk in file.hunks for line in hunk.lines)
    paths = (path for file in change.files for path in (file.path, file.old_path))
    return frozenset(words_in("\n".join([*lines, *paths, change.about[0].text])))


def told(change: Change, described: ProvedDescription, labels: Sequence[str]) -> str:
    """Return what people read."""
    files = {file.path: file for file in change.files}
    parts = [f"**{in_one_line(described.title)}**", *_paragraphs(described.summary)]
    shown = [_group(group, files) for group in described.walkthrough[:_GROUPS]]
    if described.others:
        shown.append("**Other files**\n\n" + "\n".join(_rows(described.others, files)))
    count = len(files) - len(change.skipped.keys() & files.keys())
    title = f"Walkthrough: {count} {'file' if count == 1 else 'files'}"
    parts.append(folded(title, "\n\n".join(shown)))
    if change.skipped:
        rows = (f"- {in_code(path)}: {why}" for path, why in [*change.skipped.items()][:_NAMED])
        parts.append(folded(f"{counted(change.skipped)} not described", "\n".join(rows)))
    if labels:
        parts.append("Labels: " + ", ".join(map(in_code, labels)))
    return "\n\n".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    yield from filter(None, map(in_one_line, text.split("\n\n")))


def _group(group: FileGroup, files: Mapping[str, FileDiff]) -> str:
    begin = f"**{in_one_line(group.title)}**"
    begin += f": {in_one_line(group.what)}" if group.what else ""
    return "\n".join([begin, "", *_rows(group.paths, files)])


def _rows(paths: Sequence[str], files: Mapping[str, FileDiff]) -> Iterator[str]:
    for path in paths[:_NAMED]:
        lines = [line.sign for hunk in files[path].hunks for line in hunk.lines]
        yield f"- {in_code(path)} (+{lines.count('+')} −{lines.count('-')})"
    if (more := len(paths) - _NAMED) > 0:
        yield f"- and {more} more"
