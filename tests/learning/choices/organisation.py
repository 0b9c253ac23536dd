"""A simulated organisation: runs choose, and people with hidden preferences like it or do not."""

import json
import random
from collections.abc import Mapping, Sequence

import psycopg

from shared.canonical import canonical
from shared.choosing import Arm, PolicyInUse, drawn, recorded
from shared.database import Database, Statement
from shared.events import Event, Json, run_id
from shared.journal import Journal, Outcome, Run
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
_ROWS = "jsonb_to_recordset(%(rows)s::jsonb) as t"
#: What each run after the first has otherwise than the first; its choice was made a little later.
_COPIES = (
    f"""\
insert into events select (jsonb_populate_record(e, t.event)).*
from events as e, {_ROWS}(event jsonb) where e.tenant = %(tenant)s and e.id = %(event)s""",
    f"""\
insert into runs select (jsonb_populate_record(r, t.run)).*
from runs as r, {_ROWS}(run jsonb) where r.tenant = %(tenant)s and r.id = %(run)s""",
    f"""\
insert into steps overriding user value
select (jsonb_populate_record(s, case s.name when 'ask' then t.ask else t.choice end
  || jsonb_build_object('started_at', s.started_at + t.number * interval '1 microsecond'))).*
from steps as s, {_ROWS}(ask jsonb, choice jsonb, number int)
where s.tenant = %(tenant)s and s.run_id = %(run)s order by t.number, s.seq""",
    f"""\
insert into signals select (jsonb_populate_record(s, t.signal)).*
from signals as s, {_ROWS}(signal jsonb) where s.tenant = %(tenant)s and s.run_id = %(run)s""",
)
#: As autovacuum does; without, each reading of the examples takes seconds.
_ANALYZE = "analyze events, runs, steps, signals"
_SHOUT = """\
insert into signals (tenant, key, run_id, flow, kind, value, actor, weight, at)
select tenant, run_id || ' ' || %(actor)s, run_id, 'triage', 'disliked', -1, %(actor)s, %(weight)s,
  now() from steps
where tenant = %(tenant)s and name = 'choice' and %(of)s in ('', choice ->> 'chosen')"""


class Organisation:
    """Lives its runs one after the other; the same seed lives the same."""

    def __init__(
        self, database: Database, owner_url: str, seed: int, *, costs: Sequence[float] = COSTS
    ) -> None:
        self.database = database
        self._owner_url = owner_url
        self.tastes: Mapping[str, Sequence[float]] = TASTES
        self.speaking: Sequence[str] = _PEOPLE
        self.taken: list[bool] = []
        self._costs = costs
        self._random = random.Random(seed)
        self._journal = Journal(database)
        self._seed = seed

    def live(self, runs: int) -> float:
        """Live so many runs, and return the share that people took. The first is a real one; the
        others, which choose by the same policy, are copies of its rows with what differs."""
        run, row = self._run()
        policy = run.policies.get(CHOICE)
        copies = [self._copy(policy, number) for number in range(1, runs)]
        values = {"tenant": TENANT, "run": run.id, "event": row["event"]["id"]}
        for at in range(0, len(copies), 100):
            rows = {"rows": json.dumps(copies[at : at + 100])}
            self.database.run(TENANT, [Statement(sql, values | rows) for sql in _COPIES])
        with psycopg.connect(self._owner_url, autocommit=True) as owner:
            owner.execute(_ANALYZE)
        return sum(self.taken[-runs:]) / runs

    def _event(self) -> Event:
        number, place = len(self.taken), self._random.choice(sorted(self.tastes))
        return an_event(
            id=f"github:{self._seed}-{number}",
            tenant=TENANT,
            conversation=f"github:{place}#{number}",
        )

    def _run(self) -> tuple[Run, Json]:
        event = self._event()
        run = self._journal.claim(event, FLOW, 60)
        assert run
        at = choose(run, CHOICE, ARMS, _context(event))
        paid = Outcome("", "small", 10, 10, cost=self._costs[at])
        run.step("ask", {}, lambda: paid, defer=True)
        row = self._lived(event, run.id, at)
        names = {"tenant": TENANT, "run": run.id, "flow": FLOW}
        run.finish("done", statements=[Statement(_SIGNAL, names | row["signal"])])
        return run, row

    def _lived(self, event: Event, run: str, at: int) -> Json:
        """Return what a run's rows have of its own, by table, once somebody spoke of arm `at`."""
        liked = self._random.random() < self.tastes[_context(event)["repository"]][at]
        self.taken.append(liked)
        kind, value = ("accepted", 1.0) if liked else ("dismissed", -1.0)
        who = self._random.choice(list(self.speaking))
        said = {"actor": who, "kind": kind, "value": value, "weight": 1.0, "key": f"{run} 0"}
        return {
            "event": {"id": event.id, "conversation": event.conversation},
            "run": {"id": run, "event_id": event.id},
            "ask": {"run_id": run, "cost": self._costs[at]},
            "signal": said | {"run_id": run},
        }

    def _copy(self, policy: PolicyInUse | None, number: int) -> Json:
        """Return what a later run's rows have of their own: it draws as `choose` does."""
        event = self._event()
        run, context = run_id(event, FLOW), _context(event)
        about = {"name": CHOICE, "arms": [*ARMS], "context": context}
        chances = policy.chances.of(context, ARMS) if policy else (1.0, 0.0, 0.0)
        at = drawn(chances, f"{run} 0 {canonical(about)}")
        version = policy.version if policy else 0
        made = recorded(CHOICE, ARMS, at, chances, context=context, version=version)
        output = {"chosen": ARMS[at], "place": at}
        choice = {"run_id": run, "input": about, "output": output, "choice": made}
        return self._lived(event, run, at) | {"choice": choice, "number": number}

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
            sum(p * t for p, t in zip(chances.of({"repository": place}, ARMS), tastes, strict=True))
            for place, tastes in self.tastes.items()
        ]
        return sum(found) / len(found)


def _context(event: Event) -> dict[str, str]:
    return {"repository": event.conversation.partition(":")[2].partition("#")[0]}
