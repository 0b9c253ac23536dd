"""Writes what people read of a review: the comment on a line, and the sticky comment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shared.actions.github.actions import ReviewComment
from shared.learning.dismissed import is_unwanted
from shared.learning.findings import KeptFinding, PastRound
from shared.models.visible_characters import visible_characters
from shared.patterns import lazily
from shared.reviewing.change import Change, Selection
from shared.reviewing.finding import Finding

_SIGNS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "⚪"}
#: What begins a block of code at the start of a line, in a list or a quote too.
_FENCE = lazily(r"^(?:(?:[\s>*+-]|\d+[.)])*(?:`{3,}|~{3,})\w*)+")
#: Code within a line.
_CODE = lazily(r"((?<!`)(?:`[^`]+`|``(?!`).*?(?<!`)``)(?!`))")
#: Files that are named as not reviewed, and findings of a list that is folded.
_NAMED = 50
#: Characters of a claim in such a list, of all earlier rounds, and findings of each of them: GitHub
#: takes 65,536 characters.
_BRIEF, _ROUNDS, _OF_ROUND = 240, 14_000, 20
_AGAIN = "It was dismissed before, and is told once more because it is critical."
#: What became of a finding.
_BECAME = {"posted": "open", "held": "not posted"}


def on_lines(finding: Finding) -> ReviewComment:
    """Return the comment on the lines of a finding."""
    parts = [f"{_title(finding)}\n\n{in_one_line(finding.claim)}"]
    if finding.evidence.strip():
        parts.append(_without_blocks(finding.evidence))
    if finding.suggestion is not None:
        fence = "`" * max(3, longest_fence(finding.suggestion) + 1)
        text = f"{finding.suggestion}\n" if finding.suggestion else ""
        parts.append(f"{fence}suggestion\n{text}{fence}")
    return ReviewComment(finding.path, finding.first, finding.last, "\n\n".join(parts))


def in_short(found: Sequence[Finding]) -> str:
    """Return the body of the review itself."""
    noun = "finding" if len(found) == 1 else "findings"
    return f"{len(found)} {noun}; the summary is in a comment of its own."


def summary(change: Change, chosen: Selection) -> str:
    """Return the sticky comment: what was found at which commit, and what nobody looked at."""
    is_delta = change.since not in {"", change.head}
    what = f"{change.since[:7]}…{change.head[:7]}" if is_delta else change.head[:7]
    if chosen.posted or chosen.held:
        rows = "\n".join(f"- {_row(finding)}" for finding in chosen.posted)
        parts = [f"**Review of {what}:** {len(chosen.posted)} posted.\n\n{rows}"]
    else:
        parts = [f"**Review of {what}:** nothing {'new ' if chosen.earlier else ''}found."]
    if chosen.held:
        parts.append(folded(f"{len(chosen.held)} more, of less weight", _rows(chosen.held)))
    if chosen.dropped:
        parts.append(f"A second look dropped {chosen.dropped} of little worth.")
    if chosen.earlier:
        still = f"{len(chosen.earlier)} from earlier rounds, still open"
        open_ones = sorted(chosen.earlier, key=_weight)
        parts.append(folded(still, _rows(open_ones)))
    if chosen.rounds:
        noun = "earlier round" if len(chosen.rounds) == 1 else "earlier rounds"
        parts.append(folded(f"{len(chosen.rounds)} {noun}", past(chosen.rounds)))
    if change.skipped:
        parts.append(folded(f"{files(change.skipped)} not reviewed", _skipped(change.skipped)))
    return "\n\n".join(parts)


def improvements(change: Change, chosen: Selection) -> str:
    """Return what a comment says of suggestions that are not posted on lines; '' for nothing."""
    at = f"`{change.head[:7]}`"
    if not chosen.posted and not chosen.held:
        return f"Nothing to improve was found at {at}."
    more = f"More could be improved at {at}:\n\n{_rows(chosen.held)}"
    return more if chosen.held else ""


def suggested(found: Sequence[Finding]) -> str:
    """Return the body of a review that suggests improvements."""
    noun = "suggestion" if len(found) == 1 else "suggestions"
    return f"{len(found)} {noun}: nothing here is wrong as it is."


def _title(finding: Finding) -> str:
    return f"{_SIGNS[finding.severity]} **{finding.severity}** · {finding.category}"


def _row(finding: Finding | KeptFinding) -> str:
    line = finding.line if isinstance(finding, KeptFinding) else finding.first
    where = f"{in_code(finding.path)}:{line}"
    return f"{_SIGNS[finding.severity]} {where} {in_one_line(finding.claim)}"


def _rows(found: Sequence[Finding | KeptFinding]) -> str:
    """Return a list of findings that is folded."""
    rows = [f"- {_briefly(finding)}" for finding in found[:_NAMED]]
    return "\n".join([*rows, *_more(len(found) - _NAMED)])


def _briefly(finding: Finding | KeptFinding) -> str:
    if len(finding.claim) <= _BRIEF:
        return _row(finding)
    claim = f"{finding.claim[:_BRIEF]}…"
    # Apart, since only then the type of each is known.
    if isinstance(finding, KeptFinding):
        return _row(finding._replace(claim=claim))
    return _row(replace(finding, claim=claim))


def past(rounds: Sequence[PastRound]) -> str:
    """Return what earlier rounds found and what became of it, the newest first, as many as have
    room."""
    told, room = list[str](), _ROUNDS
    for one in reversed(rounds):
        text = _round(one)
        room -= len(text)
        if room < 0:
            break
        told.append(text)
    return "\n\n".join([*told, *_more(len(rounds) - len(told))])


def _round(one: PastRound) -> str:
    counts = f"{one.posted} posted, {one.held} not posted" if one.posted or one.held else "nothing"
    begin = f"**{one.head[:7]}**, {one.at} UTC: {counts}"
    found = sorted(one.found, key=_weight)[:_OF_ROUND]
    rows = [f"- {_became(finding)}: {_briefly(finding)}" for finding in found]
    return "\n".join([begin, *rows, *_more(len(one.found) - _OF_ROUND)])


def _weight(finding: KeptFinding) -> tuple[int, str, int]:
    """Put the gravest first, and those of a file in the order of their lines."""
    return list(_SIGNS).index(finding.severity), finding.path, finding.line


def _became(finding: KeptFinding) -> str:
    if finding.is_refused:
        return f"{finding.state} ({finding.reason})"
    return _BECAME.get(finding.state, finding.state)


def _more(count: int) -> list[str]:
    return [f"- and {count} more"] if count > 0 else []


def files(named: Collection[str]) -> str:
    """Say how many there are."""
    return f"{len(named)} {'file' if len(named) == 1 else 'files'}"


def folded(title: str, text: str) -> str:
    """Return a text that is shown once somebody opens it."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _skipped(skipped: Mapping[str, str]) -> str:
    rows = [f"- {in_code(path)}: {reason}" for path, reason in skipped.items()]
    return "\n".join([*rows[:_NAMED], *_more(len(rows) - _NAMED)])


def in_one_line(text: str) -> str:
    """Return what a model wrote as one line of Markdown that ends within itself."""
    return _without_blocks(" ".join(visible_characters(" ".join(text.split())).split()))


def _without_blocks(text: str) -> str:
    """Take what would begin a block that hides or frames the text after it, or an element of HTML.
    A block named `suggestion` would be one that nobody proved."""
    lines = [_FENCE.sub("", line) for line in text.splitlines()]
    parts = [_CODE.split(line) for line in lines]
    outside = (part for line in parts for part in line[::2])
    if any("\\`" in line for line in lines) or any("`" in part for part in outside):
        # Where code begins and ends is a question then, of the lines after it, too.
        return "\n".join(lines).replace("<", "&lt;")
    for line in parts:
        line[::2] = [part.replace("<", "&lt;") for part in line[::2]]
    return "\n".join(map("".join, parts))


def in_code(path: str) -> str:
    """Return a path as code, whatever characters it has."""
    ticks = "`" * (longest_fence(path) + 1)
    space = " " if "`" in path else ""
    return f"{ticks}{space}{' '.join(path.splitlines())}{space}{ticks}"


def longest_fence(text: str) -> int:
    """Return the length of the longest row of backticks."""
    longest = current = 0
    for character in text:
        current = current + 1 if character == "`" else 0
        longest = max(longest, current)
    return longest


def told_again(finding: Finding, kept: KeptFinding, known: Sequence[KeptFinding]) -> Finding:
    """Say of a critical finding that people dismissed it before."""
    dismissed = [one for one in known if one.is_refused]
    if not is_unwanted(kept, dismissed):
        return finding
    return replace(finding, evidence=f"{finding.evidence}\n\n{_AGAIN}".strip())
