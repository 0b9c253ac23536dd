"""Reads what was chosen, and what came of it: the examples that policies learn from.

They are read from the journal anew each time, so a reward function that changed, feedback that came
late and feedback that was withdrawn count at once.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from shared.choosing import Arm, Chances, Context, bucket_of, named
from shared.database import Database, Row, Statement, queries
from shared.learning.choices.voices import bounded_voices
from shared.learning.rewards import RewardSum, RunResult, RunSignal, complaint

SQL = queries(__file__, "examples.sql")


class Example(NamedTuple):
    """One choice and what came of its run; the runs of a plan are one, with the plan's name.
    `chances` are those of all arms when it was made; `weight` is how much it counts; `people` are
    those who said something of it."""

    run: str
    at: float
    context: Context
    arms: tuple[Arm, ...]
    place: int
    chances: tuple[float, ...]
    version: int
    reward: float
    cost: float = 0.0
    seconds: float = 0.0
    complaint: float = 0.0
    people: tuple[str, ...] = ()
    weight: float = 1.0
    repository: str = ""

    @property
    def arm(self) -> Arm:
        return self.arms[self.place]

    @property
    def name(self) -> str:
        return named(self.arm)

    @property
    def bucket(self) -> str:
        return bucket_of(self.context)

    @property
    def probability(self) -> float:
        return self.chances[self.place]

    def under(self, chances: Chances) -> tuple[float, ...]:
        """Return the probability of each arm under these chances."""
        return chances.of(self.context, self.arms)


def read_examples(
    database: Database,
    tenant: str,
    flow: str,
    choice: str,
    rewards: RewardSum,
    *,
    until: float | None = None,
    most: int = 20_000,
) -> list[Example]:
    """Return the newest choices of this name whose runs ended before `until`, in seconds since the
    epoch: until then people had time to say something. The oldest comes first."""
    values = {"tenant": tenant, "flow": flow, "choice": choice, "until": until, "most": most}
    rows = database.run(tenant, [Statement(SQL["examples"], values)])[0]
    said = [tuple(RunSignal(*one) for one in row["signals"] or ()) for row in rows]
    pairs = zip(rows, bounded_voices(_bounded_in_each(rows, said)), said, strict=True)
    return [_example(row, signals, people_of(all_), rewards) for row, signals, all_ in pairs]


def _bounded_in_each(
    rows: Sequence[Row], said: Sequence[tuple[RunSignal, ...]]
) -> list[tuple[RunSignal, ...]]:
    """Bound people's voices in each context: what is learnt of it is learnt apart, so nobody alone
    may turn it, though many others speak elsewhere."""
    of_bucket: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        of_bucket[bucket_of(row["choice"]["context"])].append(number)
    found = [*said]
    for numbers in of_bucket.values():
        bounded = bounded_voices([said[number] for number in numbers])
        for number, signals in zip(numbers, bounded, strict=True):
            found[number] = signals
    return found


def _example(
    row: Row, signals: tuple[RunSignal, ...], people: tuple[str, ...], rewards: RewardSum
) -> Example:
    made = row["choice"]
    result = RunResult(signals, row["cost"], row["seconds"], row["ended"])
    arms = tuple(made["options"])
    return Example(
        row["run"],
        row["at"],
        made["context"],
        arms,
        [*map(named, arms)].index(named(made["chosen"])),
        tuple(made["chances"]),
        made["version"],
        rewards(result),
        result.cost,
        result.seconds,
        complaint(result),
        people,
        repository=row["repository"],
    )


def people_of(signals: Sequence[RunSignal]) -> tuple[str, ...]:
    """Name the people whose word counts."""
    return tuple(sorted({one.actor for one in signals if one.actor and one.weight > 0}))
