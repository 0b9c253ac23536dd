"""Bring the memory of a repository's documents up to date when its default branch is pushed."""

from shared.actions.github.queries import CompareCommits, ListFiles, ReadFile, RepositoryHead
from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.documents.desk import IngestionDesk
from shared.memory.documents.github import GitHubDocuments


@flow(
    "github.push",
    "github.repository.privatized",
    "github.repository.publicized",
    reads=[CompareCommits, ListFiles, ReadFile, RepositoryHead],
    bots=True,
    shares={"document", "issue"},
)
def ingest(event: Event, agent: Agent) -> None:
    repository = event.payload["repository"]
    branch = f"refs/heads/{repository['default_branch']}"
    if event.payload.get("ref", branch) == branch and not event.payload.get("deleted"):
        name = repository["full_name"]
        agent.desk(IngestionDesk).update(lambda read: GitHubDocuments(name, read))
