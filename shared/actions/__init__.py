"""Actions as values, and the adapter that turns each into exactly one effect.

An action says what to do and where. A flow's policy can limit it, a person can preview it, and the
journal can compare it before it touches the world. Each platform has one `Adapter`.

    adapter     dispatches actions and queries by the table of a platform
    platforms   connects the platforms of a flow
    places      reads the repositories and channels that `on` names
    policy      limits what one run may do
    asking      questions about people and places, as values
    authority   asks what the person who caused a run may do
    secrets_kept_out   masks the secrets of an action, or refuses it
    effects     performs each action once, whatever fails
    presence    shows that a run works, waits, or is over
    drafts      shows an answer while it grows
    past        takes back what an effect did
    links       which addresses may stay links
    timers      lets an event come to the same flow later
    breaks      where a zero-width space disarms Markdown
    github/ slack/   one package per platform, with `connect`
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from shared.actions.places import scopes
from shared.events import Event, Json

#: How an answer that is drafted begins, as long as it only says what is waited for.
WAITING = "⏳ "


class Target(Protocol):
    """The place where an action lands. `ref` names it exactly; `scope` names the repository or
    channel that holds it."""

    @property
    def ref(self) -> str: ...

    @property
    def scope(self) -> str: ...


class Receipt(NamedTuple):
    """The platform's answer: the id and the address of the result, and the adapter's own fields."""

    id: str
    url: str = ""
    data: Json | None = None

    def to_json(self) -> Json:
        return self._asdict()


class Action(ABC):
    """Something to do, as a frozen value."""

    #: The function that connects the platform, as `module:function`. It is text, so that a flow
    #: loads no SDK before it connects.
    connector: ClassVar[str]
    #: Only the person who caused the event sees it.
    private: ClassVar[bool] = False
    #: The rights that the platform's credentials need for it, by GitHub's names: `issues`, `write`.
    permissions: ClassVar[Mapping[str, str]] = {}
    #: Doing it twice is the same as doing it once, so a crash needs no search afterwards.
    idempotent: ClassVar[bool] = False
    #: It edits what an earlier one of its flow made there.
    edits: ClassVar[bool] = False
    #: The arguments that are written exactly as they are, such as the content of a file.
    verbatim: ClassVar[frozenset[str]] = frozenset()
    #: It only shows how a run stands: it is no effect, and nothing records it.
    passing: ClassVar[bool] = False
    #: Nobody sees it, so it is done in a preview too.
    unseen: ClassVar[bool] = False

    @property
    @abstractmethod
    def target(self) -> Target: ...

    @property
    @abstractmethod
    def arguments(self) -> Json:
        """The content as plain JSON; part of the effect's key."""

    @property
    def weight(self) -> int:
        """How much of the flow's limit this uses, such as the number of labels."""
        return 1

    @property
    def wakes(self) -> str | None:
        """The type of the event that it lets come later, a timer of the flow; None for all else."""
        return None

    def signed(self, footer: str) -> Self:
        """Add a small footer (flow, model, cost, run) where people will read it."""
        return self

    def drafted(self, text: str) -> "Action | None":
        """Return the action that shows `text` as an unfinished version of this one, or removes that
        version when `text` is empty; None where people cannot watch it grow.

        Performed with the receipt of the draft as `previous`, this action takes its place.
        """
        return None

    @classmethod
    def at_most(cls, limit: int) -> "Permission":
        """Allow it in the place of the event."""
        return Permission(cls, limit)

    @classmethod
    def on(cls, *places: str, limit: int) -> "Permission":
        """Allow it in these places alone: `acme/shop`, `acme/*`, `#releases`, a channel's id, or
        CONFIGURED. A schedule spreads over them. Raises SettingsError for what is no place."""
        return Permission(cls, limit, scopes(cls.connector, places))

    @classmethod
    def shown(cls, event: Event, state: str) -> Sequence["Action"]:
        """Return the actions that show how the run for `event` stands, to people who look: at its
        beginning with an empty `state`, and when it ends in one."""
        return ()

    @classmethod
    def presence(cls, event: Event, standing: str) -> "Action | None":
        """Return the action that shows people who wait how the run for `event` stands: that it
        `works`, that it `waits`, that it `answered`, or that it is `over` without an answer."""
        return None

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        """Return the action that tells the person who caused `event` why no answer came, or None if
        this kind cannot."""
        return None

    def retried(self, run: str) -> Self:
        """Add what lets a person try the failed `run` again, where the platform has that."""
        return self

    @classmethod
    def aside(cls, event: Event, name: str, text: str) -> "Action | None":
        """Return the action that tells something beside the flow's own answers, in one place for
        each `name`: what is written there replaces no answer that others read."""
        return cls.notice(event, text)

    @classmethod
    def withdrawn(cls, event: Event, name: str) -> "Action | None":
        """Return the action that takes away what `aside` told under this `name`, or None where it
        stays."""
        return None


class Permission(NamedTuple):
    """A line of a flow's policy: this action, at most so much in a run, in the place of the event.

    `places` are the scopes where it is allowed instead; None allows all.
    """

    action: type[Action]
    limit: int
    places: frozenset[str] | None = frozenset()


class Mark(NamedTuple):
    """The mark that an adapter hides in its work to find it again: the effect's key, the flow, the
    causal depth. `hosts` are not part of it: links to them may stay links."""

    key: str
    flow: str
    depth: int
    hosts: frozenset[str] = frozenset()


class Query(ABC):
    """A question to a platform, as a frozen value."""

    connector: ClassVar[str]
    #: As those of an action.
    permissions: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def scope(self) -> str: ...

    @property
    @abstractmethod
    def arguments(self) -> Json: ...

    @classmethod
    def on(cls, *places: str) -> "Reading":
        """Allow it about these places, named as those of an action."""
        return Reading(cls, scopes(cls.connector, places))


class Reading(NamedTuple):
    """A query that a flow may ask about these places besides that of its event."""

    query: type[Query]
    places: frozenset[str]


class Adapter(Protocol):
    """One platform. Every method raises ActionUnavailable or ActionRejected and nothing else."""

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Do it. `previous` is the receipt of the same flow's last action of this kind at the same
        target, for actions that edit in place."""
        ...

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look for the effect `mark.key` at the target. Raises EffectUnknown when it could exist
        unseen."""
        ...

    def read(self, query: Query) -> Any:
        """Answer a query with plain JSON."""
        ...


def label_of(event: Event) -> str:
    """Return the label that gave the command of this event; '' for all other events."""
    is_given = ".command." in event.type and event.payload.get("action") == "labeled"
    return event.need("label", "name") if is_given else ""
