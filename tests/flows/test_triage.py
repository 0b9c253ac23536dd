"""Triage: labels from the known set, what may be related, one comment."""

import pytest

from flows.triage import TriageVerdict, report, triage
from shared.actions.github.actions import AddLabels, Comment
from shared.choosing import Chances
from shared.database import Database, Statement
from shared.errors import ActionUnavailable
from shared.events import Event, Issue
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import LogEntry, PolicyState, PolicyStore
from shared.testing import FlowRunner
from tests.events.made import an_event

CRASH = an_event(text="Checkout crashes\n\nA stack trace appears when I press pay.")


def comments(runner: FlowRunner) -> list[Comment]:
    return [action for action in runner.platform.done if isinstance(action, Comment)]


def test_a_new_issue_gets_labels_and_one_comment(runner: FlowRunner) -> None:
    assert runner.deliver(triage, CRASH) == []
    labels, comment = runner.platform.done
    assert labels == AddLabels(Issue("acme/shop", 7), ("bug",))
    assert isinstance(comment, Comment)
    assert comment.sticky
    assert "`bug`" in comment.body


def test_a_report_of_the_same_is_named_as_possibly_related(runner: FlowRunner) -> None:
    older = CRASH._replace(
        id="github:d0", conversation="github:acme/shop#3", issue_target=Issue("acme/shop", 3)
    )
    runner.deliver(triage, older)
    runner.deliver(triage, CRASH)
    assert "related" not in comments(runner)[0].body
    assert "Possibly related: acme/shop#3." in comments(runner)[1].body
    assert "duplicate" not in comments(runner)[1].body


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (TriageVerdict((), "a#1", "S.", "a#2"), "S.\n\nThis looks like a duplicate of a#1."),
        (TriageVerdict((), None, "S.", "a#2"), "S.\n\nPossibly related: a#2."),
        (TriageVerdict(("bug", "docs", "bug"), None, "S."), "S.\n\nLabels: `bug`, `docs`"),
    ],
)
def test_the_report_names_each_thing_once(verdict: TriageVerdict, told: str) -> None:
    assert report(verdict) == told


@pytest.mark.parametrize(
    ("threshold", "named"), [(0.0, "looks like a duplicate of"), (0.5, "Possibly related:")]
)
def test_a_policy_decides_from_how_alike_on_an_issue_is_named_as_a_duplicate(
    database: Database, threshold: float, named: str
) -> None:
    store = PolicyStore(database, CRASH.tenant, "triage", "duplicate threshold", "ada")
    chances = Chances((threshold,), (1.0,))
    number = store.add("fixed", Tuning((threshold,)).to_json(), chances, 0)
    store.set(PolicyState(number, None, number), None, LogEntry("made", None, number))
    runner = FlowRunner(database)
    older = Issue("acme/shop", 3)
    runner.answers(TriageVerdict((), None, "It is slow."))
    runner.run(
        triage,
        CRASH._replace(
            id="github:d0",
            conversation=f"github:{older.ref}",
            issue_target=older,
            text="Checkout is slow\n\nOn old phones it takes a minute until the cart is there.",
        ),
    )
    runner.answers(TriageVerdict((), older.ref, "It crashes."))
    runner.run(triage, CRASH)
    assert f"{named} {older.ref}" in str(runner.effects[-1].arguments["body"])


def test_a_private_issue_is_no_duplicate_for_the_public(runner: FlowRunner) -> None:
    private = CRASH._replace(
        id="github:d0",
        conversation="github:acme/secret#3",
        audience="repo:acme/secret",
        issue_target=Issue("acme/secret", 3),
    )
    runner.deliver(triage, private)
    runner.deliver(triage, CRASH)
    assert "acme/secret" not in comments(runner)[1].body


def test_the_same_delivery_twice_is_one_comment(runner: FlowRunner) -> None:
    runner.deliver(triage, CRASH)
    runner.deliver(triage, CRASH)
    assert len(runner.platform.done) == 2


def test_a_crash_in_the_middle_is_made_good_by_the_retry(runner: FlowRunner) -> None:
    runner.dies(at=2)
    with pytest.raises(KeyboardInterrupt):
        runner.run(triage, CRASH)
    runner.run(triage, CRASH)
    assert [type(action) for action in runner.effects] == [AddLabels, Comment]


def test_a_platform_that_is_away_sends_the_event_back(runner: FlowRunner) -> None:
    away = ActionUnavailable("github: down", 3600, sent=False)
    runner.platform.fails[2] = away
    assert runner.deliver(triage, CRASH) == [CRASH.id]
    assert runner.deliver(triage, CRASH, receives=2) == []
    assert len(comments(runner)) == 1


def test_what_a_bot_opens_is_left_alone(runner: FlowRunner) -> None:
    bot = CRASH._replace(actor=CRASH.actor._replace(is_bot=True))
    assert runner.deliver(triage, bot) == []
    assert runner.platform.done == []


def test_a_cycle_of_effects_is_broken(runner: FlowRunner) -> None:
    assert runner.deliver(triage, CRASH._replace(depth=4)) == []
    assert runner.platform.done == []


def test_what_the_page_does_not_show_reaches_neither_a_comment_nor_memory(
    runner: FlowRunner,
) -> None:
    hidden = '\n\nx <!-- SECRET -->![SECRET](x.png)\n\n[SECRET]: https://a.test "SECRET"\u200b'
    runner.deliver(triage, CRASH._replace(text=CRASH.text + hidden))
    statement = Statement("select text from memories", {})
    kept = str(runner.database.run(CRASH.tenant, [statement]))
    assert "stack trace" in kept
    assert "SECRET" not in kept
    assert "SECRET" not in str(runner.platform.done)


ISSUE = {"title": "Checkout crashes", "body": "A stack trace.<!-- HIDDEN -->", "number": 7}


def asked(**issue: object) -> Event:
    payload = {"action": "created", "issue": ISSUE | issue, "comment": {"body": "/triage"}}
    return CRASH._replace(type="github.command.triage", text="", payload=payload)


def test_a_command_triages_the_issue_that_it_stands_on(runner: FlowRunner) -> None:
    runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
    assert runner.deliver(triage, asked()) == []
    [seen] = runner.model.asked
    assert "A stack trace." in str(seen.messages) and "HIDDEN" not in str(seen.messages)
    assert "/triage" not in str(seen.messages) and 'author="ada"' not in str(seen.messages)
    assert AddLabels(Issue("acme/shop", 7), ("bug",)) in runner.platform.done
    kept = runner.database.run(CRASH.tenant, [Statement("select text from memories", {})])
    assert kept == [[]]  # what it says was its author's, and is kept when they say it


@pytest.mark.parametrize("issue", [{"pull_request": {"url": "…"}}])
def test_a_pull_request_is_not_triaged(runner: FlowRunner, issue: dict[str, object]) -> None:
    assert runner.deliver(triage, asked(**issue)) == []
    assert [one.body for one in comments(runner)] == ["This is a pull request; I triage issues."]
    assert runner.model.asked == []
