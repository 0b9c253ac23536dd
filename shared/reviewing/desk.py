"""The desk of reviews: the change to review, and which findings about it hold."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any, ClassVar, Self

from shared.actions.github.pulls.diff import FileDiff, file_diffs
from shared.actions.github.queries import CompareFiles, ListFiles, ReadChange, ReadText, ReadTexts
from shared.agent.context import Code
from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome
from shared.learning.attention import URGENT, notified, spend
from shared.learning.dismissed import is_known
from shared.learning.findings import FindingStore, KeptFinding, ReviewedCommit, kept_as
from shared.learning.meaning import Meanings
from shared.learning.moved import followed
from shared.learning.rules.heeding import ReviewRules
from shared.marks import without_section
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.models.routing import Models
from shared.models.tokens import shortened
from shared.patterns import lazily
from shared.perception.commands import command_of
from shared.reviewing.certain import found_without_model
from shared.reviewing.change import Change, ProvedFindings, Refused, Selection
from shared.reviewing.delta import changed_since, fixed_by
from shared.reviewing.finding import SEVERITIES, Finding, badness
from shared.reviewing.fitting.hidden import wanted_of, with_hidden
from shared.reviewing.fitting.outline import outlined
from shared.reviewing.fitting.packing import FilePiece, packed, pieces
from shared.reviewing.fitting.room import room_in
from shared.reviewing.fitting.surroundings import Surrounded, needed_texts, with_surroundings
from shared.reviewing.head import Head
from shared.reviewing.proof import Proof
from shared.reviewing.report import told_again
from shared.reviewing.skipping import reason_to_skip
from shared.reviewing.texts import Texts
from shared.settings import Settings
from shared.team_settings.keys import ReviewSettings

REVIEWED_BEFORE = "this commit was reviewed before"
#: Threads that one run resolves.
_MENDED = 20
_UNFINISHED = lazily(r"(?i)^\W*(?:wip|draft|do not (?:review|merge))\b")


class ReviewDesk:
    """Reviews the pull request of the event. A flow with it `reads` what the desk asks for."""

    READS: ClassVar = (ReadChange, CompareFiles, ReadText, ReadTexts, ListFiles)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self.rules = ReviewRules(loan)
        self._issue = loan.run.event.issue
        self._texts = Texts(loan.read, loan.run.event.issue.repository)
        self._around: dict[tuple[str, bool], Surrounded] = {}
        self._sure: dict[str, list[Finding]] = {}
        self._pieces: dict[str, tuple[FileDiff, Sequence[FilePiece]]] = {}

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the pull request."""
        return cls(loan)

    def change(self, wanted: ReviewSettings, *, afresh: bool = False) -> Change:
        """Return what there is to review at the head commit: after an earlier review what changed
        from there on, unless history was rewritten, the base is another, or a person asks for a
        `full` review, or it is looked at `afresh`. Who asks by a command gets it for a draft,
        too."""
        if why_not := self._no_pull_request:
            return Change(self._issue, "", "", (), why_not=why_not)
        last = None if afresh else self._store.reviewed()
        pull = self._pull
        room = room_in(self._loan.services[Models].window("large"))
        own = without_section(pull["body"] or "", "description")
        said = {"text": shortened(f"{pull['title']}\n\n{own}", room.beside)}
        about = (Code("pull request", self.settled("said", said)["text"]),)
        change = Change(self._issue, self._head_commit, pull["base"]["ref"], about, room=room)
        if why_not := self._why_not(last):
            return change._replace(why_not=why_not)
        since = last.head if last and last.base == change.base and not self._is_full else ""
        newer = self._changed_since(since) if since else None
        since = since if newer is not None else ""  # nobody can tell after history was rewritten
        files = changed_since(self._files, newer)
        hidden = frozenset(self._read.get("hidden", ()))
        skipped = {
            file.path: reason_to_skip(file, wanted.ignore, is_hidden=file.path in hidden)
            for file in files
        }
        left = {path: reason for path, reason in skipped.items() if reason}
        if not self._read["complete"]:
            left["all other files"] = "GitHub lists no more of them"
        reviewable = tuple(file for file in files if not skipped[file.path])
        return change._replace(skipped=left, since=since, files=files, reviewable=reviewable)

    def fitted(self, change: Change, unneeded: Mapping[str, str]) -> Change:
        """Pack what is to be reviewed into parts, without the `unneeded` files, each with why."""
        unneeded = self.settled("sorted out", dict(unneeded))
        files = [file for file in change.reviewable if file.path not in unneeded]
        around = self._surrounded(files)
        shown = [one.file for one in around]
        fitted = packed(shown, change.room.part, written=self._written)
        about = (change.about[0], outlined(around, change.room.beside))
        left = {**change.skipped, **unneeded, **fitted.left_out}
        return change._replace(parts=fitted.parts, about=about, skipped=left)

    def look_at(self, change: Change) -> None:
        """Read, parse and write what is to be reviewed, and what the proofs need, while others
        work."""
        for one in self._surrounded(change.reviewable):
            self._written(one.file, change.room.part)
        self._certain(change.reviewable)
        for path in needed_texts(change.reviewable):
            self.proof.look_at(path)

    def _written(self, file: FileDiff, room: int) -> Sequence[FilePiece]:
        """Return the pieces of a file, written once."""
        known = self._pieces.get(file.path)
        if known is None or known[0] is not file:
            known = self._pieces[file.path] = (file, tuple(pieces(file, room)))
        return known[1]

    def _surrounded(self, files: Sequence[FileDiff]) -> list[Surrounded]:
        """Return the files with the code around their hunks."""
        needed = frozenset(needed_texts(files))
        self._texts.read_at_once(self._head_commit, needed_texts(files))
        lacking = [one for one in files if (one.path, one.path in needed) not in self._around]
        for one in with_surroundings(lacking, needed, self._head.read):
            self._around[one.file.path, one.file.path in needed] = one
        return [self._around[one.path, one.path in needed] for one in files]

    def _certain(self, files: Sequence[FileDiff]) -> list[Finding]:
        """Return the findings that need no model, looked for once."""
        for file in files:
            if file.path not in self._sure:
                self._sure[file.path] = [*found_without_model(file)]
        return [one for file in files for one in self._sure[file.path]]

    def settled(self, name: str, value: Json) -> Json:
        """Return what an earlier attempt of this run had in place of the value. It went on without
        a valid answer, say, or before somebody edited the text, and what it posted has to be found
        again."""
        found: Json = self._loan.run.step(name, {}, lambda: Outcome(value), defer=True)
        return found

    def prove(self, change: Change, findings: Iterable[Finding]) -> ProvedFindings:
        """Prove each finding, and those that need no model. What says the same of the same lines
        counts once."""
        findings, certain = [*findings], self._certain(change.reviewable)
        named = {one.path for one in findings}
        shown = (file.path for file in change.files if file.path in named)
        self._texts.read_at_once(self._head_commit, shown)
        proved: dict[tuple[str, int, str], Finding] = {}
        refused, sure = [], set[Finding]()
        for number, finding in enumerate(chain(certain, findings)):
            found = self.proof.prove(finding)
            if isinstance(found, Finding):
                kept = proved.setdefault((found.path, found.last, found.category), found)
                sure |= {kept} if number < len(certain) else set()
            else:
                refused.append(Refused(finding, tuple(found)))
        worst_first = sorted(proved.values(), key=badness)
        return ProvedFindings(tuple(worst_first), tuple(refused), frozenset(sure))

    def select(self, found: ProvedFindings, wanted: ReviewSettings) -> Selection:
        """Choose what to post: the worst first, as many as are wanted, nothing twice, nothing weak,
        and nothing that people dismissed or a rule hides. What is critical is told once more."""
        least, weak = SEVERITIES.index(wanted.minimum_severity), {*found.weak}
        proved = (*found.proved, *found.weak)
        heavy = [one for one in proved if SEVERITIES.index(one.severity) <= least]
        paths = {path for file in self._files for path in (file.path, file.old_path)}
        known = [*followed(self._store.known(paths), self._issue.number, self._files)]
        self._texts.read_at_once(
            self._head_commit, (one.path for one in known if self._is_told(one))
        )
        kept = [(finding, self._kept(finding)) for finding in heavy]
        known = [*self._meanings.in_other_words([one for _, one in kept], known), *known]
        heard = [pair for pair in kept if not self.rules.hides(pair[1])]
        news = [(finding, one) for finding, one in heard if not is_known(one, known)]
        most = min(wanted.max_findings, sum(finding not in weak for finding, _ in news))
        new = [(told_again(finding, one, known), one) for finding, one in news]
        chosen = [finding for finding, _ in new[:most]]
        room = self._attention(chosen) if wanted.mode == "on" else len(chosen)
        posted, held = new[:room], new[room:]
        return Selection(
            tuple(finding for finding, _ in posted),
            tuple(finding for finding, _ in held),
            tuple(one._replace(state="posted") for _, one in posted)
            + tuple(one for _, one in held),
            tuple({one.id: self._placed(one) for one in known if self._is_open(one)}.values()),
            dropped=found.dropped,
            rounds=self._store.past_rounds(),
        )

    def _is_open(self, finding: KeptFinding) -> bool:
        """Was it told in this pull request, and does its code still stand there?"""
        return self._is_told(finding) and self._head.has(finding.path, finding.shape)

    def _is_told(self, finding: KeptFinding) -> bool:
        return finding.number == self._issue.number and finding.state in {"posted", "held"}

    def _placed(self, one: KeptFinding) -> KeptFinding:
        """Return it with the line at which its code stands by now."""
        return one._replace(line=self._head.line_of(one.path, one.shape, one.line))

    def mended(self, change: Change) -> dict[KeptFinding, str]:
        """Return what was posted before and is mended at the head commit, each with what mended it,
        and keep it as fixed, unless this is a preview: then its thread waits to be resolved. The
        code of what was held is looked for, too, so that `select` need not."""
        told = self._store.of_pull_request()
        self._texts.read_at_once(self._head_commit, (one.path for one in told))
        for one in told:
            self._head.has(one.path, one.shape)
        posted = [one for one in told if one.comment]
        how = ((one, fixed_by(one, self._head, change.files)) for one in posted)
        gone = dict([(one, said) for one, said in how if said][:_MENDED])
        for finding in () if self._loan.preview.is_on else gone:
            self._store.decide(finding.id, "fixed", f"changed in {change.head}", "")
        return gone

    def keep(self, change: Change, selection: Selection, *, is_review: bool = True) -> None:
        """Keep what was found and which comment tells it, for the reviews to come; of a review also
        which commit it saw."""
        seen = ReviewedCommit(change.base, change.head)
        self._store.keep(seen, selection.kept, is_review=is_review)

    def _attention(self, found: Sequence[Finding]) -> int:
        """Spend the attention of those whom the review notifies; return how many to post."""
        if not found:
            return 0
        budget = int(self._loan.services[Settings].findings_per_day)
        urgent = sum(finding.severity in URGENT for finding in found)
        return spend(self._loan.run, notified(self._pull), urgent, len(found) - urgent, budget)

    def _kept(self, finding: Finding) -> KeptFinding:
        return kept_as(
            self._issue,
            finding.path,
            finding.first,
            finding.quote,
            severity=finding.severity,
            category=finding.category,
            claim=finding.claim,
        )

    def _why_not(self, last: ReviewedCommit | None) -> str:
        head = self._head_commit
        # It may be closed while the run goes on, and what it said has to be found again.
        if self.settled("state", {"state": self._pull["state"]})["state"] != "open":
            return "it is closed"
        if self._loan.run.step("head", {}, lambda: Outcome(head), defer=True) != head:
            return "a newer push is reviewed in its place"  # since an earlier attempt of this run
        if self.is_commanded:
            return ""
        if self._pull["draft"]:
            return "it is a draft"
        if _UNFINISHED.search(self._pull["title"]):
            return "its title says that it is not ready"
        if (self._pull["user"] or {}).get("type") == "Bot":
            return "a bot opened it"
        is_same = last == ReviewedCommit(self._pull["base"]["ref"], head)
        return REVIEWED_BEFORE if is_same else ""

    @property
    def _no_pull_request(self) -> str:
        """A comment's event says what it stands on."""
        about = self._loan.run.event.payload.get("issue")
        is_issue = isinstance(about, dict) and not about.get("pull_request")
        return "this is an issue, no pull request" if is_issue else ""

    @property
    def is_other_change(self) -> bool:
        """Does an edit make it another change, or one that is ready? Its base is another, or its
        title no longer says that it is not ready."""
        changes = self._loan.run.event.payload["changes"]
        title = changes.get("title", {}).get("from", "")
        return "base" in changes or bool(_UNFINISHED.search(title))

    @property
    def is_commanded(self) -> bool:
        """Did a person ask for this review?"""
        type_ = self._loan.run.event.type
        return bool(command_of(type_)) or type_ == "proposal.approved.review"

    @property
    def _is_full(self) -> bool:
        return self.is_commanded and self._loan.run.event.text.strip().lower() == "full"

    @cached_property
    def _store(self) -> FindingStore:
        return FindingStore(self._loan.run, self._issue)

    @property
    def _meanings(self) -> Meanings:
        return Meanings(self._loan.run, self._loan.services[TenantEmbedders])

    @cached_property
    def _read(self) -> Json:
        found: Json = self._loan.read(ReadChange(self._issue.repository, self._issue.number))
        return found

    @property
    def _pull(self) -> Any:
        return self._read["pull"]

    @cached_property
    def _files(self) -> tuple[FileDiff, ...]:
        files, hidden = file_diffs(self._read["files"]), self._read.get("hidden", ())
        base, wanted = self._read.get("base", ""), wanted_of(files, hidden)
        old = (file.old_path for file in wanted if file.status != "added")
        self._texts.read_at_once(base, old)
        self._texts.read_at_once(self._head_commit, (file.path for file in wanted))
        return with_hidden(files, hidden, partial(self._texts.read, base), self._head.read)

    def _changed_since(self, commit: str) -> tuple[FileDiff, ...] | None:
        query = CompareFiles(self._issue.repository, commit, self._head_commit)
        rows = self._loan.read(query)
        return None if rows is None else file_diffs(rows)

    @cached_property
    def proof(self) -> Proof:
        """What findings, and the names in a description, are proved against."""
        return Proof(self._files, self._head)

    @cached_property
    def _head(self) -> Head:
        return self._texts.head(self._head_commit)

    @property
    def _head_commit(self) -> str:
        commit: str = self._pull["head"]["sha"]
        return commit
