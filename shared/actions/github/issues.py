"""Opens, closes, locks, labels and assigns issues, and tells who may write."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from shared.actions import Mark, Receipt
from shared.actions.asking import AskPermission, AskRepositories, AskRepository
from shared.actions.github.actions import (
    AddLabels,
    Assign,
    CloseIssue,
    ListLabels,
    LockIssue,
    OpenIssue,
    RemoveLabels,
    ReopenIssue,
    SetMilestone,
    UnlockIssue,
)
from shared.actions.github.markdown import compose, fingerprint, read_stamp, titled
from shared.actions.github.paths import is_segment
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Issue, Json

#: The age to search: events, and so the retries of effects, live no longer.
_LIFE = timedelta(days=30)
#: What an issue can be turned to, and why.
_VERBS = {"closed": "close", "open": "reopen"}
REASONS = ("completed", "not_planned", "duplicate", "reopened")
#: Why a conversation is locked; '' is no reason.
_LOCKS = ("", "off-topic", "too heated", "resolved", "spam")
#: The number of pages to search, of a hundred issues each.
_PAGES = 10


class ChosenLabels(NamedTuple):
    """Wanted labels: those of the repository, by its names for them, and those that it lacks."""

    known: list[str]
    unknown: list[str]


def open_issue(session: GitHubSession, action: OpenIssue, mark: Mark, *_: object) -> Receipt:
    repository = action.repository.name
    labels = choose_labels(session, repository, action.labels)
    body = compose(action.body, mark, sticky=False)
    sent = {"title": titled(action.title, action.body), "body": body, "labels": labels.known}
    doing = f"open an issue in {repository}"
    issue = session.request(doing, repository, "POST", ("issues",), sent).data
    return _opened(issue, labels.unknown)


def find_issue(session: GitHubSession, action: OpenIssue, mark: Mark) -> Receipt | None:
    """Search the newest issues; raises EffectUnknown when there are too many."""
    repository = action.repository.name
    doing = f"look for an issue in {repository}"
    order: dict[str, int | str] = {"state": "all", "sort": "created", "direction": "desc"}
    oldest = (datetime.now(UTC) - _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
    for page in islice(session.listed(doing, repository, ("issues",), **order), _PAGES):
        for issue in page.data:
            stamp = read_stamp(issue["body"])
            if stamp and stamp.mark.key == mark.key and session.wrote(issue):
                return _opened(issue, [])
            if issue["created_at"] < oldest:
                return None
        if not page.next_query:
            return None
    raise EffectUnknown(
        f"github: {repository} has more than {_PAGES * 100} new issues, and the newest of them"
        f" do not hold effect {mark.key[:12]}; look for it there"
    )


def close_issue(session: GitHubSession, action: CloseIssue, *_: object) -> Receipt:
    return turn(session, action.issue, "closed", action.reason)


def reopen_issue(session: GitHubSession, action: ReopenIssue, *_: object) -> Receipt:
    return turn(session, action.issue, "open", "reopened")


def turn(session: GitHubSession, issue: Issue, state: str, reason: str) -> Receipt:
    """Close or reopen it, unless it is: GitHub would tell people of a second reason for closing.

    https://docs.github.com/en/rest/issues/issues#update-an-issue
    """
    doing, path = f"{_VERBS[state]} {issue.ref}", ("issues", issue.number)
    if reason not in REASONS:
        raise ActionRejected(f"github: could not {doing}: the reason is none of {_listed(REASONS)}")
    row = _row(session, doing, issue)
    if row["state"] != state:
        pull = row.get("pull_request")
        if pull and pull.get("merged_at"):
            raise ActionRejected(f"github: could not {doing}: it was merged and stays closed")
        body = {"state": state} if pull else {"state": state, "state_reason": reason}
        row = session.request(doing, issue.repository, "PATCH", path, body).data
    return _receipt(row, {"state": row["state"], "reason": row.get("state_reason") or ""})


def lock_issue(session: GitHubSession, action: LockIssue, *_: object) -> Receipt:
    """https://docs.github.com/en/rest/issues/issues#lock-an-issue"""
    doing = f"lock {action.issue.ref}"
    if action.reason not in _LOCKS:
        raise ActionRejected(f"github: could not {doing}: the reason is none of {_listed(_LOCKS)}")
    body = {"lock_reason": action.reason} if action.reason else None
    return set_lock(session, doing, action.issue, body, locked=True)


def unlock_issue(session: GitHubSession, action: UnlockIssue, *_: object) -> Receipt:
    return set_lock(session, f"unlock {action.issue.ref}", action.issue, None, locked=False)


def set_lock(
    session: GitHubSession, doing: str, issue: Issue, body: Json | None, *, locked: bool
) -> Receipt:
    row = _row(session, doing, issue)
    if row["locked"] is not locked:
        path = ("issues", issue.number, "lock")
        session.request(doing, issue.repository, "PUT" if locked else "DELETE", path, body)
    return _receipt(row, {"locked": locked})


def set_milestone(session: GitHubSession, action: SetMilestone, *_: object) -> Receipt:
    """Raises ActionRejected when it did not happen: without write access GitHub skips it silently.

    https://docs.github.com/en/rest/issues/issues#update-an-issue
    """
    issue, wanted = action.issue, None
    doing, path = f"set the milestone of {issue.ref}", ("issues", issue.number)
    if action.milestone is not None:
        wanted = _milestone(session, doing, issue.repository, action.milestone)
    row, number = _row(session, doing, issue), wanted and wanted["number"]
    if _milestone_of(row) != number:
        body = {"milestone": number}
        row = session.request(doing, issue.repository, "PATCH", path, body).data
        if _milestone_of(row) != number:
            raise ActionRejected(
                f"github: could not {doing}: GitHub left it as it was; the credentials need write"
                " access to the repository"
            )
    return _receipt(row, {"milestone": wanted["title"] if wanted else "", "number": number})


def _milestone_of(row: Json) -> int | None:
    return row["milestone"]["number"] if row["milestone"] else None


def _row(session: GitHubSession, doing: str, issue: Issue) -> Json:
    row: Json = session.request(doing, issue.repository, "GET", ("issues", issue.number)).data
    return row


def _receipt(row: Json, about: Json) -> Receipt:
    return Receipt(str(row["number"]), row["html_url"], about)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(filter(None, names))


def named_milestone(session: GitHubSession, repository: str, wanted: str | int) -> str:
    """Return a milestone as lists are asked for it: by its number, `*` or `none`."""
    if not wanted or wanted in {"*", "none"}:
        return str(wanted)
    return str(_milestone(session, f"find issues of {repository}", repository, wanted)["number"])


def _milestone(session: GitHubSession, doing: str, repository: str, wanted: str | int) -> Json:
    """Find a milestone by its number or its title; raises ActionRejected without one.

    https://docs.github.com/en/rest/issues/milestones
    """
    if isinstance(wanted, int):
        found: Json | None = session.look(doing, repository, ("milestones", wanted))
        if found is None:
            raise ActionRejected(f"github: could not {doing}: there is no milestone {wanted}")
        return found
    listed = list(session.every(doing, repository, ("milestones",), state="all"))
    for same in (str.strip, _folded):
        named = [one for one in listed if same(one["title"]) == same(wanted)]
        if len(named) == 1:
            return dict(named[0])
    raise ActionRejected(
        f"github: could not {doing}: none of its {len(listed)} milestones has that title alone"
    )


def _folded(text: str) -> str:
    return text.strip().casefold()


def assign(session: GitHubSession, action: Assign, *_: object) -> Receipt:
    """Assign all, or raise ActionRejected: GitHub silently skips people whom it cannot assign."""
    repository, doing = action.issue.repository, f"assign {action.issue.ref}"
    people = [person.strip().removeprefix("@") for person in action.people]
    for person in people:
        if not session.exists(doing, repository, ("assignees", person)):
            raise ActionRejected(
                f"github: could not {doing}: one of the {len(people)} is nobody who can"
                " be assigned there; choose people with access to the repository"
            )
    path = ("issues", action.issue.number, "assignees")
    issue = session.request(doing, repository, "POST", path, {"assignees": people}).data
    return _receipt(issue, {"assignees": [person["login"] for person in issue["assignees"]]})


def ask_permission(session: GitHubSession, query: AskPermission) -> Json:
    """https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user"""
    doing = f"ask what a person may do in {query.repository}"
    path = ("collaborators", query.login, "permission")
    found = session.request(doing, query.repository, "GET", path).data
    user = found.get("user") or {}
    return {"id": str(user.get("id", "")), "permission": found.get("permission")}


def ask_repository(session: GitHubSession, query: AskRepository) -> Json:
    doing = f"look up the repository {query.repository}"
    return _described(session.request(doing, query.repository, "GET", ()).data)


def ask_repositories(session: GitHubSession, query: AskRepositories) -> list[Json]:
    """Describe the repositories that the credentials reach, without those that only read."""
    every = session.reached(f"list the repositories of {query.owner}", query.owner)
    return [_described(one) for one in every if not one.get("archived")]


def _described(repository: Json) -> Json:
    return {name: repository.get(name) for name in ("full_name", "private", "visibility")}


def list_labels(session: GitHubSession, query: ListLabels) -> list[Json]:
    doing = f"list the labels of {query.repository}"
    labels = session.every(doing, query.repository, ("labels",))
    return [{"name": one["name"], "description": one["description"] or ""} for one in labels]


def add_labels(session: GitHubSession, action: AddLabels, *_: object) -> Receipt:
    issue = action.issue
    choice = choose_labels(session, issue.repository, action.labels)
    if choice.known:
        path, body = ("issues", issue.number, "labels"), {"labels": choice.known}
        session.request(f"label {issue.ref}", issue.repository, "POST", path, body)
    return Receipt(issue.ref, data={"labels": choice.known, "unknown": choice.unknown})


def remove_labels(session: GitHubSession, action: RemoveLabels, *_: object) -> Receipt:
    """Remove those that it has. GitHub answers 404 for one that it lacks, as for a missing issue.

    https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue
    """
    issue, doing = action.issue, f"remove labels of {action.issue.ref}"
    row, path = _row(session, doing, issue), ("issues", issue.number, "labels")
    unwanted = {_folded(label) for label in action.labels}
    there = [label["name"] for label in row["labels"]]
    gone = [name for name in there if _folded(name) in unwanted]
    for name in filter(is_segment, gone):
        session.remove(doing, issue.repository, (*path, name))
    if not all(map(is_segment, gone)):
        # A name such as kind/bug fits in no path, so the others are set in its place.
        body = {"labels": [name for name in there if name not in gone]}
        session.request(doing, issue.repository, "PUT", path, body)
    return _receipt(row, {"labels": sorted(unwanted)})


def choose_labels(session: GitHubSession, repository: str, wanted: Collection[str]) -> ChosenLabels:
    """Choose the labels to send: GitHub creates a label that it does not know."""
    labels = list_labels(session, ListLabels(repository)) if wanted else []
    names = {label["name"].casefold(): label["name"] for label in labels}
    by_key = {label.strip().casefold(): label for label in wanted}
    known = [names[key] for key in by_key if key in names]
    return ChosenLabels(known, [label for key, label in by_key.items() if key not in names])


def _opened(issue: Json, unknown: list[str]) -> Receipt:
    return Receipt(
        str(issue["number"]), issue["html_url"], {"unknown": unknown, "text": fingerprint(issue)}
    )
