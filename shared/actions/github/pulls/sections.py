"""The section of the agent in the body of a pull request, as a value."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from shared.actions import Action
from shared.actions.github.actions import OnGitHub
from shared.events import Issue, Json
from shared.frozen import frozen


@frozen
class WriteSection(OnGitHub, Action):
    """Write a text into the body of a pull request, as its section of this `name`, between marks
    that nobody sees. What people wrote around it stays as it is; a later text takes its place."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "write"}
    edits = True
    idempotent = True
    issue: Issue
    name: Literal["description"]
    text: str

    @property
    def target(self) -> Issue:
        return self.issue

    @property
    def arguments(self) -> Json:
        return {"name": self.name, "text": self.text}
