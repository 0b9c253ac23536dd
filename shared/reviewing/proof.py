"""Proves a finding against the diff and the head commit, before anybody reads it.

A program checks what a program can: that the quoted lines stand there byte for byte, that a comment
can be anchored to them, that each file and symbol that is named exists, and that the suggestion
applies, parses, and changes something. Whether the claim is right it cannot tell.
"""

import builtins
import keyword
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple

from shared.actions.github.pulls.diff import FileDiff
from shared.models.visible_characters import visible_characters
from shared.reviewing.finding import LONGEST, Finding
from shared.reviewing.head import Head, HeadFile, words_in
from shared.reviewing.mentions import Mentions, mentions_in
from shared.reviewing.syntax import is_same_but_for_spaces, still_parses

Check = Literal["file", "quote", "anchor", "symbol", "suggestion", "claim"]

#: Words of the languages themselves, Python's aside.
_WORDS_OF_LANGUAGES = """
    self cls args kwargs null undefined true false nil NaN this super new delete typeof instanceof
    void var let const function extends implements interface enum type struct func chan package
    string number boolean any unknown never Array Object Promise Map Set Error console require
    module int float double char bool byte long short public private protected static final throws
    throw catch switch case default export SELECT INSERT UPDATE DELETE FROM WHERE JOIN INDEX NULL
    TABLE NOT AND OR LIMIT ORDER GROUP BY VALUES INTO SET
"""
#: Names that exist without standing in any file.
_KNOWN = frozenset(
    [*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *_WORDS_OF_LANGUAGES.split()]
)
#: Characters that a reader cannot see, or that change the order of those that one sees.
_HIDDEN = frozenset({"Cf", "Cc", "Co", "Cn", "Cs", "Zl", "Zp"})
#: Files to read for one name of a file.
_READ = 3


class Fault(NamedTuple):
    """A check that a finding did not pass, in words that a model can mend it by."""

    check: Check
    reason: str


class Proof:
    """The diff and the head commit that findings are proved against."""

    def __init__(self, files: Sequence[FileDiff], head: Head) -> None:
        self._files: Mapping[str, FileDiff] = {file.path: file for file in files}
        self.head = head
        self._proved: dict[Finding, Finding | list[Fault]] = {}
        shown = (
            line.text for file in files for hunk in file.hunks for line in hunk.lines if line.new
        )
        self._words = frozenset(chain.from_iterable(map(words_in, shown)))

    def prove(self, finding: Finding) -> Finding | list[Fault]:
        """Return the finding as it may be posted, else what is wrong with it. One that comes again
        beside others that were mended is proved already.

        Lines that stand elsewhere in the diff, and only there, are the ones that were meant: the
        numbers are put right. Line ends follow those of the file.
        """
        if finding not in self._proved:
            found = self._proved[finding] = self._prove(finding)
            self._proved |= {found: found} if isinstance(found, Finding) else {}
        return self._proved[finding]

    def _prove(self, finding: Finding) -> Finding | list[Fault]:
        finding = _tidied(finding)
        diff = self._files.get(finding.path)
        file = self.head.read(finding.path) if diff else None
        if diff is None or file is None:
            return [Fault("file", f"{finding.path} is no text file of this change")]
        finding = _found_again(finding, diff, file)
        checks = (
            partial(_quote, finding, file),
            partial(_anchor, finding, diff),
            partial(self._names, finding),
            partial(_suggestion, finding, file),
            partial(_claim, finding),
        )
        faults = [fault for check in checks for fault in check()]
        return faults or finding

    def look_at(self, path: str) -> None:
        """Read a file and the words in it before a finding names it."""
        self._words_of(path)

    def _words_of(self, path: str) -> frozenset[str]:
        file = self.head.read(path)
        return file.words if file else frozenset()

    def _names(self, finding: Finding) -> Iterable[Fault]:
        """Look for the files and symbols that the finding names."""
        unknown = self.unknown(f"{finding.claim}\n{finding.evidence}", [finding.path])
        for path in sorted(unknown.paths):
            yield Fault("file", f"there is no file {path} at the head commit")
        for symbol in sorted(unknown.symbols):
            yield Fault("symbol", f"nothing is called {symbol} in these files at the head commit")

    def unknown(
        self, text: str, paths: Iterable[str], known: frozenset[str] = frozenset()
    ) -> Mentions:
        """Return the files and symbols that a text names, and that nothing bears out: neither the
        diff, nor these files, nor one that the text names, nor the `known` words."""
        named = mentions_in(text)
        meant = {path: self.head.paths_of(path)[:_READ] for path in named.paths}
        # Most names stand in the diff, so no file is read that need not be.
        words = chain((known, self._words), map(self._words_of, chain(paths, *meant.values())))
        seen: list[frozenset[str]] = []

        def stands(name: str) -> bool:
            return _stands(name, seen) or _stands(name, _noted(words, seen))

        lacking = (path for path in named.paths if not meant[path])
        # `os.path` and `a/b` may also be code.
        false = (path for path in lacking if not all(map(stands, words_in(path))))
        symbols = (one for one in named.symbols - _KNOWN if not stands(one))
        return Mentions(frozenset(false), frozenset(symbols))


def _noted(words: Iterable[frozenset[str]], seen: list[frozenset[str]]) -> Iterable[frozenset[str]]:
    for some in words:
        seen.append(some)
        yield some


def _stands(name: str, words: Iterable[frozenset[str]]) -> bool:
    return any(name in some for some in words)


def _tidied(finding: Finding) -> Finding:
    """Take off the ends that a model puts behind what it quotes, and what nobody sees of its words:
    they are read as they are proved."""
    suggestion = finding.suggestion
    if suggestion is not None:
        suggestion = suggestion.replace("\r\n", "\n").removesuffix("\n")
    quote = finding.quote.replace("\r\n", "\n").removesuffix("\n")
    claim, evidence = map(visible_characters, (finding.claim, finding.evidence))
    return replace(finding, quote=quote, suggestion=suggestion, claim=claim, evidence=evidence)


def _found_again(finding: Finding, diff: FileDiff, file: HeadFile) -> Finding:
    """Put the numbers right when the quoted lines stand once in the diff, and elsewhere."""
    length = finding.quote.count("\n") + 1
    if finding.quote.strip() == "" or file.quoted(finding.first, finding.last) == finding.quote:
        return finding
    at = [
        first
        for hunk in diff.hunks
        for first in range(max(hunk.first, 1), hunk.last - length + 2)
        if file.quoted(first, first + length - 1) == finding.quote
    ]
    if len(at) != 1:
        return finding
    return replace(finding, first=at[0], last=at[0] + length - 1)


def _quote(finding: Finding, file: HeadFile) -> Iterable[Fault]:
    if not 1 <= finding.first <= finding.last <= len(file.lines):
        yield Fault(
            "quote",
            f"{finding.path} has {len(file.lines)} lines, so no lines"
            f" {finding.first} to {finding.last}",
        )
    elif file.quoted(finding.first, finding.last) != finding.quote:
        yield Fault(
            "quote",
            f"lines {finding.first} to {finding.last} of {finding.path} do not read as quoted;"
            " repeat them character by character",
        )
    elif not finding.quote.strip():
        yield Fault("quote", "the quoted lines are empty")


def _anchor(finding: Finding, diff: FileDiff) -> Iterable[Fault]:
    hunk = diff.hunk_of(finding.first, finding.last)
    if hunk is None:
        yield Fault(
            "anchor",
            f"lines {finding.first} to {finding.last} of {finding.path} are not in one hunk of the"
            " diff",
        )


def _suggestion(finding: Finding, file: HeadFile) -> Iterable[Fault]:
    new = finding.suggestion
    if new is None:
        return
    if max(finding.last - finding.first, new.count("\n")) >= LONGEST:
        yield Fault("suggestion", f"the suggestion is longer than {LONGEST} lines")
        return
    if any(unicodedata.category(one) in _HIDDEN for one in {*new} - {*finding.quote, *"\n\t"}):
        yield Fault("suggestion", "the suggestion has characters that nobody can see")
        return
    if not 1 <= finding.first <= finding.last <= len(file.lines):
        return  # told as a false quote
    if is_same_but_for_spaces(file.path, file.quoted(finding.first, finding.last), new):
        yield Fault("suggestion", "the suggestion changes nothing")
        return
    after = file.with_lines(finding.first, finding.last, new)
    if not still_parses(file.path, file.text, after):
        yield Fault("suggestion", f"{finding.path} does not parse with the suggestion")


def _claim(finding: Finding) -> Iterable[Fault]:
    if not finding.claim.strip():
        yield Fault("claim", "the claim is empty")
