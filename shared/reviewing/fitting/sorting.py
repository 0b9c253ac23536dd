"""Sorts out files that need no review, before the model that reviews is asked about them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from shared.actions.github.pulls.diff import DiffLine, FileDiff
from shared.agent import Agent
from shared.agent.context import Code
from shared.errors import AnswerInvalid, ModelRejected, ModelUnavailable
from shared.frozen import frozen
from shared.log import log
from shared.models.answers.typed import Between, at_most
from shared.patterns import lazily
from shared.reviewing.fitting.packing import kind_of, size_of
from shared.reviewing.fitting.room import Room

PROMPT = """\
Before a pull request is reviewed for bugs, name the files whose changes cannot have any:
formatting, comments, mechanical renames, text for people, data of tests. Each file is shown by some
of its changed lines. Leave out every file of which you are not sure."""

#: Lines of a file that are shown, spread over its changes, and characters of each.
_LINES, _WIDTH = 8, 120
#: So many changed lines of code are always reviewed.
_MUCH_CODE = 40
#: A path with any of these is always reviewed, whatever a model makes of it.
_PATHS = """
    access acl admin allow auth cert cipher cors cred crypt csrf deploy docker iam jwt key ldap
    login migration oauth otp passw payment pem perm policy privilege rbac role saml sanitiz secret
    security session sign sso ssl terraform tls token user workflow xss
"""
_RISKY_PATH = lazily("|".join(_PATHS.split()), re.IGNORECASE)
#: And so is a file with such a line, old or new.
_RISKY_LINE = lazily(
    r"(?i:passw|secret|token|auth|crypt|permission|privileg|session|cookie|certif|(?:api|access).?key)"
    r"|(?i:\bselect\b.+\bfrom\b|\bdelete from\b|\binsert into\b|\bdrop table\b|\bgrant\b)"
    r"|\b(?:eval|exec\w*|system|popen|subprocess|spawn\w*|innerHTML|dangerously\w*|unsafe\w*)\b"
    r"|\b(?:pickle|marshal|curl|wget|chmod|sudo)\b|https?://"
)


@frozen
class Unneeded:
    """A file that needs no review, by its number, and what its changes are."""

    file: Annotated[int, Between(1, 10_000)]
    reason: Literal["formatting", "comments", "renaming", "texts", "data"]


@frozen
class Sorted:
    """The files that need no review."""

    unneeded: Annotated[tuple[Unneeded, ...], at_most(3_000)]


def sorted_out(agent: Agent, files: Sequence[FileDiff], room: Room) -> Mapping[str, str]:
    """Return the files that need no review, and why. A light model is asked where that saves more
    than it costs; without a valid answer of it all files are reviewed.

    Text in a diff may ask to be left out. So what is at risk is not sorted, and the summary names
    what is.
    """
    sizes = {file.path: _size(file) for file in files}
    if sum(sizes.values()) < 2 * room.part:
        return {}
    shown = [*_fitting(files, room.part)]
    text = "\n".join(lines for _, lines in shown)
    if not shown or sum(sizes[file.path] for file, _ in shown) < size_of(text):
        return {}
    try:
        answer = agent.ask(PROMPT, Code("files", text), returns=Sorted, max_tokens=room.answer)
    except (AnswerInvalid, ModelRejected, ModelUnavailable) as err:
        log("nothing is sorted out", reason=str(err))
        return {}
    named = {one.file: one.reason for one in answer.unneeded}
    return {
        file.path: f"sorted out: only {named[number]}"
        for number, (file, _) in enumerate(shown, 1)
        if number in named
    }


def is_at_risk(file: FileDiff) -> bool:
    """Is the file always reviewed?"""
    if kind_of(file) == "code" and file.changes > _MUCH_CODE:
        return True
    paths, lines = (file.path, file.old_path), (line.text for line in _changed(file))
    return any(map(_RISKY_PATH.search, paths)) or any(map(_RISKY_LINE.search, lines))


def _fitting(files: Sequence[FileDiff], room: int) -> Iterator[tuple[FileDiff, str]]:
    """Yield the files that may be sorted out with their lines, as many as a call holds."""
    number = 0
    for file in files:
        if is_at_risk(file):
            continue
        text = "\n".join(_shown(number + 1, file))
        room -= size_of(text) + 1
        if room < 0:
            return
        number += 1
        yield file, text


def _shown(number: int, file: FileDiff) -> Iterator[str]:
    changed = _changed(file)
    added = sum(line.sign == "+" for line in changed)
    path = " ".join(file.path.split())
    yield f"{number}. {path}, {file.status}, +{added} -{len(changed) - added}"
    step = -(-len(changed) // _LINES)
    for line in changed[::step]:
        yield f"{line.sign} {line.text[:_WIDTH]}"
    if left := len(changed) - len(changed[::step]):
        yield f"… {left} more changed lines"


def _size(file: FileDiff) -> int:
    lines = [line.text for hunk in file.hunks for line in hunk.lines]
    return size_of("\n".join(lines)) + len(lines)


def _changed(file: FileDiff) -> list[DiffLine]:
    return [line for hunk in file.hunks for line in hunk.lines if line.sign != " "]
