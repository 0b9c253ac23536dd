"""Questions to a platform about people and places, as values: what decides who may do what.

They stand by themselves, so that an adapter answers them without the journal that keeps answers.
"""

from collections.abc import Mapping
from typing import ClassVar

from shared.actions import Query
from shared.events import Json
from shared.frozen import frozen


@frozen
class AskPermission(Query):
    """Ask what a person may do in a repository, as `{"id": …, "permission": "write"}`."""

    connector: ClassVar[str] = "shared.actions.github:connect"
    permissions: ClassVar[Mapping[str, str]] = {"metadata": "read"}
    repository: str
    login: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> Json:
        return {"repository": self.repository, "login": self.login}


@frozen
class AskMember(Query):
    """Ask if a person is a full member of a workspace, no guest, bot or stranger, and what they are
    called, as `{"member": bool, "name": str, "admin": bool}`; an owner is an admin."""

    connector: ClassVar[str] = "shared.actions.slack:connect"
    team: str
    user: str

    @property
    def scope(self) -> str:
        return f"slack:{self.team}"

    @property
    def arguments(self) -> Json:
        return {"team": self.team, "user": self.user}


@frozen
class AskShared(Query):
    """Ask if another company is in a channel, or is invited to it, as `{"shared": bool}`."""

    connector: ClassVar[str] = "shared.actions.slack:connect"
    team: str
    channel: str

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"

    @property
    def arguments(self) -> Json:
        return {"team": self.team, "channel": self.channel}


@frozen
class AskReader(Query):
    """Ask if a person reads a channel, as `{"reads": bool}`; in another one if they ask there."""

    connector: ClassVar[str] = "shared.actions.slack:connect"
    team: str
    channel: str
    user: str
    asked_in: str = ""

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.asked_in or self.channel}"

    @property
    def arguments(self) -> Json:
        return {"team": self.team, "channel": self.channel, "user": self.user}


@frozen
class AskRepository(Query):
    """Ask what a repository is called and who sees it, as `{"full_name", "private",
    "visibility"}`."""

    connector: ClassVar[str] = "shared.actions.github:connect"
    permissions: ClassVar[Mapping[str, str]] = {"metadata": "read"}
    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> Json:
        return {"repository": self.repository}


@frozen
class AskRepositories(Query):
    """Ask for every repository of an owner that the credentials reach, as a list of answers to
    AskRepository, without archived ones."""

    connector: ClassVar[str] = "shared.actions.github:connect"
    permissions: ClassVar[Mapping[str, str]] = {"metadata": "read"}
    owner: str

    @property
    def scope(self) -> str:
        return f"github:{self.owner}/*"

    @property
    def arguments(self) -> Json:
        return {"owner": self.owner}


@frozen
class AskChannel(Query):
    """Ask for a channel by its id or `#name`, as `{"team", "channel", "private", "shared"}`."""

    connector: ClassVar[str] = "shared.actions.slack:connect"
    name: str

    @property
    def scope(self) -> str:
        return f"slack:{self.name}"

    @property
    def arguments(self) -> Json:
        return {"channel": self.name}


@frozen
class AskName(Query):
    """Ask what people call a channel, as `{"name": "#support"}`, for those who read the one that it
    is `asked_in`; '' for a conversation that has no name."""

    connector: ClassVar[str] = "shared.actions.slack:connect"
    team: str
    channel: str
    asked_in: str

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.asked_in}"

    @property
    def arguments(self) -> Json:
        return {"team": self.team, "channel": self.channel}


#: Every flow that is connected to a platform may ask its own.
QUERIES: tuple[type[Query], ...] = (
    AskPermission,
    AskMember,
    AskShared,
    AskReader,
    AskRepository,
    AskRepositories,
    AskChannel,
    AskName,
)
