"""A simulated organisation: runs choose, and people with hidden preferences like it or do not."""

import random
from collections.abc import Mapping, Sequence

from shared.choosing import Arm, Context
from shared.database import Database, Statement
from shared.journal import Journal, Outcome
from shared.learning.choices.desk import choose
from shared.learning.choices.examples import Example, read_examples
from shared.learning.choices.trials import Trials
from shared.learning.choices.versions import PolicyStore
from shared.learning.evaluation.estimators import RewardBounds
from shared.learning.rewards import RewardSum, accepted, dismissed
from tests.events.made import an_event

TENANT, FLOW, CHOICE = "acme", "triage", "related issues"
ARMS: tuple[Arm, ...] = (5, 3, 8)
REWARDS = RewardSum((accepted, dismissed))
#: How probable it is that people of a repository take what an arm does: they like other arms than
#: the default.
TASTES = {"acme/shop": (0.35, 0.85, 0.2), "acme/docs": (0.3, 0.25, 0.8)}
#: The dollars of a run with each arm.
COSTS = (0.01, 0.01, 0.01)
_PEOPLE = ("ada", "li", "maria", "noor", "sam")
_SIGNAL = """\
insert into signals (tenant, key, run_id, flow, kind, value, actor, weight, at)
values (%(tenant)s, %(key)s, %(run)s, %(flow)s, %(kind)s, %(value)s, %(actor)s, %(weight)s,
  now())"""
_SHOUT = """\
insert into signals (tenant, key, run_id, flow, kind, value, actor, weight, at)
select tenant, run_id || ' ' || %(actor)s, run_id, 'triage', 'disliked', -1, %(actor)s, %(weight)s,
  now() from steps
where tenant = %(tenant)s and name = 'choice' and %(of)s in ('', choice ->> 'chosen')"""


class Organisation:
    """Lives its runs one after the other; the same seed lives the same."""

    def __init__(self, database: Database, seed: int, *, costs: Sequence[float] = COSTS) -> None:
        self.database = database
        self.tastes: Mapping[str, Sequence[float]] = TASTES
        self.speaking: Sequence[str] = _PEOPLE
        self.taken: list[bool] = []
        self._costs = costs
        self._random = random.Random(seed)
        self._journal = Journal(database)
        self._seed = seed

    def live(self, runs: int) -> float:
        """Live so many runs, and return the share that people took."""
        for _ in range(runs):
            self._run()
        return sum(self.taken[-runs:]) / runs

    def _run(self) -> None:
        number, place = len(self.taken), self._random.choice(sorted(self.tastes))
        event = an_event(
            id=f"github:{self._seed}-{number}",
            tenant=TENANT,
            conversation=f"github:{place}#{number}",
        )
        run = self._journal.claim(event, FLOW, 60)
        assert run
        at = choose(run, CHOICE, ARMS, {"repository": place})
        paid = Outcome("", "small", 10, 10, cost=self._costs[at])
        run.step("ask", {}, lambda: paid, defer=True)
        liked = self._random.random() < self.tastes[place][at]
        self.taken.append(liked)
        who = self._random.choice(list(self.speaking))
        said = ("accepted", 1.0) if liked else ("dismissed", -1.0)
        signals = [(who, *said, 1.0)]
        rows = [
            {"actor": actor, "kind": kind, "value": value, "weight": weight, "key": f"{run.id} {n}"}
            for n, (actor, kind, value, weight) in enumerate(signals)
        ]
        names = {"tenant": TENANT, "run": run.id, "flow": FLOW}
        run.finish("done", statements=[Statement(_SIGNAL, names | row) for row in rows])

    def shout(self, actor: str, weight: float, of: str) -> None:
        """Let somebody dislike each run whose arm is named so; all where that is empty."""
        values = {"tenant": TENANT, "actor": actor, "weight": weight, "of": of}
        self.database.run(TENANT, [Statement(_SHOUT, values)])

    @property
    def examples(self) -> list[Example]:
        return read_examples(self.database, TENANT, FLOW, CHOICE, REWARDS)

    @property
    def store(self) -> PolicyStore:
        return PolicyStore(self.database, TENANT, FLOW, CHOICE, "ada")

    @property
    def trials(self) -> Trials:
        return Trials(self.store, RewardBounds(REWARDS.low, REWARDS.high), self.examples)

    def expected(self) -> float:
        """Return how probable it is that people take what the version in use does."""
        state = self.store.state()
        assert state
        chances = self.store.versions()[state.in_use].chances
        found = [
            sum(p * t for p, t in zip(chances.of(_at(place), ARMS), tastes, strict=True))
            for place, tastes in self.tastes.items()
        ]
        return sum(found) / len(found)


def _at(place: str) -> Context:
    return {"repository": place}
