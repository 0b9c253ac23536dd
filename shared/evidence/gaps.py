"""Gaps of the documentation: the questions that nobody's texts answered, those that ask the same
taken together."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from shared.database import Database, Row, Statement, queries
from shared.desk import Loan
from shared.errors import MemoryUnavailable, ModelError
from shared.evidence.readers import readers_of
from shared.journal import Outcome
from shared.log import log
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.models.offline.similarity import overlap, terms

SQL = queries(__file__, "gaps.sql")

#: The days that are looked at unless somebody says how many, and the most.
DAYS, _MOST_DAYS = 7, 365
#: How many questions are compared, how many gaps are shown, and characters of a question.
_COMPARED, _SHOWN, _CHARACTERS = 200, 10, 160
#: From this share of common words, or this cosine of their vectors, two questions ask the same.
_SAME_WORDS, _SAME_MEANING = 0.5, 0.82


class Gap(NamedTuple):
    """Questions that ask the same, the newest first."""

    questions: tuple[Row, ...]

    @property
    def line(self) -> str:
        first = self.questions[0]
        text = " ".join(str(first["text"]).split())
        text = text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
        linked = f" ([the last]({first['url']}))" if first["url"] else ""
        return f"- **{len(self.questions)} ×** {text}{linked}"


class GapsDesk:
    """Shows the gaps to whoever asks for them, from what their place may see."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def __init__(self, loan: Loan) -> None:
        self._run, self._event = loan.run, loan.run.event
        self._database = loan.services[Database]
        self._embedders = loan.services[TenantEmbedders]
        self._readers = readers_of(loan)
        self._named = loan.named

    def shown(self, argument: str = "") -> str:
        """Return the gaps of so many days as Markdown, the largest first."""
        days = min(int(argument), _MOST_DAYS) if argument.strip().isdigit() else DAYS
        none = f"Nothing that was asked here in {days} days was left without an answer."
        return self.found(days) or none

    def found(self, days: int = DAYS) -> str:
        """Return the same; '' when there are none."""
        found = self._run.step("gaps", {"days": days}, lambda: Outcome(self._gaps(days)))
        return self._named(str(found))

    def _gaps(self, days: int) -> str:
        tenant = self._event.tenant
        asked = {"tenant": tenant, "days": days, "limit": _COMPARED}
        [rows] = self._database.run(tenant, [Statement(SQL["questions"], asked)])
        rows = [row for row in rows if self._readers.see(row["audience"])]
        if not rows:
            return ""
        gaps = gathered(rows, self._vectors([str(row["text"]) for row in rows]))
        questions = "1 question" if len(rows) == 1 else f"{len(rows)} questions"
        head = f"**{questions} of {days} days found no answer.** Somebody could write down:"
        rest = len(gaps) - _SHOWN
        more = [f"… and {rest} more"] if rest > 0 else []
        return "\n".join([head, "", *(gap.line for gap in gaps[:_SHOWN]), *more])

    def _vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """Embed the questions; without an embedder their words alone are compared."""
        try:
            embedder = self._embedders.answering(self._event.tenant)
            return embedder.embed(list(texts), "query") if embedder else [[] for _ in texts]
        except (ModelError, MemoryUnavailable) as err:
            log("gaps compared by words alone", error=type(err).__name__)
            return [[] for _ in texts]


def gathered(rows: Sequence[Row], vectors: Sequence[Sequence[float]]) -> list[Gap]:
    """Take together what asks the same as the first of a gap, the largest gap first."""
    words = [terms(str(row["text"])) for row in rows]
    gaps: list[list[int]] = []
    for at in range(len(rows)):
        for gap in gaps:
            first = gap[0]
            nearness = _cosine(vectors[first], vectors[at])
            if overlap(words[first], words[at]) >= _SAME_WORDS or nearness >= _SAME_MEANING:
                gap.append(at)
                break
        else:
            gaps.append([at])
    gaps.sort(key=lambda gap: (-len(gap), gap[0]))
    return [Gap(tuple(rows[at] for at in gap)) for gap in gaps]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Compare two unit vectors; without one of them, nothing is alike."""
    pairs = zip(one, other, strict=True) if one and other else ()
    return sum((a * b for a, b in pairs), 0.0)
