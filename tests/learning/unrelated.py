"""Findings that have nothing to do with a true one: of other changes, and such that people dismiss
in the same file, on the lines beside it and on its own lines."""

import random
import re
from collections.abc import Iterator, Sequence

from infra.bench.reviews.cases import Case, FileTexts, Label
from shared.events import Issue
from shared.learning.findings import KeptFinding, kept_as

REPOSITORY = Issue("acme/shop", 7)
#: What people dismiss wherever it is told.
_NITS = (
    ("style", "The name is too short to say what it is."),
    ("documentation", "There is no docstring; say what it returns."),
    ("style", "This line is longer than the others."),
    ("style", "A constant would be better than this number."),
    ("tests", "No test covers this branch."),
    ("performance", "This is computed again in each call; consider a cache."),
    ("documentation", "The comment repeats what the code says."),
    ("style", "Consider a helper for this block."),
)
#: What people dismiss of other lines.
_DOUBTS = (
    ("bug", "The argument may have another type than this expects."),
    ("bug", "A negative value is not handled here."),
    ("security", "The permission of the caller is not checked before this."),
    ("bug", "The order of the arguments is easy to mistake."),
    ("performance", "A large input makes this slow."),
    ("bug", "The result is not used by the callers."),
)
#: What people dismiss of the lines of a fault, by their own names; the second half is told in words
#: by which no rule was made.
_REMARKS = (
    ("style", "`{}` is too short to say what it is."),
    ("documentation", "Say what `{}` holds."),
    ("style", "`{}` could be a constant."),
    ("tests", "No test covers `{}`."),
    ("performance", "`{}` is computed again in each call; consider a cache."),
    ("documentation", "The comment about `{}` repeats the code."),
    ("style", "Consider a helper for `{}`."),
    ("style", "`{}` breaks the order of names."),
    ("performance", "Keep `{}` between requests, it is dear to make."),
    ("performance", "A generator would save the list that `{}` builds."),
    ("performance", "`{}` runs once for each row; do it for all at once."),
    ("performance", "A set would make the search in `{}` faster."),
    ("tests", "Cover `{}` with a test for the empty case."),
    ("style", "Inline `{}`."),
)


def as_found(label: Label, file: FileTexts) -> KeptFinding:
    """Return the finding that tells a known fault."""
    quote = "\n".join((file.after or "").split("\n")[label.first - 1 : label.last])
    return _kept(file.path, label.first, quote, label.category, label.claim)


def true_findings(cases: Sequence[Case]) -> Iterator[tuple[KeptFinding, FileTexts]]:
    """Yield all true findings of a set, each with its file."""
    for case in cases:
        files = {file.path: file for file in case.files}
        for label in case.labels:
            yield as_found(label, files[label.path]), files[label.path]


def unrelated(
    chance: random.Random, found: KeptFinding, file: FileTexts, others: Sequence[KeptFinding]
) -> Iterator[KeptFinding]:
    """Yield 20 findings that are not the one that was found: eight of other files, six on lines
    beside it, and six nits on its own lines."""
    yield from chance.sample([one for one in others if one.path != found.path], 8)
    lines = [*enumerate((file.after or "").split("\n")[:-1], 1)]
    beside = [one for one in lines if one[1].strip() and one[0] != found.line] or lines
    for category, claim in chance.sample(_DOUBTS, 6):
        number, line = chance.choice(beside)
        yield _kept(file.path, number, line, category, claim)
    quote = dict(lines)[found.line]
    for category, claim in chance.sample(_NITS, 6):
        yield _kept(file.path, found.line, quote, category, claim)


def remarks(
    chance: random.Random, found: KeptFinding, file: FileTexts, severity: str
) -> Iterator[KeptFinding]:
    """Yield six remarks on the lines of a finding, each about one of their names."""
    names = re.findall(r"[^\W\d]\w*", found.shape) or ["it"]
    for category, claim in chance.sample(_REMARKS, 6):
        told = claim.format(chance.choice(names))
        yield _kept(file.path, found.line, found.shape, category, told)._replace(severity=severity)


def _kept(path: str, line: int, quote: str, category: str, claim: str) -> KeptFinding:
    kept = kept_as(REPOSITORY, path, line, quote, severity="medium", category=category, claim=claim)
    return kept._replace(state="dismissed")
