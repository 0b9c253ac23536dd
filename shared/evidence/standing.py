"""Checks passages at their sources: do they still stand, and may every reader of the answer see
them? Each source is asked once for all of its passages. What cannot be asked does not stand."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from shared.actions import Query
from shared.actions.github.queries import ReadSources
from shared.database import Database, Statement, queries
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.events import Event
from shared.evidence.passages import GivenPassage, GivenPassages
from shared.evidence.readers import Readers, readers_of
from shared.journal import Outcome
from shared.log import log
from shared.memory.stored_text import digest_of
from shared.models.tokens import CUT
from shared.perception.github import audience_of

SQL = queries(__file__, "standing.sql")

#: Who checks the passages of a kind; those of one group are checked together.
_GROUPS = {"memory": "memory", "conversation": "memory", "issue": "github", "file": "github"}

#: Reads a passage again as the tool did that gave it, and returns what stands there now.
Again = Callable[[Collection[GivenPassage]], Mapping[str, str]]


class SourceCheck:
    """Which passages of one run stand. The answer is found once for each, and then holds for the
    whole reply: what was shown with its source stays."""

    def __init__(
        self,
        event: Event,
        given: GivenPassages,
        readers: Readers,
        *,
        database: Database,
        read: Callable[[Query], Any],
        again: Mapping[str, Again],
    ) -> None:
        """`again` reads the other kinds of passages."""
        self._event, self._given = event, given
        self._database, self._readers, self._read = database, readers, read
        self._again = again
        self._known: dict[int, bool] = {}
        self._lock = threading.Lock()

    def __call__(self, numbers: Collection[int]) -> set[int]:
        """Return those of the numbers that stand. The first that is asked of a source brings all
        passages of that source."""
        with self._lock:
            for number in numbers:
                if number not in self._known:
                    self._check(_group(self._given[number]))
            return {number for number in numbers if self._known[number]}

    def _check(self, group: str) -> None:
        wanted = {
            number: one
            for number, one in self._given.items()
            if _group(one) == group and number not in self._known
        }
        checks: dict[str, Callable[[Mapping[int, GivenPassage]], set[int]]] = {
            "memory": self._in_memory,
            "github": self._on_github,
        }
        check = checks.get(group, self._read_again)
        try:
            stand = check(wanted)
        except AgentFlowsError as err:
            log("sources not checked", run_of=self._event.id, error=type(err).__name__)
            stand = set()
        self._known |= {number: number in stand for number in wanted}

    def _in_memory(self, wanted: Mapping[int, GivenPassage]) -> set[int]:
        """A memory follows its source: what is edited, deleted or made private there changes it."""
        tenant = self._event.tenant
        here = next((o.ref for o in wanted.values() if o.kind == "conversation"), "")
        ids = sorted(one.ref for one in wanted.values() if one.kind == "memory")
        asked = [
            Statement(SQL["memories"], {"tenant": tenant, "ids": ids}),
            Statement(SQL["turns"], {"tenant": tenant, "conversation": here}),
        ]
        rows, turns = self._database.run(tenant, asked)
        found = {row["id"]: row for row in rows}
        said = {digest_of(row["text"]) for row in turns}
        texts = [row["text"] for row in turns]
        return {
            number
            for number, one in wanted.items()
            if (one.kind == "conversation" and _is_said(one.text, said, texts))
            or (
                (row := found.get(one.ref))
                and row["digest"] == one.digest
                and self._readers.see(row["audience"])
            )
        }

    def _on_github(self, wanted: Mapping[int, GivenPassage]) -> set[int]:
        found: set[int] = set()
        for repository in sorted({_repository(one) for one in wanted.values()}):
            here = {n: one for n, one in wanted.items() if _repository(one) == repository}
            found |= self._in_repository(repository, here)
        return found

    def _in_repository(self, repository: str, wanted: Mapping[int, GivenPassage]) -> set[int]:
        issues = [one for one in wanted.values() if one.kind == "issue"]
        numbers = {int(one.ref.partition("#")[2].partition("/")[0]) for one in issues}
        paths = {one.ref.partition(":")[2] for one in wanted.values() if one.kind == "file"}
        query = ReadSources(repository, tuple(sorted(numbers)), tuple(sorted(paths)))
        found = self._read(query)
        if not found or not self._readers.see(audience_of(found["repository"])):
            return set()
        return {n for n, one in wanted.items() if any(map(one.is_in, _texts(one, found)))}

    def _read_again(self, wanted: Mapping[int, GivenPassage]) -> set[int]:
        [kind] = {one.kind for one in wanted.values()}
        now = self._again[kind](list(wanted.values()))
        return {n for n, one in wanted.items() if one.ref in now and one.holds(now[one.ref])}


class KeptSources:
    """Reads the memories again that an answer rests on which was kept for later, for the run's
    place."""

    def __init__(self, loan: Loan) -> None:
        self._loan, self._run = loan, loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def stand(self, sources: Sequence[Sequence[str]]) -> bool:
        """Do all of these memories hold, each an id with the digest of what it said?"""
        tenant, readers = self._run.event.tenant, readers_of(self._loan)

        def work() -> Outcome:
            asked = Statement(
                SQL["memories"], {"tenant": tenant, "ids": [id_ for id_, _ in sources]}
            )
            [rows] = self._loan.services[Database].run(tenant, [asked])
            found = {row["id"]: row["digest"] for row in rows if readers.see(row["audience"])}
            return Outcome(all(found.get(id_) == digest for id_, digest in sources))

        about = {"sources": [list(one) for one in sources]}
        return not sources or bool(self._run.step("kept sources", about, work))


def _group(passage: GivenPassage) -> str:
    if passage.kind == "attached":
        return f"attached {passage.ref}"  # each is a source of its own
    return _GROUPS.get(passage.kind, passage.kind)


def _repository(passage: GivenPassage) -> str:
    return passage.ref.partition("#")[0].partition(":")[0]


def _texts(passage: GivenPassage, found: Mapping[str, Any]) -> Iterable[str]:
    """Return the texts that stand now where the passage was read."""
    if passage.kind == "file":
        return filter(None, [found["files"].get(passage.ref.partition(":")[2])])
    issue = found["issues"].get(passage.ref.partition("#")[2].partition("/")[0])
    if issue is None:
        return []
    if "/" in passage.ref.partition("#")[2]:
        return list(issue["comments"])
    return [issue_text(issue["title"], state, issue["text"]) for state in issue["states"]]


def issue_text(title: str, state: str, body: str | None) -> str:
    """Write an issue, or a pull request, as a passage."""
    return f"{title} ({state})\n\n{body or ''}".strip()


def _is_said(shown: str, said: Collection[str], texts: Iterable[str]) -> bool:
    """Does everything still stand in the conversation that was shown of it? Long turns are shown in
    part."""
    for turn in shown.split("\0"):
        head = turn.partition(CUT)[0].strip()
        whole = digest_of(turn) in said
        if not whole and not (CUT in turn and any(text.startswith(head) for text in texts)):
            return False
    return True
