"""What happened to an issue or a pull request since an effect, as GitHub keeps it, and who did it.

GitHub's own record tells more than a receipt could: also after a crash, when the effect was done
again and found everything as it wanted it.
https://docs.github.com/en/rest/issues/events
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.actions.github.markdown import read_stamp
from shared.actions.github.session import GitHubSession
from shared.actions.past import PastEffect
from shared.errors import ActionRejected
from shared.events import Issue, Json
from shared.patterns import lazily

_ISSUE = lazily(r"([^#\s]+/[^#\s]+)#(\d+)")


class Happened(NamedTuple):
    """An event of an issue: `what` happened to the label, person or milestone `of`."""

    what: str
    by: str
    is_own: bool
    of: str
    reason: str


class Present:
    """An issue as it is now, and what happened to it, seen from an effect. `row` is None when it is
    gone."""

    def __init__(self, session: GitHubSession, effect: PastEffect) -> None:
        self.issue = issue_of(effect.ref)
        self.doing = f"take back what was done to {self.issue.ref}"
        self.row: Json | None = session.look(
            self.doing, self.issue.repository, ("issues", self.issue.number)
        )
        self._session = session
        self._effect = effect

    def last(self, *kinds: str) -> Happened | None:
        """Return the newest event of these kinds."""
        return next(self.events(*kinds), None)

    def events(self, *kinds: str) -> Iterator[Happened]:
        """Yield the events of these kinds, newest first; of all kinds without one."""
        path = ("issues", self.issue.number, "events")
        for row in self._session.newest_first(self.doing, self.issue.repository, path):
            if not kinds or row["event"] in kinds:
                yield self._happened(row)

    def by_whom(self, happened: Happened | None) -> str:
        """Name who did it; somebody, where that is not known."""
        return (happened and happened.by) or "somebody"

    def newest_by_name(self, wanted: Sequence[str], *kinds: str) -> dict[str, Happened]:
        """Return the newest event of each label or person that is `wanted`."""
        found: dict[str, Happened] = {}
        for one in self.events(*kinds):
            if folded(one.of) in map(folded, wanted):
                found.setdefault(folded(one.of), one)
            if len(found) == len(set(map(folded, wanted))):
                break
        return found

    def _happened(self, row: Json) -> Happened:
        # The actor of an assignment may be who was assigned.
        by = row.get("assigner") or row.get("actor") or {}
        login, at = by.get("login", ""), datetime.fromisoformat(row["created_at"]).timestamp()
        is_own = self._session.is_own(login) and self._effect.may_have(at)
        label, person = row.get("label") or {}, row.get("assignee") or {}
        of = label.get("name") or person.get("login") or (row.get("milestone") or {}).get("title")
        reason = row.get("state_reason") or row.get("lock_reason") or ""
        return Happened(row["event"], login, is_own, of or "", reason)


def issue_of(ref: str) -> Issue:
    """Read the target of an effect; raises ActionRejected when it is no issue."""
    found = _ISSUE.fullmatch(ref)
    if found is None:
        raise ActionRejected("github: the effect was at no issue")
    return Issue(found[1], int(found[2]))


def folded(text: str) -> str:
    """Return a label, or a login that may have an @, as GitHub compares it."""
    return text.strip().removeprefix("@").casefold()


def people(session: GitHubSession, rows: Iterable[Json]) -> list[str]:
    """Name the people behind comments, reviews or reactions, without ourselves and other bots."""
    found = [row["user"] or {} for row in rows if not _is_ours(session, row)]
    return [one["login"] for one in found if one and one.get("type") != "Bot"]


def _is_ours(session: GitHubSession, row: Json) -> bool:
    """With GITHUB_TOKEN we share the login with a person, who may well comment too."""
    stamped = "body" not in row or read_stamp(row["body"]) is not None
    return session.wrote(row) and stamped


def reacted(
    session: GitHubSession, doing: str, repository: str, path: tuple[str | int, ...], row: Json
) -> list[str]:
    """Name the people who reacted to a comment or an issue, which is `row`, at `path`."""
    if not (row.get("reactions") or {}).get("total_count"):
        return []
    return people(session, session.every(doing, repository, (*path, "reactions")))


def first_of(*finders: tuple[str, Callable[[], Sequence[str]]]) -> str:
    """Say who did the first of these things, which are asked for in turn; '' if nobody did."""
    for did, find in finders:
        if found := find():
            return f"{found[0]} {did}"
    return ""
