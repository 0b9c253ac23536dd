"""Opens issues, finds them by their marks, and assigns people."""

from datetime import UTC, datetime, timedelta

from shared.actions import Mark, Receipt
from shared.actions.github.actions import Assign, OpenIssue
from shared.actions.github.labels import choose_labels
from shared.actions.github.markdown import compose, read_stamp, titled
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Json

#: The age to search: events, and so the retries of effects, live no longer.
_LIFE = timedelta(days=30)
#: The number of pages to search, of a hundred issues each.
_PAGES = 10


def open_issue(session: GitHubSession, action: OpenIssue, mark: Mark, *_: object) -> Receipt:
    repository = action.repository.name
    labels = choose_labels(session, repository, action.labels)
    body = compose(action.body, mark, sticky=False)
    sent = {"title": titled(action.title), "body": body, "labels": labels.known}
    doing = f"open an issue in {repository}"
    issue = session.request(doing, repository, "POST", "/issues", sent).data
    return _opened(issue, labels.unknown)


def find_issue(session: GitHubSession, action: OpenIssue, mark: Mark) -> Receipt | None:
    """Search the newest issues; raises EffectUnknown when there are too many."""
    repository = action.repository.name
    doing = f"look for an issue in {repository}"
    order: dict[str, int | str] = {"state": "all", "sort": "created", "direction": "desc"}
    oldest = (datetime.now(UTC) - _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
    for page in range(1, _PAGES + 1):
        rows = session.request(
            doing, repository, "GET", "/issues", per_page=100, page=page, **order
        )
        for issue in rows.data:
            stamp = read_stamp(issue["body"])
            if stamp and stamp.mark.key == mark.key and session.wrote(issue):
                return _opened(issue, [])
            if issue["created_at"] < oldest:
                return None
        if rows.pages <= page:
            return None
    raise EffectUnknown(
        f"github: {repository} has more than {_PAGES * 100} new issues, and the newest of them"
        f" do not hold effect {mark.key[:12]}; look for it there"
    )


def assign(session: GitHubSession, action: Assign, *_: object) -> Receipt:
    """Assign all, or raise ActionRejected: GitHub silently skips people whom it cannot assign."""
    repository, doing = action.issue.repository, f"assign {action.issue.ref}"
    people = [person.strip().removeprefix("@") for person in action.people]
    for person in people:
        if not session.exists(doing, repository, f"/assignees/{person}"):
            raise ActionRejected(
                f"github: could not {doing}: one of the {len(people)} is nobody who can"
                " be assigned there; choose people with access to the repository"
            )
    path = f"/issues/{action.issue.number}/assignees"
    issue = session.request(doing, repository, "POST", path, {"assignees": people}).data
    assigned = [person["login"] for person in issue["assignees"]]
    return Receipt(str(issue["number"]), issue["html_url"], {"assignees": assigned})


def _opened(issue: Json, unknown: list[str]) -> Receipt:
    return Receipt(str(issue["number"]), issue["html_url"], {"unknown": unknown})
