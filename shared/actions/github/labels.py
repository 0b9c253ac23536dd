"""Lists the labels of a repository and adds them to issues."""

from collections.abc import Collection
from typing import NamedTuple

from shared.actions import Receipt
from shared.actions.github.actions import AddLabels, ListLabels
from shared.actions.github.session import GitHubSession
from shared.events import Json


class ChosenLabels(NamedTuple):
    """Wanted labels: those of the repository, by its names for them, and those that it lacks."""

    known: list[str]
    unknown: list[str]


def list_labels(session: GitHubSession, query: ListLabels) -> list[Json]:
    doing = f"list the labels of {query.repository}"
    labels = session.every(doing, query.repository, "/labels")
    return [{"name": one["name"], "description": one["description"] or ""} for one in labels]


def add_labels(session: GitHubSession, action: AddLabels, *_: object) -> Receipt:
    issue = action.issue
    choice = choose_labels(session, issue.repository, action.labels)
    if choice.known:
        path, body = f"/issues/{issue.number}/labels", {"labels": choice.known}
        session.request(f"label {issue.ref}", issue.repository, "POST", path, body)
    return Receipt(issue.ref, data={"labels": choice.known, "unknown": choice.unknown})


def choose_labels(session: GitHubSession, repository: str, wanted: Collection[str]) -> ChosenLabels:
    """Choose the labels to send: GitHub creates a label that it does not know."""
    labels = list_labels(session, ListLabels(repository)) if wanted else []
    names = {label["name"].casefold(): label["name"] for label in labels}
    by_key = {label.strip().casefold(): label for label in wanted}
    known = [names[key] for key in by_key if key in names]
    return ChosenLabels(known, [label for key, label in by_key.items() if key not in names])
