"""The desk of replies: what a person answers to a finding in its thread, and what comes of it.

A reply is for us when nobody else spoke before it, or when it mentions us. Only people who may
write dismiss a finding or have it withdrawn by words; anybody may ask, and object.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

from shared.actions.github.actions import ReplyOnLines, ResolveThread
from shared.actions.github.queries import ReadReviewThread, ReadText
from shared.actions.github.reactions import AddReaction, Reactable
from shared.agent.context import Code
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.learning.findings import FindingStore, KeptFinding
from shared.learning.refusals import is_refusal, said_itself, without_quotes
from shared.learning.rules.proposing import ProposedRules
from shared.learning.signals.pulls import PullSignals
from shared.patterns import lazily
from shared.settings import Settings

#: So often we answer in one thread: nobody needs more, and what asks more is a machine.
_ANSWERS = 10
#: Lines that are shown around those of the finding, and characters of each file.
_AROUND, _LONGEST = 150, 30_000
#: Files that are shown since the reply names them.
_NAMED = 2
_PATH = lazily(r"(?<![\w/.@+-])(?:[\w@+-][\w.@+-]*/)*[\w@+-][\w.@+-]*\.[A-Za-z]{1,8}(?![\w/])")
#: A suggestion that nobody has proved is plain code.
_SUGGESTS = lazily(r"^((?:[\s>*+-]|\d+[.)])*(?:`{3,}|~{3,}))[ \t]*suggestion\b", re.I | re.M)
#: The name under which a model sees the comment that told the finding.
TOLD = "your finding"
_DECIDES = "Somebody with write permission decides whether the finding stays."


class ThreadComment(NamedTuple):
    """What was said in the thread before."""

    by: str
    said: str


class FindingReply(NamedTuple):
    """A reply to a finding that waits for an answer: the comment that told it, what was said since,
    and the code as it is now."""

    finding: KeptFinding
    told: Code
    thread: tuple[ThreadComment, ...]
    code: tuple[Code, ...]


class RepliesDesk:
    """The reply that the event tells. A flow with it `reads` what the desk asks for."""

    READS: ClassVar = (ReadText, ReadReviewThread)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        self._store = FindingStore(loan.run, loan.run.event.issue)
        self._signals = PullSignals(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the thread."""
        return cls(loan)

    @property
    def is_refused(self) -> bool:
        """Does a person who may write refuse the finding in so many words?"""
        return is_refusal(self._event.text) and self._finding is not None and self.may_decide

    @property
    def may_decide(self) -> bool:
        """May the person decide what becomes of a finding?"""
        return self._loan.may_write()

    def reply(self) -> FindingReply | None:
        """Return the reply; None when it is not about a finding, not for us, or says nothing, and
        where people want us to be quiet."""
        finding = self._finding
        if (
            finding is None
            or self._is_quiet
            or not re.search(r"\w", without_quotes(self._event.text))
        ):
            return None
        rows = self._thread
        if not self._is_for_us(rows):
            return None
        told, since = [finding.claim], []
        for row in rows:
            if row["id"] == self._begun:
                told = [row["body"]]
            else:
                by = "you" if row["is_own"] else row["by"]
                since.append(ThreadComment(by, row["body"]))
        code = tuple(self._code(finding))
        return FindingReply(finding, Code(TOLD, *told), tuple(since), code)

    def dismiss(self, *, is_shown: bool = True) -> None:
        """Note that the finding is refused, and show with a reaction that it was understood, unless
        people want us to be quiet."""
        if self._finding is not None:
            self._store.decide(self._finding.id, "dismissed", "in a reply", self._event.actor.name)
            words = self._event.text
            self._signals.decided([self._finding], "dismissed", "in a reply", words)
            ProposedRules.lend(self._loan).of_finding(self._finding)
            said = Reactable(self._event.issue.repository, "review comment", self._comment["id"])
            if is_shown and not self._is_quiet:
                self._loan.act(AddReaction(said, "+1"))

    def withdraw(self, answer: str) -> None:
        """Withdraw the finding after an objection, if the person may decide; else only answer."""
        if self._finding is None or self._finding.state != "posted":
            return self.answer(answer)
        if not self.may_decide:
            return self.answer(f"{answer}\n\n{_DECIDES}")
        self._store.decide(
            self._finding.id, "withdrawn", "after an objection", self._event.actor.name
        )
        words = self._event.text
        self._signals.decided([self._finding], "withdrawn", "after an objection", words)
        ProposedRules.lend(self._loan).of_finding(self._finding)
        self.answer(f"Withdrawn. {answer}")
        self._loan.act(ResolveThread(self._event.issue, self._begun))

    def answer(self, text: str) -> None:
        """Answer in the thread; an empty text is no answer."""
        text = _SUGGESTS.sub(r"\1", text).strip()
        if text:
            self._loan.act(ReplyOnLines(self._event.issue, self._begun, text))

    @cached_property
    def _finding(self) -> KeptFinding | None:
        found = self._store.of_comments([self._begun]) if self._begun else []
        return found[0] if found else None

    @cached_property
    def _is_quiet(self) -> bool:
        return self._loan.is_quiet()

    @property
    def _comment(self) -> Json:
        comment: Json = self._event.payload["comment"]
        return comment

    @property
    def _begun(self) -> int:
        """The comment that began the thread; 0 when it is this one."""
        return int(self._comment.get("in_reply_to_id") or 0)

    @cached_property
    def _thread(self) -> Sequence[Json]:
        """What was said before the reply; nothing when it is gone again."""
        query = ReadReviewThread(
            self._event.issue.repository, self._event.issue.number, self._begun
        )

        def work() -> Outcome:
            rows = self._loan.read(query)
            here = self._comment["id"]
            before = [row for row in rows if row["id"] < here]
            return Outcome(before if any(row["id"] == here for row in rows) else [])

        return list(self._loan.run.step("thread", {"comment": self._begun}, work))

    def _is_for_us(self, before: Sequence[Json]) -> bool:
        if not before or sum(row["is_own"] for row in before) > _ANSWERS:
            return False
        said = said_itself(self._event.text)
        name = re.escape(self._loan.services[Settings].github_bot_name)
        if name and re.search(rf"(?<![\w@])@{name}(?:\[bot\])?(?![\w-])", said, re.IGNORECASE):
            return True
        if re.match(r"\s*@[\w-]+", said):
            return False  # it is for somebody else
        others = [row for row in before if row["is_own"] or row["by"] != self._event.actor.name]
        return bool(others) and bool(others[-1]["is_own"])

    def _code(self, finding: KeptFinding) -> Iterator[Code]:
        """Yield the code around the finding at the head commit, and the files that the reply
        names."""
        around = int(self._comment.get("line") or finding.line)
        text = self._text(finding.path)
        if text:
            yield Code(f"{finding.path} at the head commit", _around(text, around))
        else:
            yield Code("the lines of the finding", str(self._comment.get("diff_hunk") or ""))
        named = dict.fromkeys(_PATH.findall(without_quotes(self._event.text)))
        for path in [path for path in named if path != finding.path][:_NAMED]:
            if text := self._text(path):
                yield Code(f"{path} at the head commit", _around(text, 1))

    def _text(self, path: str) -> str:
        """Return a file at the head commit; nothing for what is no text, or not there."""
        head = self._event.need("pull_request", "head", "sha")
        query = ReadText(self._event.issue.repository, path, head, 1_000_000)
        try:
            return str(self._loan.read(query)["text"])
        except ActionRejected:
            return ""


def _around(text: str, line: int) -> str:
    """Return numbered lines around one."""
    lines = text.split("\n")
    first = max(0, min(line, len(lines)) - _AROUND)
    shown = enumerate(lines[first : line + _AROUND], first + 1)
    return "\n".join(f"{number} {one}" for number, one in shown)[:_LONGEST]
