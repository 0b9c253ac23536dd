"""Other workspaces of the sandbox Slack, and what people say there."""

from collections.abc import Callable

from infra.local.sandbox.slack.workspace import ALICE, Workspace
from shared.events import Json


class Neighbour:
    """A workspace with the same people and channels as the first one, and messages of its own. With
    an `org` it belongs to an organisation that installed the app as a whole."""

    def __init__(self, team: str, org: str, tell: Callable[["Neighbour", Json], None]) -> None:
        self.team, self.org = team, org
        self.workspace = Workspace(lambda event: tell(self, event), team=team)

    def say(self, channel: str, text: str, user: str = ALICE, thread_ts: str | None = None) -> str:
        place = self.workspace.channel(channel)["id"]
        return str(self.workspace.post(place, user, thread_ts, text=text)["ts"])

    def messages(self, channel: str) -> list[Json]:
        return self.workspace.messages(str(self.workspace.channel(channel)["id"]))

    def thread(self, channel: str, ts: str) -> list[Json]:
        return self.workspace.thread(str(self.workspace.channel(channel)["id"]), ts)


class Neighbours:
    """The other workspaces, by their ids."""

    def __init__(self, tell: Callable[[Neighbour, Json], None]) -> None:
        self._tell = tell
        self._all: dict[str, Neighbour] = {}

    def open(self, team: str, org: str = "") -> Neighbour:
        return self._all.setdefault(team, Neighbour(team, org, self._tell))

    def serving(self, place: str) -> Workspace | None:
        """Return the workspace that a token of `place` reaches; an organisation has one here."""
        if place in self._all:
            return self._all[place].workspace
        of_org = [one for one in self._all.values() if one.org == place]
        return next((one.workspace for one in of_org), None)
