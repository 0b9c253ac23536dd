"""A choice is drawn with just the probability that is recorded, once, and without a round trip."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.choosing import Chances, KnownPolicies, PolicyInUse, bucket_of, drawn
from shared.database import Database, Statement
from shared.journal import Journal, Run
from shared.learning.choices.desk import choose
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import LogEntry, PolicyState, PolicyStore
from tests.events.made import an_event

BUG = {"category": "bug"}
CHANCES = Chances((0.5, 0.7, 0.9), (0.2, 0.3, 0.5), {bucket_of(BUG): (0.6, 0.0, 0.4)})


def in_force(database: Database, chances: Chances, tenant: str = "acme") -> int:
    store = PolicyStore(database, tenant, "triage", "threshold", "ada")
    was = store.state()
    number = store.add("fixed", Tuning(chances.arms).to_json(), chances, 0)
    state = PolicyState(number, None, number)
    store.set(state, was, LogEntry("made", was and was.in_force, number))
    return number


def claimed(journal: Journal, number: int) -> Run:
    event = an_event(id=f"github:d{number}", tenant="acme")
    run = journal.claim(event, "triage", 60)
    assert run
    return run


def test_without_a_policy_it_is_the_first(database: Database) -> None:
    run = claimed(Journal(database), 1)
    assert choose(run, "threshold", [0.7, 0.5], BUG) == 0
    run.finish("done")
    [row] = database.run("acme", [Statement("select choice from steps", {})])[0]
    assert row["choice"] == {
        "name": "threshold",
        "chosen": 0.7,
        "options": [0.7, 0.5],
        "probability": 1.0,
        "chances": [1.0, 0.0],
        "context": BUG,
        "version": 0,
    }


def test_it_draws_as_the_version_in_use_says_and_records_it(database: Database) -> None:
    number, journal = in_force(database, CHANCES), Journal(database)
    counted: Counter[float] = Counter()
    for n in range(300):
        run = claimed(journal, n)
        assert run.policies["threshold"].version == number
        counted[CHANCES.arms[choose(run, "threshold", CHANCES.arms, BUG)]] += 1  # type: ignore[index]
        run.finish("done")
    rows = database.run("acme", [Statement("select choice from steps", {})])[0]
    assert {row["choice"]["version"] for row in rows} == {number}
    for row in rows:
        made = row["choice"]
        assert made["probability"] == made["chances"][made["options"].index(made["chosen"])] > 0
    assert counted[0.7] == 0
    assert 140 <= counted[0.5] <= 220  # 180 are expected, 3 standard deviations are 25


def test_a_retry_chooses_the_same_though_the_policy_changed(database: Database) -> None:
    in_force(database, CHANCES)
    journal = Journal(database)
    run = claimed(journal, 1)
    places = [choose(run, "threshold", CHANCES.arms, BUG) for _ in range(3)]
    run.write([])
    in_force(database, Chances((0.5, 0.7, 0.9), (0.0, 1.0, 0.0)))
    again = claimed(journal, 1)
    assert [choose(again, "threshold", CHANCES.arms, BUG) for _ in range(3)] == places
    assert CHANCES.arms[choose(again, "threshold", CHANCES.arms, BUG)] == 0.7  # a new choice


def test_a_crash_before_it_is_recorded_changes_nothing(database: Database) -> None:
    in_force(database, CHANCES)
    for number in range(20):
        one, other = Journal(database), Journal(database)
        first = claimed(one, number)
        place = choose(first, "threshold", CHANCES.arms, BUG)
        first.finish("retrying", "it died", pause=0)  # without the record
        assert choose(claimed(other, number), "threshold", CHANCES.arms, BUG) == place


def test_a_choice_makes_no_round_trip(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(database, CHANCES)
    run = claimed(Journal(database), 1)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "run", None)  # whoever calls it fails
        choose(run, "threshold", CHANCES.arms, BUG)
    run.finish("done")
    assert len(database.run("acme", [Statement("select name from steps", {})])[0]) == 1


def test_another_tenant_has_another_policy(database: Database) -> None:
    in_force(database, CHANCES, tenant="other")
    assert not claimed(Journal(database), 1).policies


def test_a_process_that_lives_on_hears_of_a_new_version(database: Database) -> None:
    journal = Journal(database)
    numbers = []
    for n in range(4):
        in_force(database, CHANCES)
        numbers += [claimed(journal, n).policies["threshold"].version for _ in range(2)]
    assert numbers == [1, 1, 2, 2, 3, 3, 4, 4]


def test_a_claim_that_another_overtakes_has_the_chances_of_its_version() -> None:
    """Both asked with the first version known; the other was told of a newer one before."""
    policies, newer = KnownPolicies(), CHANCES._replace(otherwise=(0.0, 0.0, 1.0))
    policies.told("acme", "triage", {"threshold": (1, CHANCES.to_json())}, {})
    known = policies.versions("acme", "triage")
    policies.told("acme", "triage", {"threshold": (2, newer.to_json())}, known)
    told = policies.told("acme", "triage", {"threshold": (1, None)}, known)
    assert told == {"threshold": PolicyInUse(1, CHANCES)}


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=6), st.text())
def test_what_is_drawn_has_a_chance(weights: list[float], seed: str) -> None:
    total = sum(weights)
    chances = [0.0, *(weight / total for weight in weights)]
    assert chances[drawn(chances, seed)] > 0


@given(st.lists(st.sampled_from([1, 2, "x", True, 0.5, "new"]), min_size=1, unique_by=repr))
def test_chances_of_what_is_offered_are_one(offered: list[int | str | bool | float]) -> None:
    chances = Chances((1, "x", True, 0.5), (0.1, 0.2, 0.3, 0.4))
    found = chances.of({}, offered)
    assert sum(found) == pytest.approx(1)


def test_a_context_holds_no_texts(database: Database) -> None:
    run = claimed(Journal(database), 1)
    with pytest.raises(ValueError, match="at most 8 keys"):
        choose(run, "threshold", [1, 2], {"said": "x" * 200})
    with pytest.raises(ValueError, match="no arms"):
        choose(run, "threshold", [])
