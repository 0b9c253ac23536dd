"""Dispatches actions and queries by the table of a platform: one line for each kind."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, NamedTuple, Self, TypeVar

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.past import PastEffect, TakeBack, TakingBack, left
from shared.actions.secrets_kept_out import masked
from shared.errors import ActionRejected
from shared.events import Event

S = TypeVar("S")
#: Answers a query with plain JSON.
Answering = Callable[[S, Any], Any]


class Handling(NamedTuple, Generic[S]):
    """The functions that perform an action, that take it back, or why nothing can, and that find it
    by its mark unless it is idempotent."""

    perform: Callable[[S, Any, Mark, Receipt | None], Receipt]
    take_back: TakingBack[S]
    find: Callable[[S, Any, Mark], Receipt | None] | None = None


class TableAdapter(Generic[S]):
    """Calls the functions of a table with the session of its platform. Threads may share it.

    `more_answers` imports what few flows need, on first use.
    """

    def __init__(
        self,
        platform: str,
        session: S | None,
        actions: Mapping[type[Action], Handling[S]],
        answers: Mapping[type[Query], Answering[S]],
        more_answers: Callable[[], Mapping[type[Query], Answering[S]]] = dict,
    ) -> None:
        self._platform = platform
        self._bound = session
        self._actions = actions
        self._answers = answers
        self._import_more_answers = more_answers

    @property
    def _session(self) -> S:
        if self._bound is None:
            raise ActionRejected(f"{self._platform}: no workspace or account is chosen")
        return self._bound

    def within(self, event: Event) -> Self:
        """Return the adapter as it acts for what happened in `event`."""
        return self

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if isinstance(action, TakeBack):
            return self._take_back(action.effect, mark)
        return self._handling(action).perform(self._session, masked(action), mark, previous)

    def _take_back(self, effect: PastEffect, mark: Mark) -> Receipt:
        named = {kind.__name__: handling for kind, handling in self._actions.items()}
        if effect.tool not in named:
            raise ActionRejected(f"{self._platform}: nothing takes back {effect.tool}")
        take_back = named[effect.tool].take_back
        if isinstance(take_back, str):
            taken = left(take_back)
        else:
            taken = take_back(self._session, effect, mark)
        return Receipt(effect.key, data=taken._asdict())

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look for the effect; an idempotent one is never looked for, since it is done again."""
        find = self._handling(action).find
        return find(self._session, action, mark) if find else None

    def read(self, query: Query) -> Any:
        kind = type(query)
        answer = self._answers.get(kind) or self._more_answers.get(kind)
        if answer is None:
            raise self._unknown(query)
        return answer(self._session, query)

    @cached_property
    def _more_answers(self) -> Mapping[type[Query], Answering[S]]:
        return self._import_more_answers()

    def _handling(self, action: Action) -> Handling[S]:
        handling = self._actions.get(type(action))
        if handling is None:
            raise self._unknown(action)
        return handling

    def _unknown(self, wanted: Action | Query) -> ActionRejected:
        name = type(wanted).__name__
        return ActionRejected(f"{self._platform}: {name} has no line in the table of its adapter")
