"""What a certification covered, and where something was lost or doubled."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from infra.certify.world import Seen

#: What is done to a flow.
Trial = Literal["calm", "killed", "twice", "answer lost"]
#: What is wrong with what it leaves.
Wrong = Literal["lost", "doubled", "otherwise"]

TRIALS: tuple[Trial, ...] = ("calm", "killed", "twice", "answer lost")
WRONGS: tuple[Wrong, ...] = ("lost", "doubled", "otherwise")

ADVICE = (
    "Make the flow depend on its event and its recorded steps only. Take the time from"
    " event.received_at. What needs the clock, chance, a file or another machine belongs into a"
    " @tool or an agent.read(…), whose answers are recorded. Walk through sorted(…) of a set."
)


class Fault(NamedTuple):
    """What was wrong after a trial, and where in the run it was made."""

    trial: Trial
    where: str
    wrong: Wrong
    what: str


@dataclass
class Report:
    flow: str
    event: str
    #: The boundaries of a run that nothing disturbs.
    boundaries: list[str] = field(default_factory=list)
    trials: Counter[Trial] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    #: Where the flow asks the clock, chance, a file, or another machine.
    asked: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.faults and not self.asked

    @property
    def is_idle(self) -> bool:
        """True when the flow did nothing with the event but begin and end."""
        return not any("step" in label or "intent" in label for label in self.boundaries)

    @property
    def depends_on_more(self) -> bool:
        """True when the flow depends on more than its event and its steps."""
        return bool(self.asked) or any(fault.wrong == "otherwise" for fault in self.faults)

    def count(self, trial: Trial, wrong: Wrong) -> int:
        """Count the trials of a kind after which something was wrong in this way."""
        found = (one for one in self.faults if (one.trial, one.wrong) == (trial, wrong))
        return len({fault.where for fault in found})


def differences(calm: Seen, seen: Seen) -> Iterator[tuple[Wrong, str]]:
    """Tell what is lost and doubled; what has only changed is there otherwise."""
    lost, doubled = list((calm - seen).elements()), list((seen - calm).elements())
    for thing in lost:
        other = next((one for one in doubled if _heading(one) == _heading(thing)), None)
        if other is None:
            yield "lost", thing
        else:
            doubled.remove(other)
            yield "otherwise", f"{other} in place of {thing}"
    yield from (("doubled", thing) for thing in doubled)


def unequal(steps: Iterable[str]) -> Iterator[tuple[Wrong, str]]:
    """Tell which recorded steps a later attempt did not come by."""
    for step in sorted(set(steps)):
        yield "otherwise", f"step {step} was recorded, and a later attempt went another way"


def _heading(thing: str) -> str:
    return thing.partition(":")[0]
