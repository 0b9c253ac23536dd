"""A proposal as a value: one of a closed set of deeds, with everything that is in it."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from shared.actions import Action
from shared.actions.github.actions import AddLabels, Comment, OpenIssue, Repository
from shared.canonical import digest
from shared.errors import EventError
from shared.events import Issue, Json

#: What may be proposed. What stands outside of GitHub's actions is carried out by other flows.
Deed = Literal["open issue", "add labels", "comment", "review", "plan", "remind"]
_DEEDS = frozenset(get_args(Deed))
#: Characters of all texts of a proposal together: one message shows it whole.
MOST = 3_000


class Proposed(NamedTuple):
    """Exactly what is done, and where: the target is a repository, or one of its issues, as
    `acme/shop#12`, or the conversation itself, which is ''."""

    deed: Deed
    target: str
    arguments: Json
    #: The page of what it is about, where there is one.
    url: str = ""

    @property
    def digest(self) -> str:
        return digest(self._asdict())

    @property
    def repository(self) -> str:
        """The repository that it changes; '' for none."""
        return self.target.partition("#")[0]

    @property
    def issue(self) -> Issue:
        """The issue or pull request that it is about; raises EventError for another deed."""
        repository, _, number = self.target.partition("#")
        if not number.isdecimal():
            raise EventError(f"a proposal to {self.deed} names no issue")
        return Issue(repository, int(number))

    @property
    def action(self) -> Action | None:
        """The action on GitHub that it is; None for what another flow does."""
        given = self.arguments
        match self.deed:
            case "open issue":
                return OpenIssue(Repository(self.target), given["title"], given["body"])
            case "add labels":
                return AddLabels(self.issue, tuple(given["labels"]))
            case "comment":
                return Comment(self.issue, given["text"])
        return None


class Proposal(NamedTuple):
    """A payload that a person is asked about, and how the question stands."""

    id: str
    payload: Proposed
    state: str = "asked"
    decided_by: str = ""
    decided_in: str = ""
    expires_at: float = 0.0
    expired: bool = False
    #: The time stamp of the message that shows it.
    ts: str = ""
    #: The account of who asked for it.
    asker: str = ""

    @property
    def name(self) -> str:
        """Names its message: exactly this, in this proposal."""
        return f"{self.id}/{self.payload.digest}"

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Proposal":
        return cls(
            row["id"],
            Proposed(**row["payload"]),
            row["state"],
            row["decided_by"],
            row["decided_in"],
            row["expires_at"],
            row["expired"],
            (row["shown"] or {}).get("id", ""),
            row["asker"] or "",
        )
