"""Authority: asks the platform what the person behind an event may do, and who reads along.

What an event says of its actor decides no right. GitHub's `author_association` calls people members
who can only read, and Slack marks neither guests nor, in commands and clicks, shared channels.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from shared.actions import Adapter, Query
from shared.actions.asking import AskMember, AskPermission, AskShared
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.events import Event, Json
from shared.journal import Outcome, Run
from shared.log import log
from shared.people.store import LinkedPerson

#: Seconds for which a process takes what decides a right again.
LIFE = 60.0
#: How many answers a process keeps.
_MOST = 1_000
#: GitHub's names for who may write: `maintain` shows as write, `triage` as read, and a custom role
#: as the one that it extends.
#: https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
WRITERS = frozenset({"admin", "write"})


class RecentAnswers:
    """What platforms answered lately, for all runs of a process. Threads may share it."""

    #: Seconds for which an answer is taken again.
    life = LIFE

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[Query, tuple[float, Json]] = {}

    def answer(self, query: Query, ask: Callable[[Query], Json]) -> Json:
        """Return a recent answer, or `ask`; what it raises is not kept."""
        at, answer = self._kept.get(query, (0.0, {}))
        # A clock that was set back makes nothing young again.
        if not 0 <= self._now() - at < self.life:
            at, answer = self._now(), ask(query)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[query] = (at, answer)
        return answer


class Authority:
    """The rights of the person who caused a run. Each question is a recorded step, put only when
    somebody needs its answer. What cannot be answered is denied."""

    def __init__(
        self,
        run: Run,
        adapter: Callable[[Query], Adapter],
        recent: RecentAnswers,
        linked: Callable[[Event], Sequence[LinkedPerson]] | None = None,
    ) -> None:
        """`linked` tells which GitHub account a person proved; None where nobody can."""
        self._run = run
        self._linked = linked
        self._adapter = adapter
        self._recent = recent
        self._answers: dict[Query, Json | None] = {}

    def may_write(self, repository: str = "") -> bool:
        """May they change what others rely on, in the place of the event?

        On GitHub that is write permission to the repository, in Slack full membership of the
        workspace, in a channel that no other company shares; who proved a GitHub account needs its
        write permission too: to the `repository` that would be changed, else to the one that the
        place works on. A caller of the API may what API_TOKENS says. Raises ActionUnavailable while
        the platform cannot be asked.
        """
        event = self._run.event
        actor = event.actor
        if actor.is_bot or not actor.id:
            return False
        if event.source == "github":
            return self._may_write_repository(event)
        if event.source == "slack":
            return self._may_write_workspace(event, repository or event.repository)
        return event.source == "api" and actor.is_insider

    def may_govern(self) -> bool:
        """May they change what counts everywhere: in all repositories of the owner, in the whole
        workspace?

        On GitHub that is write permission to the owner's repository `.github`, whose files count in
        all of them, or the account that is the owner. In Slack they are an admin of the workspace.
        Raises as `may_write`.
        """
        event = self._run.event
        if not self.may_write():
            return False
        if event.source == "github":
            owner = repository_of(event.scope).partition("/")[0]
            login = event.actor.name
            return login.lower() == owner.lower() or self._writes(
                f"{owner}/.github", login, event.actor.id
            )
        if event.source == "slack":
            found = self._ask(AskMember(_team(event), event.actor.id))
            return found is not None and found.get("admin") is True
        return False

    def name_of(self, user: str) -> str:
        """Return what the person with this id is called in the event's workspace; '' when it cannot
        be asked. It records nothing."""
        channel = _channel(self._run.event)
        if channel is None:
            return ""
        try:
            query = AskMember(channel.team, user)
            found = self._recent.answer(query, lambda wanted: self._adapter(wanted).read(wanted))
        except AgentFlowsError as err:
            log("name unknown", flow=self._run.flow, run=self._run.id, reason=str(err))
            return ""
        return str(found.get("name", ""))

    def placed(self) -> Event:
        """Return the run's event with the audience that its channel has, where the event itself
        could not tell; raises as `may_write`. A channel that is shared works on no repository."""
        event, channel = self._run.event, _channel(self._run.event)
        if not event.unshared_audience:
            return event
        if channel is None or self._is_shared(channel):
            return event._replace(workplace=None, unshared_audience="")
        return event._replace(audience=event.unshared_audience, unshared_audience="")

    def _may_write_repository(self, event: Event) -> bool:
        repository = repository_of(event.scope)
        if not repository or not event.actor.name:
            return False
        return self._writes(repository, event.actor.name, event.actor.id)

    def _writes(self, repository: str, login: str, id_: str) -> bool:
        found = self._ask(AskPermission(repository, login))
        # A login can be given up and taken by another; the id stays.
        is_same = found is not None and found["id"] == id_
        return is_same and found is not None and found["permission"] in WRITERS

    def _may_write_workspace(self, event: Event, repository: str) -> bool:
        channel, team = _channel(event), _team(event)
        if not team or event.is_shared or not event.actor.is_insider:
            return False
        found = self._ask(AskMember(team, event.actor.id))
        is_member = found is not None and found["member"] is True
        is_shared = channel is not None and self._is_shared(channel)
        return is_member and not is_shared and self.may_as_proved(repository)

    def may_as_proved(self, repository: str, by: str = "") -> bool:
        """May the account that the person in Slack proved write to the repository? Of who proved
        none, membership alone tells. `by` names another person of the workspace, `slack:U1`."""
        event, linked = self._run.event, self._linked
        if linked is None or not repository or not (by or event.source).startswith("slack"):
            return True
        actor = event.actor._replace(id=by.partition(":")[2], is_bot=False) if by else event.actor
        person = event._replace(actor=actor)
        proved = self._run.step(
            "proved",
            {"by": by} if by else {},
            lambda: Outcome([one._asdict() for one in linked(person)]),
            defer=True,
        )
        return all(
            self._writes(repository, one["github_login"], one["github_id"]) for one in proved
        )

    def _is_shared(self, channel: "_SlackChannel") -> bool:
        found = self._ask(AskShared(channel.team, channel.channel))
        return found is None or found["shared"] is not False

    def _ask(self, query: Query) -> Json | None:
        """Return the recorded answer; None when the platform refuses to give one."""
        if query not in self._answers:
            name = type(query).__name__
            about = {"query": name} | query.arguments
            self._answers[query] = self._run.step(
                "right", about, lambda: Outcome(self._answer(query)), defer=True
            )
        return self._answers[query]

    def _answer(self, query: Query) -> Json | None:
        try:
            return self._recent.answer(query, lambda wanted: self._adapter(wanted).read(wanted))
        except AgentFlowsError as err:
            if err.retryable:
                raise
            name = type(query).__name__
            log("right unknown", flow=self._run.flow, run=self._run.id, query=name, reason=str(err))
            return None


class Rights:
    """The desk of a flow that treats people differently: `agent.desk(Rights).may_write()`."""

    def __init__(self, loan: Loan) -> None:
        self.may_write = loan.may_write
        self.may_as_proved = loan.may_as_proved

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)


def repository_of(scope: str) -> str:
    """Return the repository of a scope; '' for one that is none."""
    platform, _, name = scope.partition(":")
    return name if platform == "github" and "/" in name else ""


class _SlackChannel(NamedTuple):
    team: str
    channel: str


def _team(event: Event) -> str:
    """Return the workspace of an event in Slack; the app's home and global shortcuts are in no
    channel."""
    channel = _channel(event)
    if channel is None and event.audience.startswith("dm:"):
        return event.conversation.split(":")[1]
    return channel.team if channel else ""


def _channel(event: Event) -> _SlackChannel | None:
    """Return the channel of an event in Slack, which a form knows without a message."""
    target = event.thread_target or event.message_target or event.response_target
    if target:
        return _SlackChannel(target.team, target.channel)
    _, team, channel = [*event.scope.split(":"), "", ""][:3]
    is_channel = event.source == "slack" and channel[:1] in {"C", "D", "G"}
    return _SlackChannel(team, channel) if is_channel else None
