"""Actions as values, and what an adapter offers so that each becomes an effect exactly once.

An action says what should be done and where. It can be previewed, limited, deduplicated and
compared before it touches the world. What performs it lives behind `Adapter`, one per platform.
"""

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from shared.events import Event, Json

if TYPE_CHECKING:
    from shared.settings import Settings


class Target(Protocol):
    """Where an action lands. `ref` names it exactly; `scope` names the repository or channel that
    holds it."""

    @property
    def ref(self) -> str: ...

    @property
    def scope(self) -> str: ...


class Receipt(NamedTuple):
    """What the platform answered: the id and the address of what now exists, and the adapter's own
    fields."""

    id: str
    url: str = ""
    data: Json | None = None

    def to_json(self) -> Json:
        return self._asdict()


class Action(Protocol):
    """What should be done, as a frozen value."""

    #: Doing it twice is the same as doing it once, so nothing needs to be looked up after a crash.
    idempotent: ClassVar[bool]

    @staticmethod
    def connect(settings: "Settings") -> "Adapter":
        """Build the adapter; loads the platform's SDK only now, so that a bundle holds no other."""
        ...

    @property
    def target(self) -> Target: ...

    @property
    def weight(self) -> int:
        """How much of the flow's limit this uses: 1 for a comment, the number of labels for
        labels."""
        ...

    @property
    def arguments(self) -> Json:
        """What is done, as plain JSON; part of the effect's key."""
        ...

    def signed(self, footer: str) -> Self:
        """The same with a small footer (flow, model, cost, run), where people will read it."""
        ...

    def drafted(self, text: str) -> "Action | None":
        """The action that shows `text` as what there is of this one so far, or takes that away when
        `text` is empty; None where nobody can watch it grow.

        Performed with the receipt of the draft as `previous`, this action takes its place.
        """
        ...

    @classmethod
    def at_most(cls, limit: int) -> "Permission": ...

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        """The action that tells the person who caused `event` why nothing came, or None if this
        kind cannot."""
        ...


class Permission(NamedTuple):
    """A line of a flow's policy: this action, at most so much in one run, where the event came
    from.

    `places` are the scopes besides that one in which it may be done too; None is anywhere.
    """

    action: type[Action]
    limit: int
    places: frozenset[str] | None = frozenset()


class Mark(NamedTuple):
    """What an adapter hides in what it makes, to find it again: the effect's key, the flow, the
    causal depth."""

    key: str
    flow: str
    depth: int


class Query(Protocol):
    """What should be read from a platform, as a frozen value."""

    @staticmethod
    def connect(settings: "Settings") -> "Adapter": ...

    @property
    def scope(self) -> str: ...

    @property
    def arguments(self) -> Json: ...


class Adapter(Protocol):
    """One platform. Every method raises ActionUnavailable or ActionRejected and nothing else."""

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Do it. `previous` is what the same flow made at the same target before, for actions that
        edit in place."""
        ...

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look at the target whether the effect `mark.key` is there. Raises EffectUnknown when that
        cannot be told."""
        ...

    def read(self, query: Query) -> Any:
        """Answer a query of this platform's module with plain JSON."""
        ...
