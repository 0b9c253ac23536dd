"""In a simulated organisation a policy learns, is tried before it is trusted, follows people, and
is moved by nobody else."""

from collections.abc import Callable
from functools import partial

import pytest

from shared.choosing import bucket_of
from shared.database import Database, Statement
from shared.errors import SettingsError
from shared.learning.choices.learners import learnt
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import LogEntry
from tests.campaigns import size
from tests.learning.choices.organisation import ARMS, TASTES, TENANT, Organisation

#: Makes an organisation of a seed in the test's database.
Organised = Callable[..., Organisation]
TUNING = Tuning(ARMS, share=0.2, half_life=150)


def curve(organisation: Organisation, runs: int, batch: int = 50) -> list[float]:
    """Live in batches; after each, learn, and promote what is surely better."""
    points = []
    for _ in range(runs // batch):
        points.append(organisation.live(batch))
        trials = organisation.trials
        trials.update()
        state = organisation.store.state()
        if state and state.candidate:
            organisation.trials.promote()
    return points


@pytest.fixture
def organised(database: Database, database_url: str) -> Organised:
    return partial(Organisation, database, database_url)


def tried(organised: Organised, seed: int, kind: str = "thompson") -> Organisation:
    organisation = organised(seed)
    organisation.trials.make(kind, TUNING)
    organisation.trials.explore(0.2)
    return organisation


@pytest.mark.parametrize(
    ("kind", "seed", "runs"), [("thompson", 1, size(500, 300)), ("epsilon-greedy", 2, 500)]
)
def test_acceptance_rises_by_half_and_a_flip_is_followed(
    organised: Organised, kind: str, seed: int, runs: int
) -> None:
    organisation = tried(organised, seed, kind)
    fixed = sum(tastes[0] for tastes in TASTES.values()) / len(TASTES)
    points = curve(organisation, runs)
    log = organisation.store.log()
    assert [row["action"] for row in log].count("promoted") == 1
    reached = organisation.expected()
    print(f"{kind}: fixed {fixed:.2f}; " + " ".join(f"{one:.2f}" for one in points))
    assert reached >= 1.5 * fixed
    assert sum(points[-3:]) / 3 >= 1.5 * fixed
    organisation.tastes = {"acme/shop": TASTES["acme/docs"], "acme/docs": TASTES["acme/shop"]}
    flipped = organisation.expected()
    points = curve(organisation, size(200, 100), 25)
    print(f"flipped {flipped:.2f}: " + " ".join(f"{one:.2f}" for one in points))
    assert organisation.expected() >= 1.5 * fixed > flipped


def test_what_is_no_better_is_held(organised: Organised) -> None:
    organisation = organised(3)
    organisation.tastes = {place: (0.5, 0.5, 0.5) for place in TASTES}
    organisation.trials.make("thompson", TUNING)
    with pytest.raises(SettingsError, match="no version 9"):
        organisation.trials.roll_back(9)
    organisation.trials.explore(0.2)
    organisation.live(150)
    ruling = organisation.trials.promote()
    assert not ruling.promoted
    assert "not surely better" in ruling.evaluation.why_not
    assert organisation.store.log()[0]["action"] == "held"
    organisation.trials.hold()
    state = organisation.store.state()
    assert state and state.in_use == state.in_force == 1


def test_what_costs_more_is_held(organised: Organised) -> None:
    organisation = organised(4, costs=(0.01, 0.1, 0.1))
    organisation.trials.make("thompson", TUNING)
    organisation.trials.explore(0.2)
    for _ in range(5):
        organisation.live(50)
        organisation.trials.update()
    ruling = organisation.trials.promote()
    assert not ruling.promoted
    assert "cost" in ruling.evaluation.why_not


def test_a_rollback_is_one_step(organised: Organised) -> None:
    organisation = tried(organised, 5)
    curve(organisation, 300)
    state = organisation.store.state()
    assert state and state.in_force > 1
    one = organisation.trials.update()
    assert one
    assert organisation.trials.roll_back() == state.in_force
    assert organisation.trials.roll_back(1) == 1
    assert organisation.expected() == pytest.approx(0.325)
    said = [(row["action"], row["after"]) for row in organisation.store.log()[:2]]
    assert said == [("rolled back", 1), ("rolled back", state.in_force)]


def test_a_brigade_of_outsiders_moves_nothing(organised: Organised) -> None:
    organisation = tried(organised, 6)
    organisation.live(200)
    before, told = organisation.examples, organisation.trials.evaluate()
    for number in range(20):
        organisation.shout(f"stranger {number}", 0.0, "")
    assert organisation.examples == before
    assert organisation.trials.evaluate() == told


def test_one_loud_person_turns_no_policy(organised: Organised) -> None:
    organisation = tried(organised, 10)
    curve(organisation, 200)
    shop = bucket_of({"repository": "acme/shop"})
    before = learnt("thompson", organisation.examples, TUNING).buckets[shop]
    organisation.shout("mallory", 1.0, "3")
    after = learnt("thompson", organisation.examples, TUNING).buckets[shop]
    assert before[1] > 0.7
    assert after[1] > 0.7


def test_one_person_alone_turns_no_context(organised: Organised) -> None:
    """Others speak elsewhere, so that one is not alone in all."""
    organisation = tried(organised, 15)
    organisation.tastes = {"acme/docs": TASTES["acme/docs"]}
    organisation.live(60)
    organisation.tastes = {"acme/shop": (0.0, 1.0, 0.0)}
    organisation.speaking = ["mallory"]
    organisation.live(60)
    said = [one.reward for one in organisation.examples if one.repository == "github:acme/shop"]
    assert len(said) == 60 and not any(said)


def test_one_person_alone_promotes_nothing(organised: Organised) -> None:
    organisation = tried(organised, 7)
    organisation.speaking = ["ada"]
    for _ in range(6):
        organisation.live(50)
        organisation.trials.update()
    ruling = organisation.trials.promote()
    assert not ruling.promoted
    state = organisation.store.state()
    assert state and state.in_force == 1


def test_what_was_learnt_in_a_withdrawn_repository_is_gone_and_not_learnt_again(
    organised: Organised,
) -> None:
    organisation = tried(organised, 8)
    curve(organisation, 300)
    gone = sum(one.repository == "github:acme/shop" for one in organisation.examples)
    organisation.trials.withdraw("github:Acme/Shop")
    versions = organisation.store.versions()
    assert "acme/shop" not in str([version.chances for version in versions.values()])
    state = organisation.store.state()
    assert state and {*versions} == {state.in_force}
    organisation.trials.update()
    assert "acme/shop" not in str(organisation.store.versions())
    organisation.live(30)
    organisation.trials.update()
    state = organisation.store.state()
    assert state
    newest = organisation.store.versions()[state.in_force]
    assert "acme/shop" in str(newest.chances)
    assert newest.examples == 330 - gone


def test_what_was_never_trusted_is_no_version_to_roll_back_to(organised: Organised) -> None:
    organisation = tried(organised, 11)
    state = organisation.store.state()
    assert state and state.candidate
    for number in (state.candidate, state.in_use):
        with pytest.raises(SettingsError, match="no version"):
            organisation.trials.roll_back(number)
    assert organisation.store.state() == state


def test_two_candidates_at_once_are_one(organised: Organised) -> None:
    organisation = organised(12)
    organisation.trials.make("thompson", TUNING)
    state = organisation.store.state()
    organisation.trials.make("epsilon-greedy", TUNING)
    assert state
    with pytest.raises(SettingsError, match="meanwhile"):
        promoted = state._replace(in_force=2, candidate=None, in_use=2)
        organisation.store.set(promoted, state, LogEntry("promoted", 1, 2))


def test_what_could_not_be_chosen_in_a_trial_tells_nothing(organised: Organised) -> None:
    """What is in force now was never chosen while the candidate was tried beside another."""
    organisation = tried(organised, 13, "fixed")
    organisation.live(200)
    state = organisation.store.state()
    assert state and organisation.trials.evaluate().examples == 200
    other = organisation.store.add(
        "fixed", Tuning((3,)).to_json(), learnt("fixed", [], Tuning((3,))), 0
    )
    became = state._replace(in_force=other, in_use=other)
    organisation.store.set(became, state, LogEntry("rolled back", state.in_force, other))
    ruling = organisation.trials.promote()
    assert not ruling.promoted and ruling.evaluation.examples == 0


def test_a_run_that_failed_is_an_example(organised: Organised) -> None:
    """Else an arm that breaks runs would look as good as those that it does not break."""
    organisation = tried(organised, 14)
    organisation.live(20)
    made = len(organisation.examples)
    broken = "update runs set state = 'failed' where id = %(id)s"
    organisation.database.run(TENANT, [Statement(broken, {"id": organisation.examples[0].run})])
    assert len(organisation.examples) == made == 20


def test_two_changes_at_once_are_one(organised: Organised) -> None:
    organisation = tried(organised, 9)
    state = organisation.store.state()
    assert state
    stale, entries = state._replace(in_use=1), len(organisation.store.log())
    organisation.trials.hold()
    with pytest.raises(SettingsError, match="meanwhile"):
        organisation.store.set(stale, state, LogEntry("held", 1, 1))
    assert len(organisation.store.log()) == entries + 1
