"""Desks: the agent lends one to each flow that needs more than every author does.

A desk is a class with `lend`. Adding one changes neither the agent nor the composition root.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from shared.errors import PolicyError
from shared.journal import Outcome, Run

T = TypeVar("T")


class Services:
    """The services of one process, by class; each is built when it is first asked for."""

    def __init__(self, builders: Mapping[type, Callable[[], Any]]) -> None:
        self._builders = builders
        self._built: dict[type, Any] = {}

    def __getitem__(self, kind: type[T]) -> T:
        """Return a service of the composition root; raises KeyError when it builds none such."""
        return self.get(kind, self._builders[kind])

    def get(self, kind: type[T], make: Callable[[], T]) -> T:
        """Return a service that `make` builds, unless the composition root does."""
        if kind not in self._built:
            self._built[kind] = self._builders.get(kind, make)()
        built: T = self._built[kind]
        return built


class Preview:
    """What a run would do: while it `is_on`, its actions are kept here and not performed."""

    def __init__(self) -> None:
        self.is_on = False
        self.actions: list[Any] = []


def _acts_not(action: object) -> object:
    raise PolicyError(f"this desk was lent without leave to act: {type(action).__name__}")


def _unproved(repository: str, by: str) -> bool:
    return True


def _governs_not() -> bool:
    return False


class MayWrite(Protocol):
    """Tells if the person may write in the place of the event, or to a repository from there."""

    def __call__(self, repository: str = "", /) -> bool: ...


class Loan(NamedTuple):
    """The means of a desk for one run.

    `seconds_left` tells how long it may work. `read` asks a platform a query within the flow's
    policy, and records nothing. `may_write` tells if the person who caused the run may write there,
    or to a repository; `may_as_proved` the same of a GitHub account alone, where one is proved;
    `may_govern` if they may change what counts in the whole organisation or workspace.
    `named` puts people's names in place of their Slack ids. `act` does as `Agent.act`, unless the
    run is only a `preview`.
    """

    run: Run
    services: Services
    seconds_left: Callable[[], float]
    read: Callable[[Any], Any]
    may_write: MayWrite
    named: Callable[[str], str] = str
    act: Callable[[Any], Any] = _acts_not
    preview: Preview = Preview()
    may_as_proved: Callable[[str, str], bool] = _unproved
    may_govern: Callable[[], bool] = _governs_not

    def is_quiet(self) -> bool:
        """Did people pause the agent here before the run began? A retry hears the same."""
        return bool(self.run.step("quiet", {}, lambda: Outcome(self.run.quiet), defer=True))


class Desk(Protocol):
    """A capability that few flows use."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Build the desk for one run."""
        ...
