"""Nobody is notified of more than their day holds, whatever runs at the same time."""

import random
from concurrent.futures import ThreadPoolExecutor

from shared.database import Database
from shared.journal import Journal, Run
from shared.learning.attention import notified, spend
from tests.campaigns import size
from tests.events.made import an_event

DAY = 86_400.0


def run_at(database: Database, number: int, at: float = 20_000 * DAY) -> Run:
    event = an_event(id=f"github:d{number}", received_at=at)
    run = Journal(database).claim(event, "review", 60)
    assert run
    return run


def test_what_is_urgent_may_use_the_rest_of_the_day(database: Database) -> None:
    granted = [
        spend(run_at(database, 1), ["ada"], 0, 5, 8),
        spend(run_at(database, 2), ["ada"], 0, 5, 8),
        spend(run_at(database, 3), ["ada"], 3, 1, 8),
        spend(run_at(database, 4), ["ada"], 1, 0, 8),
        spend(run_at(database, 5), ["li"], 1, 0, 8),
        spend(run_at(database, 6, 20_001 * DAY), ["ada"], 1, 1, 8),
    ]
    assert granted == [5, 1, 2, 0, 1, 2]


def test_the_same_run_is_given_the_same(database: Database) -> None:
    run = run_at(database, 1)
    assert spend(run, ["ada"], 2, 0, 3) == 2
    assert spend(run, ["ada"], 2, 0, 3) == 2
    assert spend(run_at(database, 2), ["ada"], 2, 0, 3) == 1


def test_a_budget_of_nothing_posts_nothing(database: Database) -> None:
    assert spend(run_at(database, 1), ["ada"], 9, 9, 0) == 0


def test_a_busy_month_never_exceeds_it(database: Database) -> None:
    random_, budget = random.Random(5), 12
    people = ["ada", "li", "maria"]
    spent: dict[tuple[str, int], int] = {}
    wanted = [
        (
            n,
            random_.choice(people),
            random_.randrange(30),
            random_.randint(0, 3),
            random_.randint(0, 3),
        )
        for n in range(size(1_500, 120))
    ]

    def work(one: tuple[int, str, int, int, int]) -> tuple[str, int, int]:
        number, who, day, urgent, others = one
        run = run_at(database, number, (20_000 + day) * DAY)
        return who, day, spend(run, [who], urgent, others, budget)

    with ThreadPoolExecutor(4) as pool:
        for who, day, granted in pool.map(work, wanted):
            spent[who, day] = spent.get((who, day), 0) + granted
    assert max(spent.values()) <= budget
    assert sum(spent.values()) > 0


def test_all_whom_a_review_notifies_must_have_room_for_it(database: Database) -> None:
    assert spend(run_at(database, 1), ["li"], 3, 0, 4) == 3
    granted = [
        spend(run_at(database, 2), ["ada", "li", "li"], 4, 4, 4),
        spend(run_at(database, 3), ["li", "ada"], 2, 0, 4),
        spend(run_at(database, 4), ["ada"], 9, 0, 4),
    ]
    assert granted == [1, 0, 3]


def test_reviews_of_several_people_at_once_exceed_nobodys_day(database: Database) -> None:
    random_, people = random.Random(8), ["ada", "li", "maria", "tom"]
    asked = [(n, random_.sample(people, random_.randint(1, 4))) for n in range(size(400, 40))]
    spent = dict.fromkeys(people, 0)

    def work(one: tuple[int, list[str]]) -> tuple[list[str], int]:
        return one[1], spend(run_at(database, one[0]), one[1], 1, 1, 7)

    with ThreadPoolExecutor(4) as pool:
        for who, granted in pool.map(work, asked):
            for person in who:
                spent[person] += granted
    assert max(spent.values()) <= 7 and max(spent.values()) > 0


def test_who_is_notified_is_read_off_the_pull_request() -> None:
    ada, li, bot = ({"id": n, "type": kind} for n, kind in ((1, "User"), (2, "User"), (3, "Bot")))
    assert notified({"user": ada}) == ["1"]
    several = {"user": ada, "assignees": [ada, li], "requested_reviewers": [li, bot]}
    assert notified(several) == ["1", "2"]
    assert notified({"user": None, "assignees": None}) == [""]
