"""Bring the memory of a repository's documents up to date when its default branch is pushed, and
remember what people comment."""

from shared.actions.github.queries import CompareCommits, ListFiles, ReadFile, RepositoryHead
from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.documents.desk import IngestionDesk
from shared.memory.documents.github import GitHubDocuments
from shared.perception import dig


@flow(
    "github.push",
    "github.repository.privatized",
    "github.repository.publicized",
    "github.issue_comment.created",
    "github.issue_comment.edited",
    reads=[CompareCommits, ListFiles, ReadFile, RepositoryHead],
    bots=True,
    shares={"document", "issue", "comment"},
)
def ingest(event: Event, agent: Agent) -> None:
    if event.type.startswith("github.issue_comment."):
        _remember_comment(event, agent)
        return
    branch = f"refs/heads/{event.need('repository', 'default_branch')}"
    if event.payload.get("ref", branch) == branch and not event.payload.get("deleted"):
        name = event.need("repository", "full_name")
        agent.desk(IngestionDesk).update(lambda read: GitHubDocuments(name, read))


def _remember_comment(event: Event, agent: Agent) -> None:
    """Remember a comment under its issue and its id, so that an edit replaces it."""
    number = dig(event.payload, "comment", "id")
    if event.text.strip() and not event.actor.is_bot and type(number) is int:
        agent.remember(event.text, kind="comment", ref=f"{event.issue.ref}:{number}")
