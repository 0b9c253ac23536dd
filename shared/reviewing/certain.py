"""What a review finds without a model: secrets, which no model is shown, and characters that no
reader sees."""

import unicodedata
from collections.abc import Iterator

from shared.actions.github.pulls.diff import DiffLine, FileDiff
from shared.redaction.redacting import kinds_of
from shared.reviewing.finding import Finding, Severity

#: Unicode's controls that change the order in which text is shown, and the zero-width ones that
#: no script needs. https://trojansource.codes
_HIDDEN = frozenset("\u200b\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def found_without_model(file: FileDiff) -> Iterator[Finding]:
    """Yield the findings in the new lines of a file."""
    for hunk in file.hunks:
        for line in hunk.added:
            for kind in kinds_of(line.text)[:1]:
                claim = (
                    f"A secret is written here ({kind}). Take it back where it was made: it stays"
                )
                yield _finding(file, line, f"{claim} in the history.", "critical")
            # The first character of a file may be the mark of its encoding.
            shown = line.text.removeprefix("\ufeff") if line.new == 1 else line.text
            if hidden := sorted({*shown} & _HIDDEN):
                names = ", ".join(unicodedata.name(one, "unnamed").lower() for one in hidden)
                claim = f"The line holds characters that nobody sees ({names})"
                yield _finding(file, line, f"{claim}, so it may not say what it seems to.", "high")


def _finding(file: FileDiff, line: DiffLine, claim: str, severity: Severity) -> Finding:
    number, text = line.new or 0, line.text.removesuffix("\r")
    return Finding(file.path, number, number, text, severity, "security", 1.0, claim, "")
