"""Taking back: what an effect did as a value, and the action that takes it back.

The line of an action in the table of its platform says what takes it back. That looks at the place
first: what people changed or built upon since stays.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from shared.actions import Action, Mark, Permission, Receipt
from shared.errors import ActionRejected
from shared.events import Json
from shared.frozen import frozen

S = TypeVar("S")

#: Seconds by which the platform's clock and the database's may differ.
_SKEW = 120.0


class PastEffect(NamedTuple):
    """An effect that was committed, of the kind `tool` at the target `ref`.

    It was done between `since` and `until`, and is taken back since `asked_at`, in seconds since
    the epoch. `keys` are those of all effects of its run of this kind at this target. `before` are
    the key and the arguments of what another run made of the same thing earlier; `is_replaced` says
    that one did later. `aside` names messages that are no answer to it: commands.
    """

    key: str
    run: str
    flow: str
    tool: str
    ref: str
    arguments: Json
    receipt: Json
    since: float
    until: float
    asked_at: float
    keys: tuple[str, ...] = ()
    before: Json | None = None
    is_replaced: bool = False
    aside: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The place, by its platform alone: only a recorded effect is ever taken back."""
        return "past"

    @property
    def made(self) -> Receipt:
        return Receipt(**self.receipt)

    @property
    def data(self) -> Json:
        return self.made.data or {}

    def argument(self, name: str) -> Any:
        """Return what it was told to do; raises ActionRejected once somebody had that forgotten."""
        if name not in self.arguments:
            raise ActionRejected("what it did exactly was forgotten")
        return self.arguments[name]

    def stands(self, key: str, flow: str) -> bool:
        """Is what bears this mark still the effect's? What has a name is edited without effects,
        as the message of a plan is while it goes on."""
        is_edited = "name" in self.arguments and flow == self.flow
        return not self.is_replaced and (key in self.keys or is_edited)

    def may_have(self, at: float) -> bool:
        """Could the effect, or taking it back, have done what happened then?"""
        return self.since - _SKEW <= at <= self.until + _SKEW or at >= self.asked_at - _SKEW


class TakenBack(NamedTuple):
    """What became of it: `said` tells people, as a sentence without its full stop. Nothing of it
    `is_left` when it is as it was before. `changed` names labels, people and branches."""

    said: str
    is_left: bool = False
    changed: tuple[str, ...] = ()


#: What deletes one comment when it is taken back.
_COMMENTS = frozenset({"Comment", "NamedComment", "ReplyOnLines"})


def left(said: str) -> TakenBack:
    return TakenBack(said, is_left=True)


#: Takes an effect back on a platform, or says why it stays; or says why none of its kind can.
TakingBack = Callable[[S, PastEffect, Mark], TakenBack] | str


@frozen
class TakeBack(Action):
    """Take back an effect that the journal has. A second time changes nothing."""

    idempotent = True
    effect: PastEffect

    @property
    def target(self) -> PastEffect:
        return self.effect

    @property
    def arguments(self) -> Json:
        """Name the effect, and what events will name of the change; not a milestone, which it
        leaves. See shared/perception/deeds.py."""
        told = {name: self.effect.arguments.get(name, []) for name in ("labels", "people")}
        told["comments"] = [one["id"] for one in self.effect.data.get("comments", ())]
        if self.effect.tool in _COMMENTS:
            told["comments"] = [int(self.effect.made.id)]
        about = {"effect": self.effect.key, "run": self.effect.run, "tool": self.effect.tool}
        return about | {"made": self.effect.made.id} | {k: v for k, v in told.items() if v}

    @classmethod
    def at_most(cls, limit: int) -> Permission:
        """Allow it wherever the effect was: nothing but what is recorded is ever taken back."""
        return Permission(cls, limit, None)


class TakeBackOnGitHub(TakeBack):
    connector: ClassVar[str] = "shared.actions.github:connect_to_take_back"
    permissions: ClassVar[Mapping[str, str]] = {
        "contents": "write",
        "issues": "write",
        "pull_requests": "write",
    }

    @property
    def target(self) -> PastEffect:
        """What was opened in a repository has its number there."""
        effect = self.effect
        is_opened = "#" not in effect.ref and " " not in effect.ref
        return effect._replace(ref=f"{effect.ref}#{effect.made.id}") if is_opened else effect


class TakeBackOnSlack(TakeBack):
    connector: ClassVar[str] = "shared.actions.slack:connect"
