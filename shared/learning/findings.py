"""The store of what reviews found, and of what people made of it."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from shared.canonical import canonical, digest
from shared.database import Statement, queries
from shared.events import Issue, Json
from shared.journal import Outcome, Run
from shared.learning.likeness import shape_of
from shared.redaction.redacting import without_secrets

SQL = queries(__file__, "findings.sql")

#: Dismissed findings that a review knows, of the files of its change and of all others; files by
#: which they are looked for; and findings that are listed.
_KNOWN, _FILES, _LISTED = 500, 6_000, 2_000

State = Literal["posted", "held", "dismissed", "fixed", "withdrawn"]


class ReviewedCommit(NamedTuple):
    """The commit that was reviewed last, and the branch that it was compared with."""

    base: str
    head: str


class KeptFinding(NamedTuple):
    """A finding as the store has it; `shape` is its code without spaces, `run_id` the review that
    told it last, `embedder` what made its vector."""

    id: str
    number: int
    path: str
    line: int
    severity: str
    category: str
    claim: str
    shape: str
    state: State
    comment: int = 0
    reason: str = ""
    decided_by: str = ""
    dismissals: int = 0
    run_id: str = ""
    embedder: str = ""

    @property
    def is_refused(self) -> bool:
        """Do people not want to see it again?"""
        return self.state in {"dismissed", "withdrawn"}


class PastRound(NamedTuple):
    """A review of the pull request that was kept: its run, the commit, when it was in UTC, how many
    findings it posted and held; and those that no later one told again, as they are now."""

    run: str
    head: str
    at: str
    posted: int
    held: int
    found: tuple[KeptFinding, ...]


def places(made: Sequence[Json], count: int) -> dict[int, int] | None:
    """Return the comment at each place among the `count` of a review, as the receipt tells those
    that were made; None when nobody knows. An older receipt tells no places."""
    if all("place" in comment for comment in made):
        return {comment["place"]: comment["id"] for comment in made}
    return {place: one["id"] for place, one in enumerate(made)} if len(made) == count else None


def kept_as(
    issue: Issue, path: str, line: int, quote: str, *, severity: str, category: str, claim: str
) -> KeptFinding:
    """Return a finding to keep, held for now. The same claim about the same code of a pull request
    has the same id. A secret in the code is not kept."""
    shape = shape_of(without_secrets(quote))
    id_ = f"f-{digest([issue.ref, path, category, claim, shape])[:12]}"
    return KeptFinding(id_, issue.number, path, line, severity, category, claim, shape, "held")


class FindingStore:
    """The findings of a run's tenant in one repository."""

    def __init__(self, run: Run, issue: Issue) -> None:
        self._run = run
        self._issue = issue
        self._paths: list[str] = []

    def reviewed(self) -> ReviewedCommit | None:
        """Return the commit of the pull request that was reviewed before this run."""
        row = self._reviewed
        return ReviewedCommit(row["base"], row["head"]) if row else None

    def known(self, paths: Collection[str]) -> list[KeptFinding]:
        """Return what is open in the pull request, and what was dismissed or withdrawn in the
        repository: the newest in these files, and the newest of all others."""
        self._paths = sorted({*paths})[:_FILES]
        return [one for one in self._known if one.state != "fixed"]

    def past_rounds(self) -> tuple[PastRound, ...]:
        """Return the rounds before this run, the oldest first."""
        rounds = self._reviewed["rounds"] if self._reviewed else ()
        found = [one for one in self._known if one.number == self._issue.number]
        return tuple(
            PastRound(**one, found=tuple(each for each in found if each.run_id == one["run"]))
            for one in rounds
        )

    @cached_property
    def _reviewed(self) -> Json | None:
        rows = self._step("reviewed before", {}, "reviewed")
        return dict(rows[0]) if rows else None

    @cached_property
    def _known(self) -> list[KeptFinding]:
        rows = self._step("findings", {}, "known", {"paths": self._paths, "most": _KNOWN})
        return [KeptFinding(**row) for row in rows]

    def of_comments(self, comments: Sequence[int]) -> list[KeptFinding]:
        """Return the findings that these comments of the repository tell."""
        about = {"comments": [*comments]}
        rows = self._step("findings of", about, "of_comments", about)
        return [KeptFinding(**row) for row in rows]

    def of_pull_request(self) -> list[KeptFinding]:
        """Return what was posted or held in the pull request and nobody decided about."""
        rows = self._step("open findings", {}, "of_pull_request")
        return [KeptFinding(**row) for row in rows]

    def refused(self) -> tuple[list[tuple[KeptFinding, str]], int]:
        """Return what was dismissed or withdrawn in the repository, the newest first, each with the
        day, and how many there are: of thousands only the newest are given."""
        rows = self._step("refused", {}, "refused", {"most": _LISTED})
        total = rows[0]["total"] if rows else 0
        plain = [{name: row[name] for name in row if name not in {"day", "total"}} for row in rows]
        days = [row["day"] or "-" for row in rows]
        return [(KeptFinding(**one), day) for one, day in zip(plain, days, strict=True)], total

    def decided(self, paths: Sequence[str], most: int) -> list[KeptFinding]:
        """Return what people dismissed or accepted in these files, the last first; inside a step of
        its caller's."""
        rows = self._read("decided", {"paths": [*paths], "most": most}).output
        return [KeptFinding(**row) for row in rows]

    def keep(
        self, reviewed: ReviewedCommit, findings: Sequence[KeptFinding], *, is_review: bool = True
    ) -> None:
        """Keep what was found at a commit, with the next write, and that a review saw it."""
        about = {"head": reviewed.head, "findings": [finding.id for finding in findings]}
        rows = [finding._asdict() | {"head": reviewed.head} for finding in findings]
        states = Counter(finding.state for finding in findings)
        counted = {"posted": states["posted"], "held": states["held"]}
        seen = self._statement("review", reviewed._asdict() | counted)
        statements = [seen] if is_review else []
        statements += [self._statement("keep", {"rows": canonical(rows)})] if rows else []
        kept = Outcome(None, statements=statements)
        self._run.step("keep findings", about, lambda: kept, defer=True)

    def decide(self, finding: str, state: State, reason: str, by: str) -> None:
        """Note what a person made of a finding."""
        about = {"id": finding, "state": state, "reason": reason, "by": by}
        statement = self._statement("decide", about)
        self._run.step("decide", about, lambda: Outcome(None, statements=[statement]), defer=True)

    def _step(self, name: str, asked: Json, query: str, about: Json | None = None) -> list[Json]:
        """Return the rows that the run has read, or reads now; the record waits for what is done
        with them."""
        rows: list[Json] = self._run.step(name, asked, lambda: self._read(query, about), defer=True)
        return rows

    def _read(self, name: str, about: Json | None = None) -> Outcome:
        return Outcome(self._run.write([self._statement(name, about or {})])[0])

    def _statement(self, name: str, values: Json) -> Statement:
        own = {
            "tenant": self._run.event.tenant,
            "run": self._run.id,
            "repository": self._issue.repository,
            "number": self._issue.number,
        }
        return Statement(SQL[name], values | own)
