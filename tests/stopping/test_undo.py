"""Undo takes back what a run did, as far as nobody built upon it, and says what it could not."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from flows.background.uninstall import uninstall
from flows.control import control
from flows.learn import learn
from flows.memory import memory
from flows.review import review
from flows.triage import triage
from infra.local.sandbox.github.git.commits import Content
from shared.actions import Action
from shared.actions.github.actions import Assign, Comment, RemoveLabels, ResolveThread
from shared.actions.github.pulls.sections import WriteSection
from shared.actions.past import TakeBack
from shared.database import Database, Row, Statement
from tests import campaigns
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.conftest import fresh
from tests.stopping.undoing import Repository, lines, on_github
from tests.waiting import wait_for

__all__ = ["fresh"]

ALL = [
    "Deleted the comment on acme/shop#1.",
    "Took `bug` off acme/shop#1.",
    "Forgot what I remembered of it (1).",
]


#: What /forget leaves of the arguments of an effect.
FORGOTTEN = '{"forgotten":true}'


@pytest.fixture
def shop(database: Database, fresh: Path, tmp_path: Path) -> Iterator[Repository]:
    state = shutil.copytree(fresh, tmp_path / "github")
    with on_github(database, state) as shop:
        yield shop


def triaged(shop: Repository, author: str = "stranger") -> int:
    number = shop.hub.open_issue(SHOP, "Checkout crashes", "A stack trace.", author=author)
    shop.tell(triage)
    assert shop.labels(number) == ["bug"]
    assert len(shop.comments(number)) == 1
    return number


def is_untouched(shop: Repository, number: int) -> bool:
    return shop.labels(number) == [] and len(shop.own(number)) == 1  # the answer


def test_labels_comment_and_memory_of_a_triage_go(shop: Repository) -> None:
    number = triaged(shop)
    assert len(shop.rows("select 1 from memories")) == 1
    told = shop.undo(number)
    assert told.startswith(f"↩ Took back run `{shop.run('triage')}` of triage:")
    assert lines(told) == ALL
    assert is_untouched(shop, number)
    assert shop.rows("select 1 from memories") == []
    [row] = shop.rows("select action, counts from memory_audit where action = 'undo'")
    assert row["counts"] == {"memories": 1}
    by_triage = "select key, undone_by from effects where flow = 'triage' and tool <> 'SetTimer'"
    done = shop.rows(by_triage)
    assert {row["undone_by"] for row in done} == {shop.run("control")}
    told_of = "select arguments ->> 'effect' as key from effects where tool = 'TakeBackOnGitHub'"
    assert {row["key"] for row in shop.rows(told_of)} == {row["key"] for row in done}


def test_twenty_deliveries_are_one_undo(shop: Repository) -> None:
    number = triaged(shop)
    seen = len(shop.hub.exchanges())
    assert lines(shop.undo(number, times=20)) == ALL
    calls = [f"{one.method} {one.path}" for one in shop.hub.exchanges()[seen:]]
    deleted = [call for call in calls if call.startswith("DELETE ") and "/reactions/" not in call]
    assert len(deleted) == 2
    assert is_untouched(shop, number)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_a_crash_at_each_boundary_is_made_good(shop: Repository, when: str, at: int) -> None:
    number, seen = triaged(shop), []

    def dies(where: str, action: Action) -> None:
        if where == when:
            seen.append(action)
            if len(seen) == at + 1:
                raise KeyboardInterrupt

    shop.watch = dies
    told = lines(shop.undo(number))
    assert len(seen) == 4 - (when == "after" and at == 2)  # a comment is found, not made again
    assert told[1:] == (
        ALL[1:] if when == "before" or at != 1 else ["The labels are off acme/shop#1.", ALL[2]]
    )
    assert is_untouched(shop, number)
    states = shop.rows("select distinct state from effects")
    assert [row["state"] for row in states] == ["committed"]


class Mortal(Database):
    """Dies before or after the transaction of that number, counted from 1."""

    dies_at, when, count = 0, "before", 0

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self.count += 1
        is_now = self.count == self.dies_at
        if is_now and self.when == "before":
            raise KeyboardInterrupt
        rows = super().run(tenant, statements)
        if is_now:
            raise KeyboardInterrupt
        return rows


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_each_transaction_is_made_good(
    shop: Repository, database_url: str, when: str
) -> None:
    with Mortal(database_url, patience=5) as mortal:
        mortal.when = when
        numbers = range(1, 16)
        for dies_at in campaigns.sample(numbers, 5):
            number = triaged(shop)
            shop.hub.comment(SHOP, number, "/undo", author="maria")
            [asked] = [event for event in shop.heard() if event.type in control.types]
            mortal.count, mortal.dies_at = 0, dies_at
            runner = shop.runner_of(control, mortal)
            with suppress(KeyboardInterrupt):
                runner.deliver(control, asked)
            is_over = mortal.count < dies_at
            mortal.dies_at = 0
            runner.expire(asked.tenant)
            assert runner.deliver(control, asked) == []
            assert is_untouched(shop, number)
            [told] = [lines(one) for one in shop.own(number)]
            assert len(told) == 3
            if is_over:
                break
    left = "select 1 from effects where undone_by = '' and flow = 'triage' or state <> 'committed'"
    assert shop.rows(left) == []


def test_who_may(shop: Repository) -> None:
    number = triaged(shop)
    told = shop.undo(number, by="passer-by")
    assert "did nothing here" in told
    told = shop.undo(number, by="passer-by", of=shop.run("triage"))
    assert "You are not allowed to do that here" in told
    assert shop.labels(number) == ["bug"]
    told = shop.undo(number, by="stranger")  # who opened it, and asked us for nothing
    assert "did nothing here" in told
    told = shop.undo(number, by="stranger", of=shop.run("triage"))
    assert "You are not allowed to do that here" in told
    assert shop.labels(number) == ["bug"]
    shop.hub.comment(SHOP, number, "/help", author="stranger")
    shop.tell(memory)
    assert "Deleted the comment on acme/shop#1." in lines(shop.undo(number, by="stranger"))
    assert lines(shop.undo(number, of=shop.run("triage"))) == ALL
    assert shop.labels(number) == []


def test_who_opened_a_pull_request_takes_no_review_off_it(shop: Repository) -> None:
    number = reviewed(shop, author="stranger")
    assert "did nothing here" in shop.undo(number, by="stranger")
    told = shop.undo(number, by="stranger", of=shop.run("review"))
    assert "You are not allowed to do that here" in told
    assert len(shop.hub.threads(SHOP, number)) == 1


def test_a_person_without_rights_takes_back_only_what_they_asked_for(shop: Repository) -> None:
    number = triaged(shop, author="maria")
    told = shop.undo(number, by="passer-by")
    assert told.startswith("I did nothing here to take back.")
    assert shop.labels(number) == ["bug"]


def test_a_second_undo_takes_nothing_more_back(shop: Repository) -> None:
    number = triaged(shop)
    shop.undo(number)
    shop.hub.edit_issue(SHOP, number, labels=["bug"])
    told = shop.undo(number)
    assert lines(told) == [
        f"Comment at acme/shop#{number} was taken back before.",
        f"AddLabels at acme/shop#{number} was taken back before.",
    ]
    assert shop.labels(number) == ["bug"]
    told = shop.undo(number, of=shop.run("control"))
    assert told.startswith("Nothing is taken back: what stops or takes back is not taken back")


def test_what_people_built_upon_stays_until_they_take_it_back(shop: Repository) -> None:
    number = triaged(shop)
    comment = shop.hub.issue(SHOP, number)["comments"][0]["id"]
    shop.hub.react(comment, "heart", "li")
    told = shop.undo(number)
    assert told.startswith("↩ Took back what can be of run `")
    assert lines(told)[0] == "The comment on acme/shop#1 stays: li reacted to it."
    assert shop.labels(number) == []
    shop.hub.react(comment, "heart", "li", toggle=True)
    told = shop.undo(number)
    assert lines(told) == [ALL[0], "AddLabels at acme/shop#1 was taken back before."]


def test_what_is_gone_and_what_is_refused(shop: Repository) -> None:
    number = triaged(shop)
    shop.hub.delete_comment(shop.hub.issue(SHOP, number)["comments"][0]["id"])
    shop.hub.fail_next(403, method="DELETE")
    comment, label, _ = lines(shop.undo(number))
    assert comment == "The comment on acme/shop#1 is gone."
    assert label.startswith("AddLabels at acme/shop#1 stays: github: could not remove labels")
    assert lines(shop.undo(number))[-1] == "Took `bug` off acme/shop#1."


def test_an_outage_is_waited_for(shop: Repository) -> None:
    number = triaged(shop)
    shop.hub.fail_next(502, times=9, method="DELETE")
    assert lines(shop.undo(number)) == ALL
    assert is_untouched(shop, number)


def test_a_sticky_comment_says_again_what_it_said_before(shop: Repository) -> None:
    number = triaged(shop)
    [first] = shop.own(number)
    shop.hub.edit_issue(SHOP, number, state="closed")
    shop.hub.edit_issue(SHOP, number, title="How do I pay?", body="A question.")
    shop.hub.edit_issue(SHOP, number, state="open")
    shop.tell(triage)
    [second] = shop.own(number)
    assert second != first
    told = lines(shop.undo(number))
    assert told[0] == "The comment on acme/shop#1 says again what it said before."
    assert shop.own(number)[0].partition("\n\n<!--")[0] == first.partition("\n\n<!--")[0]
    assert shop.rows("select 1 from memories") == []


def test_another_place_has_no_such_run(shop: Repository) -> None:
    number = triaged(shop)
    run = shop.run("triage")
    shop.hub.add_repository("acme/other", {"maria": "admin"})
    other = shop.hub.open_issue("acme/other", "Hello", author="maria")
    shop.hub.comment("acme/other", other, f"/undo {run}", author="maria")
    shop.tell(control)
    *_, last = shop.hub.issue("acme/other", other)["comments"]
    assert f"Nothing called `{run}` ran here." in last["body"]
    assert shop.labels(number) == ["bug"]


def test_a_repository_with_a_new_name_keeps_its_runs(shop: Repository) -> None:
    number, run = triaged(shop), shop.run("triage")
    shop.hub.relocations.rename(SHOP, "store")
    shop.tell(uninstall)
    for order in (f"/undo {run}", "/undo"):
        shop.hub.comment("acme/store", number, order, author="maria")
    shop.tell(control)
    issue = shop.hub.issue("acme/store", number)
    first, second = (lines(one["body"]) for one in issue["comments"][2:])
    assert first == [line.replace("shop", "store") for line in ALL]
    assert "was taken back before" in second[0]
    assert issue["labels"] == []


def test_a_run_that_goes_on_is_stopped_and_then_taken_back(shop: Repository) -> None:
    shop.hub.open_issue(SHOP, "Checkout crashes", "A stack trace.", author="maria")
    events = [event for event in shop.heard() if event.type in triage.types]
    labelled, told = threading.Event(), threading.Event()

    def waits(where: str, action: Action) -> None:
        if where == "after" and not isinstance(action, Comment | TakeBack):
            labelled.set()
            assert told.wait(30)

    shop.watch = waits
    working = threading.Thread(target=shop.runner_of(triage).deliver, args=(triage, *events))
    working.start()
    assert labelled.wait(30)
    shop.hub.comment(SHOP, 1, "/undo", author="maria")
    [asked] = [event for event in shop.heard() if event.type in control.types]
    undoing = threading.Thread(target=shop.runner_of(control).deliver, args=(control, asked))
    undoing.start()
    assert wait_for(lambda: shop.rows("select 1 from runs where flow = 'triage' and stop <> ''"))
    told.set()
    working.join(30)
    undoing.join(30)
    assert lines(shop.own(1)[-1])[0] == "Took `bug` off acme/shop#1."
    assert is_untouched(shop, 1)
    [row] = shop.rows("select state from runs where flow = 'triage'")
    assert row["state"] == "cancelled"


FAULTY = "def total(items):\n    return items == None\n"


def reviewed(shop: Repository, author: str = "maria", **more: str) -> int:
    files: dict[str, Content] = {"a.py": FAULTY, **more}
    number = shop.hub.open_pull_request(SHOP, "Add", "Why", head="add", files=files, author=author)
    shop.tell(review)
    assert shop.hub.threads(SHOP, number)
    assert shop.rows("select 1 from findings where state = 'posted'")
    return number


def test_a_review_goes_with_what_it_found(shop: Repository) -> None:
    number = reviewed(shop)
    told = lines(shop.undo(number))
    assert told == [
        "Deleted the comment on acme/shop#1.",
        "Deleted 1 of 1 comments of the review of acme/shop#1; what is left of it says so, for"
        " GitHub deletes no review.",
    ]
    assert shop.hub.threads(SHOP, number) == []
    assert "This review was taken back." in shop.hub.reviews(SHOP, number)[0]["body"]
    assert shop.rows("select 1 from findings union all select 1 from reviewed_commits") == []
    shop.hub.comment(SHOP, number, "/review", author="maria")
    shop.tell(review)
    assert shop.hub.threads(SHOP, number)


def test_a_review_that_found_nothing_is_made_again(shop: Repository) -> None:
    files = {"a.py": "def total():\n    return 0\n"}
    number = shop.hub.open_pull_request(SHOP, "Add", "Why", head="add", files=files)
    shop.tell(review)
    assert len(shop.rows("select 1 from reviewed_commits")) == 1
    assert lines(shop.undo(number)) == ["Deleted the comment on acme/shop#1."]
    assert shop.rows("select 1 from reviewed_commits") == []


def test_a_finding_with_an_answer_stays_known(shop: Repository) -> None:
    number = reviewed(shop)
    [thread] = shop.hub.threads(SHOP, number)
    shop.hub.answer(thread["comments"][0]["id"], "I see.", "li")
    told = lines(shop.undo(number))
    assert "Deleted 0 of 1 comments" in told[1]
    assert "stays: li answered" in told[1]
    assert len(shop.hub.threads(SHOP, number)) == 1
    assert len(shop.rows("select 1 from findings where state = 'posted'")) == 1


def test_the_command_that_asked_for_a_review_loses_its_signs(shop: Repository) -> None:
    number = reviewed(shop)
    shop.hub.comment(SHOP, number, "/review", author="maria")
    shop.tell(review)
    asked = shop.hub.issue(SHOP, number)["comments"][1]
    assert [one["content"] for one in asked["reactions"]] == ["rocket"]
    told = shop.undo(number)
    assert told.startswith("↩ Took back run `"), "nothing that anybody misses stays"
    assert [line for line in lines(told) if "reaction" in line or "sign" in line] == [
        "Took my reaction off the comment."
    ]
    assert shop.hub.issue(SHOP, number)["comments"][1]["reactions"] == []


def test_what_was_forgotten_since_goes_too_as_far_as_it_is_known(shop: Repository) -> None:
    number = reviewed(shop)
    shop.hub.comment(SHOP, number, "/review", author="maria")
    shop.tell(review)
    shop.rows(
        "update effects set arguments = '{\"forgotten\":true}' where flow = 'review' returning 1"
    )
    told = lines(shop.undo(number))
    assert "Took my reaction off the comment." in told
    comments = shop.hub.issue(SHOP, number)["comments"]
    [asked] = [one for one in comments if one["body"] == "/review"]
    assert asked["reactions"] == []


@pytest.mark.parametrize("act", [Assign, RemoveLabels, ResolveThread, WriteSection])
def test_what_needs_words_that_were_forgotten_stays(shop: Repository, act: type[Action]) -> None:
    number = triaged(shop)
    shop.rows(
        'update effects set arguments = \'{"forgotten":true}\', receipt = \'{"id":"1","url":""}\','
        f" tool = '{act.__name__}' where tool = 'AddLabels' returning 1"
    )
    told = lines(shop.undo(number))
    assert f"{act.__name__} at acme/shop#1 stays: what it did exactly was forgotten." in told
    assert "Deleted the comment on acme/shop#1." in told


def test_a_label_that_gave_the_command_stays_off(shop: Repository) -> None:
    number = reviewed(shop)
    shop.hub.edit_issue(SHOP, number, labels=["bug", "agent: full review"])
    shop.tell(review)
    assert shop.labels(number) == ["bug"]
    assert not [line for line in lines(shop.undo(number)) if "agent:" in line]
    assert shop.labels(number) == ["bug"]


def test_what_was_dismissed_before_it_was_told_again_stays_so(shop: Repository) -> None:
    secret = "TOKEN = 'ghp_" + "0123456789abcdefghijklmnopqrstuvwxyzAB'\n"
    number = reviewed(shop, **{"keys.py": secret})
    critical = shop.rows("select id, comment from findings where severity = 'critical'")
    begun = [thread["comments"][0] for thread in shop.hub.threads(SHOP, number)]
    shop.hub.resolve(next(one["id"] for one in begun if one["path"] == "keys.py"), "li")
    shop.tell(learn)
    for _ in range(2):
        shop.hub.comment(SHOP, number, "/review full", author="maria")
        shop.tell(review)
        [row] = shop.rows("select state, comment from findings where severity = 'critical'")
        assert row["state"] == "posted" and row["comment"] != critical[0]["comment"]
        shop.undo(number)
        [row] = shop.rows("select state, decided_by from findings where severity = 'critical'")
        assert row == {"state": "dismissed", "decided_by": "li"}


def test_a_timer_is_cancelled(shop: Repository) -> None:
    number = reviewed(shop)
    shop.hub.push(SHOP, {"b.py": "a = 1\n"}, branch="add")
    shop.tell(review)
    [timer] = shop.runner.timers
    assert lines(shop.undo(number, of=shop.run("review"))) == ["Cancelled a timer."]
    assert shop.runner.timers == []
    threads = shop.hub.threads(SHOP, number)
    shop.runner.run(review, timer)  # which was on its way
    assert shop.hub.threads(SHOP, number) == threads
    [row] = shop.rows("select state from runs where starts_with(event_id, 'timer:')")
    assert row["state"] == "cancelled"
