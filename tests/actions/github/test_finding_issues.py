"""Issues and pull requests are found by age, activity, labels, people and milestones."""

from typing import Any

import pytest

from shared.actions.github.queries import FindIssues
from shared.errors import ActionRejected
from tests.actions.github.sandbox_issue import SHOP, SandboxIssue
from tests.events.made import an_event

#: The moment of the event, and so many days before it.
NOW = 4_000_000_000.0
EVENT = an_event(received_at=NOW)


def found(target: SandboxIssue, **asked: Any) -> list[int]:
    answer = target.adapter.read(FindIssues(SHOP, **asked))
    assert answer["complete"]
    return [item["number"] for item in answer["items"]]


def aged(target: SandboxIssue, *days: float, kind: str = "issue") -> list[int]:
    """Open issues, or pull requests, that are so many days old."""
    opened = target.sandbox.open_issue if kind == "issue" else target.sandbox.open_pull_request
    numbers = [opened(SHOP, f"{age} days old") for age in days]
    for number, age in zip(numbers, days, strict=True):
        target.sandbox.backdate(SHOP, number, age)
    return numbers


def days_ago(target: SandboxIssue, days: float) -> str:
    from datetime import datetime

    born = target.sandbox.issue(SHOP, target.issue.number)["created_at"]
    received = datetime.fromisoformat(born).timestamp()
    return an_event(received_at=received).days_ago(days)


def test_an_event_tells_the_moment_some_days_before_it() -> None:
    assert an_event(received_at=1_577_880_000.5).days_ago(0) == "2020-01-01T12:00:00Z"
    assert an_event(received_at=1_577_880_000.0).days_ago(1.5) == "2019-12-31T00:00:00Z"
    assert EVENT.days_ago(60) == EVENT.days_ago(60)


def test_those_without_activity_come_the_quietest_first(target: SandboxIssue) -> None:
    old, older, young = aged(target, 61, 400, 3)
    quiet = {"updated_before": days_ago(target, 60)}
    assert found(target, **quiet) == [older, old]
    target.sandbox.comment(SHOP, older, "Still there?")
    assert found(target, **quiet) == [old]
    assert found(target, opened_before=days_ago(target, 60)) == [old, older]
    assert found(target, updated_since=days_ago(target, 10)) == [young, target.issue.number, older]
    assert found(target, opened_since=days_ago(target, 10)) == [young, target.issue.number]
    between = {"opened_since": days_ago(target, 100), "opened_before": days_ago(target, 1)}
    assert found(target, **between) == [old, young]


def test_the_bounds_are_exact(target: SandboxIssue) -> None:
    [number] = aged(target, 10)
    moment = target.sandbox.issue(SHOP, number)["updated_at"]
    assert found(target, updated_before=moment) == []
    assert found(target, opened_before=moment) == []
    assert found(target, updated_since=moment, opened_since=moment)[0] == number


def test_issues_and_pull_requests_are_told_apart(target: SandboxIssue) -> None:
    [issue], [pull] = aged(target, 5), aged(target, 6, kind="pr")
    here = target.issue.number
    assert found(target) == [issue, here]
    assert found(target, kind="pr") == [pull]
    assert found(target, kind="any") == [pull, issue, here]
    target.sandbox.edit_issue(SHOP, here, state="closed")
    assert found(target, state="closed") == [here]
    assert found(target, state="all") == [issue, here]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"labels": ("bug",)}, [1, 2]),
        ({"labels": (" BUG ", "question")}, [2]),
        ({"labels": ("bug",), "without": ("Question",)}, [1]),
        ({"without": ("bug",)}, [3, 4]),
        ({"labels": ("kind/a, b",)}, [3]),
        ({"labels": ("nobody has it",)}, []),
        ({"assignee": "li"}, [2]),
        ({"assignee": "LI"}, [2]),
        ({"assignee": "*"}, [2]),
        ({"assignee": "none"}, [1, 3, 4]),
        ({"milestone": "1.0"}, [1]),
        ({"milestone": " 1.0 "}, [1]),
        ({"milestone": 1}, [1]),
        ({"milestone": "*"}, [1]),
        ({"milestone": "none", "labels": ("bug",)}, [2]),
    ],
    ids=str,
)
def test_they_are_found_by_labels_people_and_milestones(
    target_with_token: SandboxIssue, asked: Any, expected: list[int]
) -> None:
    target = target_with_token
    for number in range(3):
        target.sandbox.open_issue(SHOP, f"Number {number}")
    target.sandbox.add_milestone(SHOP, "1.0")
    target.sandbox.edit_issue(SHOP, 1, labels=["bug"], milestone=1)
    target.sandbox.edit_issue(SHOP, 2, labels=["Bug", "question"])
    target.sandbox.edit_issue(SHOP, 3, labels=["kind/a, b"])
    target.sandbox.assign(SHOP, 2, "li")
    assert sorted(found(target, **asked)) == expected


def test_one_tells_what_a_schedule_asks_about(target: SandboxIssue) -> None:
    target.sandbox.add_milestone(SHOP, "1.0")
    target.sandbox.edit_issue(SHOP, 1, labels=["bug"], milestone=1)
    target.sandbox.comment(SHOP, 1, "Me too")
    target.sandbox.lock_issue(SHOP, 1, "resolved")
    [item] = target.adapter.read(FindIssues(SHOP))["items"]
    about = {name: item[name] for name in ("number", "kind", "title", "labels", "milestone")}
    assert about == {
        "number": 1,
        "kind": "issue",
        "title": "It crashes",
        "labels": ["bug"],
        "milestone": "1.0",
    }
    assert (item["locked"], item["comments"], item["closed_at"]) == (True, 1, None)


def test_a_large_repository_is_read_within_bounds(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    numbers = aged(target, *range(250, 0, -1))
    asked = FindIssues(SHOP, updated_before=days_ago(target, 200), limit=20)
    answer = target.adapter.read(asked)
    assert [item["number"] for item in answer["items"]] == numbers[:20]
    assert not answer["complete"]
    assert target.requests == ["GET /repos/acme/shop/issues"]
    few = target.adapter.read(FindIssues(SHOP, opened_since=days_ago(target, 5), limit=100))
    assert [item["number"] for item in few["items"]] == [*numbers[-5:], 1]
    assert len(target.adapter.read(FindIssues(SHOP, limit=5_000))["items"]) == 100


def test_it_stops_at_the_first_one_that_is_too_young(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    aged(target, *range(150, 0, -1))
    answer = target.adapter.read(FindIssues(SHOP, updated_before=days_ago(target, 140)))
    assert (len(answer["items"]), answer["complete"]) == (10, True)
    assert target.requests == ["GET /repos/acme/shop/issues"]


def test_a_list_without_an_end_is_read_to_a_bound(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    for number in range(1_100):
        target.sandbox.open_issue(SHOP, f"Issue {number}")
    answer = target.adapter.read(FindIssues(SHOP, labels=("bug, and more",)))
    assert answer == {"items": [], "complete": False}
    assert len(target.requests) == 10


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"updated_before": "two months"}, "is not a date"),
        ({"milestone": "2.0"}, "none of its 0 milestones has that title alone"),
        ({"milestone": 7}, "there is no milestone 7"),
        ({"assignee": "li\n"}, "not a valid `assignee`"),
        ({"labels": ("a\0",)}, "not a valid `labels`"),
        ({"state": "Open?"}, "not a valid `state`"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_said(target: SandboxIssue, asked: Any, reason: str) -> None:
    with pytest.raises(ActionRejected, match=reason):
        target.adapter.read(FindIssues(SHOP, **asked))
