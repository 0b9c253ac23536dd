"""The desk of `learnings`: lists what people made a repository's reviews keep to themselves, and
the rules that came of what they said; and does what they want of a rule."""

from collections.abc import Sequence
from typing import Self

from shared.desk import Loan
from shared.events import Issue
from shared.learning.dismissed import counts_everywhere
from shared.learning.findings import FindingStore, KeptFinding
from shared.learning.likeness import tells
from shared.learning.rules.commands import RuleCommands, order_of

#: Findings of a page, and characters of a claim.
_PAGE, _SHOWN = 20, 240


class LearningsDesk:
    """What was learnt in the repository of the event: in Slack, the one of its channel."""

    def __init__(self, loan: Loan) -> None:
        self._event = loan.run.event
        self._repository = loan.run.event.repository
        self._store = FindingStore(loan.run, Issue(self._repository, 0))
        self._rules = RuleCommands(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend what was learnt."""
        return cls(loan)

    def shown(self) -> str:
        """Return a page of it as Markdown: the event's text is the number of the page, or says what
        to do with a rule."""
        if order := order_of(self._event.text):
            return self._rules.obey(order)
        return "\n\n".join(filter(None, (self._rules.listed(), self._findings())))

    def _findings(self) -> str:
        if not self._repository:
            return "No repository belongs to this channel. Ask me in a repository."
        (refused, total), repository = self._store.refused(), self._repository
        if not refused:
            return f"No finding stays away in `{repository}`: reviews tell all that they find."
        pages = -(-len(refused) // _PAGE)
        said = self._event.text.strip()
        page = min(max(int(said) if said.isdecimal() and len(said) < 9 else 1, 1), pages)
        all_ = [finding for finding, _ in refused]
        noun = "finding stays" if total == 1 else "findings stay"
        begin = f"{total:,} {noun} away in `{repository}`. `/forget f-…` brings one back."
        rows = [_row(one, day, all_) for one, day in refused[(page - 1) * _PAGE : page * _PAGE]]
        more = f"Page {page} of {pages}; `/learnings {page % pages + 1}` shows another."
        return "\n".join([begin, "", *rows, *(["", more] if pages > 1 else [])])


def _row(finding: KeptFinding, day: str, refused: Sequence[KeptFinding]) -> str:
    claim = " ".join(finding.claim.split()).replace("<", "&lt;")
    claim = claim if len(claim) <= _SHOWN else f"{claim[:_SHOWN]}…"
    who = f" by {_code(finding.decided_by)}" if finding.decided_by else ""
    where = f"{_code(finding.path)}:{finding.line} in #{finding.number}"
    why = f"{finding.state}{who}, {day}: {finding.reason}"
    return (
        f"- `{finding.id}` {finding.severity} {where}: {claim} ({why}; {_scope(finding, refused)})"
    )


def _scope(finding: KeptFinding, refused: Sequence[KeptFinding]) -> str:
    """Say how far it reaches."""
    if counts_everywhere(finding, refused):
        return "counts in the whole repository"
    return "counts for this code, and in its file" if tells(finding.shape) else "counts in its file"


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', chr(39)).split())}`"
