"""GitHub and Slack in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.asking import AskChannel, AskMember, AskPermission, AskRepository, AskShared
from shared.actions.github.actions import ListLabels
from shared.actions.github.queries import ReadTeamFiles
from shared.actions.github.reactions import SIGNS, AddReaction, RemoveReaction
from shared.actions.slack.heard.queries import ReadSince
from shared.errors import SettingsError
from shared.events import Actor, Event
from shared.fakes.events import described

LABELS = {"bug": "Something isn't working", "enhancement": "New feature", "question": ""}

#: The answer to each query of a kind, or a function of the query.
Answer = Callable[[Any], Any] | Any


@dataclass
class PlatformInMemory:
    """GitHub and Slack in memory: `done` is what became visible. `fails` raises before the act of
    that number. It takes `people`, by name and id, for what their last event said that they are.
    """

    done: list[Action] = field(default_factory=list)
    #: The reactions that show how a command stands, which every flow of commands gives.
    signs: list[Action] = field(default_factory=list)
    #: What showed how runs stand.
    shown: list[Action] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    fails: dict[int, BaseException] = field(default_factory=dict)
    tried: int = 0
    people: dict[str, Actor] = field(default_factory=dict)
    #: What people are called, by id.
    names: dict[str, str] = field(default_factory=dict)
    #: Who has rights across the organisation or the workspace, by name and id.
    admins: set[str] = field(default_factory=set)
    #: The channels that another company is in.
    shared: set[str] = field(default_factory=set)
    #: Raised in place of an answer about rights.
    unanswered: Exception | None = None
    #: The questions about rights.
    rights: list[Query] = field(default_factory=list)
    #: The answers to queries, by their class.
    answers: dict[type[Query], Answer] = field(
        default_factory=lambda: {
            ListLabels: [{"name": name, "description": about} for name, about in LABELS.items()],
            ReadTeamFiles: {"repository": None, "organisation": None},
            AskRepository: lambda query: described(query.repository),
            AskChannel: lambda query: described(query.name),
            ReadSince: {"items": [], "found": True},
        }
    )

    def meet(self, event: Event) -> None:
        self.people |= {event.actor.name: event.actor, event.actor.id: event.actor}

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if isinstance(action, AddReaction | RemoveReaction) and action.reaction in SIGNS:
            self.signs.append(action)
            return Receipt("sign")
        if action.passing:
            self.shown.append(action)
            return Receipt("")
        self.tried += 1
        if failure := self.fails.get(self.tried):
            raise failure
        self.done.append(action)
        self.keys.append(mark.key)
        return Receipt(f"{len(self.done)}", data={"at": "2026-11-29T20:00:00Z"})

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return Receipt("found") if mark.key in self.keys else None

    def read(self, query: Query) -> Any:
        """Raises SettingsError for a query that the test says no answer to."""
        if isinstance(query, AskPermission | AskMember | AskShared):
            self.rights.append(query)
            if self.unanswered:
                raise self.unanswered
            return self._right(query)
        name = type(query).__name__
        if type(query) not in self.answers:
            raise SettingsError(
                f"the test has no answer to {name}; say runner.platform.answers[{name}] = …"
            )
        answer = self.answers[type(query)]
        return answer(query) if callable(answer) else answer

    def _right(self, query: Query) -> Any:
        match query:
            case AskPermission(repository=repository, login=login):
                who = self.people[login]
                of_all = repository.endswith("/.github")
                may = login in self.admins if of_all else who.is_insider
                return {"id": who.id, "permission": "write" if may else "read"}
            case AskMember(user=user):
                met = self.people.get(user)
                named = {"name": self.names[user]} if user in self.names else {}
                is_admin = user in self.admins
                return {"member": met is not None and met.is_insider, "admin": is_admin} | named
            case AskShared(channel=channel):
                return {"shared": channel in self.shared}
        raise AssertionError(query)
