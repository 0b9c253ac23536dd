"""The desk of the app's home: what the person may see of the agent, and what they press there."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from shared.actions.asking import AskName, AskReader
from shared.database import Database, Statement, queries
from shared.desk import Loan
from shared.errors import ActionRejected, AgentFlowsError
from shared.events import Json
from shared.home.blocks import (
    HomeChannel,
    HomeRepository,
    HomeRun,
    HomeView,
    Spend,
    blocks_of,
)
from shared.journal import Outcome
from shared.memory.control.command_results import CommandRefused, KnowResult
from shared.memory.control.desk import MemoryDesk
from shared.memory.control.reach import names_of
from shared.models.guards.budgets import Budgets, Standing
from shared.proposals.connected import ConnectedRepositories
from shared.settings import Settings
from shared.stopping.quiet import QuietDesk
from shared.team_settings.channels.telling import in_short

SQL = queries(__file__, "home.sql")

#: Channels, runs and memories that are shown.
_CHANNELS, _RUNS, _MEMORIES = 8, 8, 10
#: As many prompts as Slack shows, and what fits everybody.
_PROMPTS = 4
_ALWAYS = {"What do we know about …": "What do we know about our deployments?"}


class HomeDesk:
    """The home of the person who looks at it, or presses something there."""

    READS: ClassVar = (AskReader,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._memory = MemoryDesk.lend(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the person's home."""
        return cls(loan)

    def shown(self) -> tuple[Json, ...]:
        """Do what was pressed, and return the home's blocks."""
        kind, text = self._event.type.rpartition(".")[2], self._event.text
        query = text.strip() if kind == "home-search" else ""
        notice = self._forgotten(text) if kind == "home-forget" else ""
        rows = self._rows()
        channels = self._channels(rows)
        rows = [row for row in rows if self._is_seen(row, channels)]
        if kind == "home-quiet":
            notice = self._hushed(text, channels)
            channels = self._channels(rows)
        known = self._memory.know(query) if query else None
        notice = str(known) if isinstance(known, CommandRefused) else notice
        found = known if isinstance(known, KnowResult) else KnowResult((), 0)
        connected = self._connected()
        return blocks_of(
            HomeView(
                notice=notice,
                repositories=self._repositories([*connected, *_repositories(channels)]),
                channels=channels,
                commands=self._memory.help(),
                spends=self._spends(),
                query=query,
                memories=[*(found.found or found.related)][:_MEMORIES],
                total=found.total,
                runs=[_home_run(row) for row in rows[:_RUNS]],
                may_write=self._loan.may_write(),
            )
        )

    def prompts(self) -> dict[str, str]:
        """Return what the person may want to say in direct messages, by short titles, with no model
        call: of the channel that they used last, and of the repository of the workspace."""
        found = {}
        channels = self._channels(self._rows())
        if channels and (name := self._name_of(channels[0].id)):
            found[f"What did I miss in {name}?"] = f"summarize {name} since yesterday"
        for repository in self._connected()[:1]:
            name = repository.partition("/")[2]
            found[f"What is open in {name}?"] = f"Which issues of {repository} are open?"
        found |= _ALWAYS
        return dict([*found.items()][: _PROMPTS - 1]) | {"What can you do?": "help"}

    def _name_of(self, channel: str) -> str:
        """Return what people call a channel; '' where Slack does not tell."""

        def work() -> Outcome:
            here = self._event.scope.rpartition(":")[2]
            query = AskName(self._team.partition(":")[2], channel, here)
            try:
                return Outcome(self._loan.read(query)["name"])
            except AgentFlowsError:
                return Outcome("")

        return str(self._run.step("name", {"channel": channel}, work))

    def _connected(self) -> Sequence[str]:
        return ConnectedRepositories.lend(self._loan).here

    def _forgotten(self, text: str) -> str:
        return self._memory.shown(self._memory.forget(text))

    def _hushed(self, text: str, channels: list[HomeChannel]) -> str:
        """Pause or resume in a channel that the home shows to the person."""
        word, _, channel = text.partition(":")
        if not self._loan.may_write() or channel not in {one.id for one in channels}:
            return "You may not do that there."
        quiet, place = QuietDesk.lend(self._loan), self._place(channel)
        if word == "pause":
            quiet.pause(place)
            return "I do nothing by myself there any more."
        quiet.resume(place)
        return "I act by myself there again."

    def _rows(self) -> list[Json]:
        """Return the runs that the person caused in this workspace, the newest first."""
        values = {"own": sorted(names_of(self._event)), "team": f"{self._team}:"}

        def work() -> Outcome:
            statement = self._run.statement("runs", values, SQL)
            [rows] = self._loan.services[Database].run(self._event.tenant, [statement])
            return Outcome([dict(row) for row in rows])

        return list(self._run.step("home runs", values, work))

    def _channels(self, rows: list[Json]) -> list[HomeChannel]:
        """Return the channels where the person used the agent lately, and that they read now."""
        used = dict.fromkeys(map(_channel_of, rows))
        ids = [one for one in used if one[:1] in {"C", "G"}][:_CHANNELS]
        ids = [one for one in ids if self._reads(one)]
        places = {self._place(one): one for one in ids}

        def work() -> Outcome:
            values = {"tenant": self._event.tenant, "places": [*places]}
            statements = [Statement(SQL[name], values) for name in ("quiet", "wants")]
            quiet, wants = self._loan.services[Database].run(self._event.tenant, statements)
            said: Json = {place: {} for place in places}
            for row in wants:
                said[row["place"]][row["key"]] = [row["value"], "", row["changed_at"]]
            return Outcome({"quiet": [row["place"] for row in quiet], "wants": said})

        if not ids:
            return []
        found = self._run.step("places", {"places": [*places]}, work)
        of, at = self._loan.services[Settings].repository_of, self._event.received_at
        return [
            HomeChannel(
                one,
                of.get(f"channel:{one}", ""),
                place in found["quiet"],
                in_short(found["wants"][place], at),
            )
            for place, one in places.items()
        ]

    def _reads(self, channel: str) -> bool:
        """Does the person read the channel now? Who left it sees nothing of it here."""
        _, team, *_ = self._event.conversation.split(":")
        asked_in = self._event.scope.rpartition(":")[2]
        query = AskReader(team, channel, self._event.actor.id, asked_in)

        def work() -> Outcome:
            try:
                return Outcome(self._loan.read(query)["reads"] is True)
            except ActionRejected:
                return Outcome(False)

        return bool(self._run.step("reads", query.arguments, work, defer=True))

    def _is_seen(self, row: Json, channels: list[HomeChannel]) -> bool:
        """May the person see a run of theirs here: is its place a direct message, or read?"""
        place = _channel_of(row)
        return place[:1] not in {"C", "G"} or place in {one.id for one in channels}

    def _repositories(self, names: list[str]) -> list[HomeRepository]:
        """Return the repositories, with how the last run that looked there was to review."""
        names = list(dict.fromkeys(names))

        def work() -> Outcome:
            values = {"tenant": self._event.tenant, "names": names}
            statement = Statement(SQL["reviews"], values)
            [found] = self._loan.services[Database].run(self._event.tenant, [statement])
            return Outcome({row["repository"]: row["mode"] for row in found})

        modes = self._run.step("modes of reviews", {"names": names}, work) if names else {}
        return [HomeRepository(name, _mode(modes.get(name))) for name in names]

    def _spends(self) -> list[Spend]:
        """Return what this tenant and this person spent today."""
        tenant = self._event.tenant

        def work() -> Outcome:
            standings = self._loan.services[Budgets].spent(tenant)
            # People choose their names: by id alone, and of a person's budget, it is theirs.
            own = {(kind, self._event.actor.id) for kind in ("user", "outsider")}
            kept = [one for one in standings if one.scope == "tenant" or one[:2] in own]
            return Outcome([_spend(one)._asdict() for one in kept])

        return [Spend(**one) for one in self._run.step("spent", {}, work)]

    @property
    def _team(self) -> str:
        return ":".join(self._event.conversation.split(":")[:2])

    def _place(self, channel: str) -> str:
        return f"{self._team}:{channel}"


def _repositories(channels: list[HomeChannel]) -> list[str]:
    return [one.repository for one in channels if one.repository]


def _channel_of(row: Json) -> str:
    return str(row["conversation"].split(":")[2])


def _mode(found: Any) -> str:
    """Return the mode of reviews as people read it, with where it stands."""
    if not isinstance(found, list) or not found:
        return ""
    value, source = str(found[0]), str(found[1]) if len(found) > 1 else "default"
    return value if source == "default" else f"{value} ({source})"


def _home_run(row: Json) -> HomeRun:
    return HomeRun(*(row[name] for name in HomeRun._fields))


def _spend(standing: Standing) -> Spend:
    name = "Everybody" if standing.scope == "tenant" else "You"
    ceiling = f"${standing.ceiling:.2f}" if standing.ceiling is not None else "no ceiling"
    return Spend(name, f"${standing.spent:.2f}", ceiling)
