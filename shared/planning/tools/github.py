"""Tools for the repository that a plan works on: searches, reads, and writes."""

from typing import Any, Literal, TypeVar, cast

from shared.actions import Query
from shared.actions.github.actions import (
    AddLabels,
    Assign,
    CloseIssue,
    Comment,
    ListLabels,
    LockIssue,
    OpenDraft,
    OpenIssue,
    RemoveLabels,
    ReopenIssue,
    Repository,
    SetMilestone,
)
from shared.actions.github.paths import unwritable
from shared.actions.github.queries import (
    ListCommits,
    ListPulls,
    ReadIssue,
    ReadPull,
    ReadText,
    SearchCode,
    SearchIssues,
)
from shared.agent.agent import Agent
from shared.events import Event, Issue
from shared.marks import is_marked
from shared.models.answers.typed import convert
from shared.models.visible_text import visible_text
from shared.planning.declaration import InvalidArguments, reads, writes
from shared.planning.tools.github_results import (
    FileText,
    FoundFiles,
    FoundIssues,
    Label,
    Labels,
    ListedCommits,
    ListedPulls,
    WholeIssue,
    WholePull,
)

T = TypeVar("T")


@reads(needs="repository")
def list_labels(agent: Agent) -> Labels:
    """List the labels that the repository has."""
    found = agent.read(ListLabels(_here(agent)))
    return Labels(tuple(Label(label["name"], label["description"] or "") for label in found))


@reads(needs="repository")
def search_issues(
    agent: Agent, words: str, kind: Literal["issue", "pr"] = "issue", limit: int = 30
) -> FoundIssues:
    """Find the repository's issues, or pull requests, by words, with GitHub's qualifiers among them
    if needed, such as `login is:open label:bug`. Gives 100 at most, each text cut short."""
    return _read(FoundIssues, agent, SearchIssues(_here(agent), words, kind, limit))


@reads(needs="repository")
def read_issue(agent: Agent, number: int | None = None, comments: int = 30) -> WholeIssue:
    """Read an issue, or the conversation of a pull request, with its newest comments: this one, or
    one by its number."""
    issue = _issue(agent.event, number)
    found = agent.read(ReadIssue(issue.repository, issue.number, comments))
    # Our own comments, such as the progress of this plan, are nothing that was said about it.
    said = [one for one in found["comments"] if not is_marked(one["text"])]
    return cast("WholeIssue", convert(WholeIssue, _seen(found | {"comments": said})))


@reads(needs="repository")
def search_code(agent: Agent, words: str, limit: int = 30) -> FoundFiles:
    """Find files of the repository's default branch by words that stand in them, with GitHub's
    qualifiers if needed, such as `checkout path:src language:python`. Gives 100 at most."""
    return _read(FoundFiles, agent, SearchCode(_here(agent), words, limit))


@reads(needs="repository")
def read_file(agent: Agent, path: str, ref: str = "") -> FileText:
    """Read a text file of the repository, at a branch, a tag or a commit; without one at the
    default branch. Gives its first 60,000 characters."""
    return _read(FileText, agent, ReadText(_here(agent), path, ref))


@reads(needs="repository")
def list_commits(
    agent: Agent, since: str = "", path: str = "", ref: str = "", limit: int = 30
) -> ListedCommits:
    """List the newest commits, 100 at most: of the default branch or `ref`, since a date such as
    2026-11-21, and those that changed `path`."""
    return _read(ListedCommits, agent, ListCommits(_here(agent), ref, path, since, limit))


@reads(needs="repository")
def list_pulls(
    agent: Agent,
    state: Literal["open", "closed", "merged", "all"] = "open",
    since: str = "",
    limit: int = 30,
) -> ListedPulls:
    """List pull requests, those that changed last first, 100 at most: with `merged` those that were
    merged last. `since` is a date such as 2026-11-21."""
    return _read(ListedPulls, agent, ListPulls(_here(agent), state, since, limit))


@reads(needs="repository")
def read_pull(agent: Agent, number: int, files: int = 100) -> WholePull:
    """Read a pull request with the files that it changes and their patches, as far as 60,000
    characters reach."""
    return _read(WholePull, agent, ReadPull(_here(agent), number, files))


@writes(AddLabels, needs="repository")
def add_labels(event: Event, labels: tuple[str, ...], number: int | None = None) -> AddLabels:
    """Put labels, which the repository must have, on an issue: this one, or one by its number."""
    return AddLabels(_issue(event, number), labels)


@writes(Comment, content=("body",), needs="repository")
def comment(event: Event, body: str, number: int | None = None) -> Comment:
    """Write a comment on an issue: this one, or one by its number."""
    return Comment(_issue(event, number), body)


@writes(Assign, needs="repository")
def assign(event: Event, people: tuple[str, ...], number: int | None = None) -> Assign:
    """Assign people, by their logins, to an issue: to this one, or to one by its number."""
    if not people:
        raise InvalidArguments("assign needs at least one login")
    return Assign(_issue(event, number), people)


@writes(RemoveLabels, needs="repository")
def remove_labels(event: Event, labels: tuple[str, ...], number: int | None = None) -> RemoveLabels:
    """Take labels off an issue: this one, or one by its number."""
    if not labels:
        raise InvalidArguments("remove_labels needs at least one label")
    return RemoveLabels(_issue(event, number), labels)


@writes(SetMilestone, needs="repository")
def set_milestone(event: Event, milestone: str, number: int | None = None) -> SetMilestone:
    """Put an issue into a milestone by its title: this one, or one by its number. An empty title
    takes it out of its milestone."""
    return SetMilestone(_issue(event, number), milestone.strip() or None)


@writes(CloseIssue, needs="repository")
def close_issue(
    event: Event,
    reason: Literal["completed", "not_planned", "duplicate"] = "completed",
    number: int | None = None,
) -> CloseIssue:
    """Close an issue or a pull request: this one, or one by its number."""
    return CloseIssue(_issue(event, number), reason)


@writes(ReopenIssue, needs="repository")
def reopen_issue(event: Event, number: int | None = None) -> ReopenIssue:
    """Reopen an issue or a pull request: this one, or one by its number."""
    return ReopenIssue(_issue(event, number))


@writes(LockIssue, needs="repository")
def lock_issue(
    event: Event,
    number: int,
    reason: Literal["", "off-topic", "too heated", "resolved", "spam"] = "",
) -> LockIssue:
    """Lock the conversation of another issue by its number, so that only people with write access
    can comment there."""
    if event.issue_target == (issue := _issue(event, number)):
        raise InvalidArguments("lock_issue would silence this plan: no app can comment there")
    return LockIssue(issue, reason)


@writes(OpenIssue, content=("title", "body"), needs="repository")
def open_issue(event: Event, title: str, body: str, labels: tuple[str, ...] = ()) -> OpenIssue:
    """Open a new issue in the repository, with labels that it must have."""
    return OpenIssue(_repository(event), title, body, labels)


def _replaced(action: OpenDraft) -> ReadText:
    return ReadText(action.repository.name, action.path, action.base)


@writes(OpenDraft, content=("title", "body", "content"), needs="repository", replaces=_replaced)
def open_draft_pull(
    event: Event, *, title: str, body: str, path: str, content: str, base: str = ""
) -> OpenDraft:
    """Open a draft pull request that writes one file: `content` is all that the file will hold.
    It goes to the default branch or `base`."""
    if reason := unwritable(path):
        raise InvalidArguments(f"open_draft_pull cannot write there: {reason}")
    return OpenDraft(_repository(event), title, body, path, content, base)


def _read(kind: type[T], agent: Agent, query: Query) -> T:
    found = agent.read(query)
    # A file stays as it is: a plan may write it back, and its diff shows people all of it.
    return cast("T", convert(kind, found if isinstance(query, ReadText) else _seen(found)))


def _seen(found: Any) -> Any:
    """Return what pages show of the texts that were found."""
    if isinstance(found, list):
        return [_seen(part) for part in found]
    if not isinstance(found, dict):
        return found
    return {
        name: visible_text(part) if name == "text" and isinstance(part, str) else _seen(part)
        for name, part in found.items()
    }


def _here(agent: Agent) -> str:
    return agent.event.repository


def _repository(event: Event) -> Repository:
    return Repository(event.repository)


def _issue(event: Event, number: int | None) -> Issue:
    if number is not None:
        return Issue(event.repository, number)
    if event.issue_target is None:
        raise InvalidArguments("there is no issue that this plan is about; name one by its number")
    return event.issue
