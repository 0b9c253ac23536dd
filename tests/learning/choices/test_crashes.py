"""A command that dies at any boundary leaves a policy that works, and can be given again."""

from collections.abc import Callable, Sequence

import pytest

from shared.choosing import Chances
from shared.database import Database, Row, Statement
from shared.errors import SettingsError
from shared.learning.choices.examples import Example
from shared.learning.choices.trials import Trials
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import PolicyState, PolicyStore
from tests.learning.evaluation.worlds import ARMS, BOUNDS, chances, logged

UNIFORM = chances(*[(0.4, 0.3, 0.3)] * 3)
COMMANDS: dict[str, Callable[[Trials], object]] = {
    "make": lambda trials: trials.make("thompson", Tuning(ARMS)),
    "explore": lambda trials: trials.explore(0.2),
    "update": lambda trials: trials.update(),
    "promote": lambda trials: trials.promote(),
    "hold": lambda trials: trials.hold(),
    "withdraw": lambda trials: trials.withdraw("github:acme/shop"),
}


class DyingDatabase(Database):
    """Dies before or after its transaction of a number, counted from 1."""

    def __init__(self, inner: Database, at: int, *, after: bool) -> None:
        super().__init__("host=nowhere")
        self._inner, self._left, self._after = inner, at, after

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise KeyboardInterrupt
        rows = self._inner.run(tenant, statements)
        if self._left == 0:
            raise KeyboardInterrupt
        return rows


def trials_of(database: Database, examples: Sequence[Example]) -> Trials:
    store = PolicyStore(database, "acme", "triage", "model", "ada")
    return Trials(store, BOUNDS, examples)


def counts(database: Database) -> tuple[PolicyState | None, dict[int, Chances]]:
    store = PolicyStore(database, "acme", "triage", "model", "ada")
    return store.state(), {number: one.chances for number, one in store.versions().items()}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_command_is_done_or_not_and_can_be_given_again(
    database: Database, after: bool
) -> None:
    examples = logged(lambda _: UNIFORM, 60, 1)
    for name, command in COMMANDS.items():
        at, died = 1, True
        while died:
            dying = DyingDatabase(database, at, after=after)
            try:
                command(trials_of(dying, examples))
                died = False
            except KeyboardInterrupt:
                at += 1
            except SettingsError:
                died = False  # it was done by the one that died: nothing is left to do
            state, known = counts(database)
            if state:
                assert {state.in_force, state.in_use} <= known.keys(), name
                for context in ({"kind": "bug"}, {"kind": "never seen"}):
                    assert sum(known[state.in_use].of(context, ARMS)) == pytest.approx(1)
        assert at > 1, name
