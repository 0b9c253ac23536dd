"""Opens issues and assigns people, and finds what was opened by its mark."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from shared.actions import Mark, Receipt
from shared.actions.github.actions import Assign, OpenIssue
from shared.actions.github.markdown import compose, mute, read_stamp
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Json

#: How far back to look for an issue: no event lives longer than this, so nor does an effect's try.
_LIFE = timedelta(days=30)
#: How many pages of a hundred to look through.
_PAGES = 10
#: The longest title that GitHub takes, in characters.
_TITLE = 256

#: Splits labels into those that a repository has and those that it lacks.
Choose = Callable[[str, Iterable[str]], tuple[list[str], list[str]]]


class Issues:
    """Threads may share it."""

    def __init__(self, session: GitHubSession, choose: Choose) -> None:
        self._session = session
        self._choose = choose

    def open(self, action: OpenIssue, mark: Mark) -> Receipt:
        """Open the issue."""
        repository = action.repository.name
        # GitHub creates a label that it does not know, so only known ones may be sent.
        known, unknown = self._choose(repository, action.labels) if action.labels else ([], [])
        body = compose(action.body, mark, sticky=False)
        sent = {"title": titled(action.title), "body": body, "labels": known}
        doing = f"open an issue in {repository}"
        issue = self._session.request(doing, repository, "POST", "/issues", sent).data
        return _opened(issue, unknown)

    def find(self, action: OpenIssue, mark: Mark) -> Receipt | None:
        """Look for it among the newest; raises EffectUnknown when these are too many."""
        repository = action.repository.name
        doing = f"look for an issue in {repository}"
        order: dict[str, int | str] = {"state": "all", "sort": "created", "direction": "desc"}
        oldest = (datetime.now(UTC) - _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
        for page in range(1, _PAGES + 1):
            rows = self._session.request(
                doing, repository, "GET", "/issues", per_page=100, page=page, **order
            )
            for issue in rows.data:
                stamp = read_stamp(issue["body"])
                if stamp and stamp.mark.key == mark.key and self._session.wrote(issue):
                    return _opened(issue, [])
                if issue["created_at"] < oldest:
                    return None
            if rows.pages <= page:
                return None
        raise EffectUnknown(
            f"github: {repository} has more than {_PAGES * 100} new issues, and the newest of them"
            f" do not hold effect {mark.key[:12]}; look for it there"
        )

    def assign(self, action: Assign) -> Receipt:
        """Assign all, or raise ActionRejected: GitHub itself leaves out silently whom it cannot
        assign."""
        repository, doing = action.issue.repository, f"assign {action.issue.ref}"
        for person in action.people:
            if not self._session.exists(doing, repository, f"/assignees/{_login(person)}"):
                raise ActionRejected(
                    f"github: could not {doing}: one of the {len(action.people)} is nobody who can"
                    " be assigned there; choose people with access to the repository"
                )
        path, people = f"/issues/{action.issue.number}/assignees", [*map(_login, action.people)]
        issue = self._session.request(doing, repository, "POST", path, {"assignees": people}).data
        return _assigned(issue)

    def find_assigned(self, action: Assign) -> Receipt | None:
        doing, path = f"read {action.issue.ref}", f"/issues/{action.issue.number}"
        issue = self._session.request(doing, action.issue.repository, "GET", path).data
        there = {person["login"].lower() for person in issue["assignees"]}
        wanted = {_login(person).lower() for person in action.people}
        return _assigned(issue) if wanted <= there else None


def titled(title: str) -> str:
    """Return a title as one line that notifies nobody, as long as GitHub takes it."""
    line = mute(" ".join(title.replace("\0", "").split())).encode("utf-8", "replace").decode()
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def _login(person: str) -> str:
    return person.strip().removeprefix("@")


def _opened(issue: Json, unknown: list[str]) -> Receipt:
    return Receipt(str(issue["number"]), issue["html_url"], {"unknown": unknown})


def _assigned(issue: Json) -> Receipt:
    people = [person["login"] for person in issue["assignees"]]
    return Receipt(str(issue["number"]), issue["html_url"], {"assignees": people})
