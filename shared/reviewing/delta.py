"""Finds what a push added to a change that was reviewed before, and which findings that mends."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from shared.actions.github.pulls.diff import FileDiff
from shared.learning.findings import KeptFinding
from shared.patterns import lazily
from shared.reviewing.head import Head
from shared.reviewing.mentions import mentions_in

#: Claims that a name is not there, in the order of the words.
_UNDEFINED = lazily(
    r"\b(?:nothing|nobody|never|not?|isn't|without)\b.{0,40}\b(?:defin|declar|import|exist)"
    r"|\b(?:undefined|undeclared|unresolved|unknown)\b|\bdoes(?:n't| not) exist\b"
    r"|\bmissing (?:import|definition|declaration)\b",
    re.IGNORECASE,
)
#: Files of languages in which a name that stands in another file has to be imported.
_IMPORTING = frozenset(
    [".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue", ".svelte"]
)
#: And of those that define functions without a word for it.
_TYPED = frozenset(
    [".java", ".cs", ".c", ".cc", ".cpp", ".h", ".hpp", ".kt", ".php", ".scala", ".dart"]
)
_WORDS = (
    "def class function func fn fun const let var val type struct enum interface trait import from"
    " as use using module namespace define record object"
)
_DEFINES = (
    rf"(?:^|[^\w.])(?:{'|'.join(_WORDS.split())})\b[^=;\n]*\b{{name}}\b"
    r"|\bimport\s*[({{][^)}}]*\b{name}\b"
    r"|^\s*(?:\w+\s*,\s*)*{name}\s*(?:,[\w\s,]*)?(?::[^=\n]+)?:?=(?!=)"
)
_DEFINES_TYPED = (
    r"|^\s*(?!return|new|throw|await|else|case)(?:[\w<>\[\],&*:.]+\s+)+{name}\s*\([^;\n]*$"
)


def fixed_by(finding: KeptFinding, head: Head, newer: Sequence[FileDiff]) -> str:
    """Say what mended a finding, for the end of `… in abc1234`; nothing when it may still hold: its
    code is gone, or what it says nothing defines is defined in `newer` lines of any file."""
    if not head.has(finding.path, finding.shape):
        return "These lines were changed"
    if not _UNDEFINED.search(finding.claim):
        return ""
    code = {*finding.shape.split()}
    for name in sorted(mentions_in(finding.claim).symbols & code):
        if any(_defines(file, name, finding) for file in newer):
            return f"`{name}` is defined"
    return ""


def _defines(file: FileDiff, name: str, finding: KeptFinding) -> bool:
    """Do new lines of a file define the name, so that the file of the finding may use it?"""
    kind, of_finding = (PurePosixPath(path).suffix for path in (file.path, finding.path))
    is_member = re.search(rf"(?:\.|: :|- >) {re.escape(name)}\b", finding.shape)
    if file.path != finding.path and of_finding in _IMPORTING and not is_member:
        return False
    how = _DEFINES + (_DEFINES_TYPED if kind in _TYPED else "")
    new = "\n".join(line.text for hunk in file.hunks for line in hunk.added)
    return bool(re.search(how.format(name=re.escape(name)), new, re.MULTILINE))


def changed_since(
    files: Sequence[FileDiff], newer: Sequence[FileDiff] | None
) -> tuple[FileDiff, ...]:
    """Return the hunks of the change that hold a line which is `newer`; all without knowing it.

    A push may bring the base along, which nobody needs to review here, and comments stand on hunks
    of the whole change.
    """
    if newer is None:
        return tuple(files)
    by_path = {file.path: file for file in newer}
    found = []
    for file in files:
        push = by_path.get(file.path)
        if push and not push.hunks:
            found.append(file)  # too large for GitHub to show
        elif push:
            added = {line.new for hunk in push.hunks for line in hunk.added}
            hunks = tuple(
                hunk for hunk in file.hunks if any(line.new in added for line in hunk.added)
            )
            found += [file._replace(hunks=hunks)] if hunks else []
    return tuple(found)
