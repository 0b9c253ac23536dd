"""Issues are closed, reopened, locked, unlabelled and put into milestones once, with reasons."""

from typing import Any

import pytest

from shared.actions import Action
from shared.actions.github.actions import (
    CloseIssue,
    Comment,
    LockIssue,
    RemoveLabels,
    ReopenIssue,
    SetMilestone,
    UnlockIssue,
)
from shared.actions.github.adapter import GitHubAdapter
from shared.errors import ActionRejected
from shared.events import Issue
from shared.settings import Settings
from tests.actions.github.sandbox_issue import MARK, SHOP, SandboxIssue


def shown(target: SandboxIssue, *names: str) -> list[object]:
    issue = target.sandbox.issue(SHOP, target.issue.number)
    return [issue[name] for name in names]


def writes(target: SandboxIssue) -> list[str]:
    return [one for one in target.requests if not one.startswith("GET ") and "/app/" not in one]


# Closed and open


def test_an_issue_is_closed_with_its_reason_and_reopened(target: SandboxIssue) -> None:
    closed = target.adapter.perform(CloseIssue(target.issue, "not_planned"), MARK, None)
    assert shown(target, "state", "state_reason") == ["closed", "not_planned"]
    assert closed.data == {"state": "closed", "reason": "not_planned"}
    assert closed.url.endswith("/acme/shop/issues/1")
    target.adapter.perform(ReopenIssue(target.issue), MARK, None)
    assert shown(target, "state", "state_reason") == ["open", "reopened"]


def test_one_that_is_so_already_is_left_alone(target: SandboxIssue) -> None:
    target.adapter.perform(ReopenIssue(target.issue), MARK, None)
    target.sandbox.edit_issue(SHOP, target.issue.number, state="closed", state_reason="duplicate")
    receipt = target.adapter.perform(CloseIssue(target.issue), MARK, None)
    assert receipt.data == {"state": "closed", "reason": "duplicate"}
    assert writes(target) == []


def test_a_pull_request_is_closed_without_a_reason(target: SandboxIssue) -> None:
    pull = Issue(SHOP, target.sandbox.open_pull_request(SHOP, "Mend it"))
    receipt = target.adapter.perform(CloseIssue(pull, "not_planned"), MARK, None)
    assert receipt.data == {"state": "closed", "reason": ""}
    [sent] = [one.sent for one in target.sandbox.exchanges() if one.method == "PATCH"]
    assert sent == {"state": "closed"}
    target.adapter.perform(ReopenIssue(pull), MARK, None)
    target.sandbox.merge_pull_request(SHOP, pull.number)
    with pytest.raises(ActionRejected, match="could not reopen acme/shop#2: it was merged"):
        target.adapter.perform(ReopenIssue(pull), MARK, None)


def test_a_reason_that_github_does_not_know_is_said(target: SandboxIssue) -> None:
    stale: Any = "stale"
    for action in (CloseIssue(target.issue, stale), LockIssue(target.issue, stale)):
        with pytest.raises(ActionRejected, match=r"the reason is none of [a-z]"):
            target.adapter.perform(action, MARK, None)
    assert writes(target) == []


# Labels


@pytest.mark.parametrize(
    ("unwanted", "left", "sent"),
    [
        (("bug",), ["kind/ui", "a?b#c"], ["DELETE /issues/1/labels/bug"]),
        ((" BUG ", "nobody has it"), ["kind/ui", "a?b#c"], ["DELETE /issues/1/labels/bug"]),
        (("kind/UI",), ["bug", "a?b#c"], ["PUT /issues/1/labels"]),
        (("a?b#c",), ["bug", "kind/ui"], ["DELETE /issues/1/labels/a?b#c"]),
        (
            ("bug", "kind/ui"),
            ["a?b#c"],
            ["DELETE /issues/1/labels/bug", "PUT /issues/1/labels"],
        ),
        (("wontfix",), ["bug", "kind/ui", "a?b#c"], []),
        ((), ["bug", "kind/ui", "a?b#c"], []),
    ],
    ids=str,
)
def test_labels_are_removed_and_the_others_stay(
    target: SandboxIssue, unwanted: tuple[str, ...], left: list[str], sent: list[str]
) -> None:
    target.sandbox.edit_issue(SHOP, target.issue.number, labels=["bug", "kind/ui", "a?b#c"])
    target.adapter.perform(RemoveLabels(target.issue, unwanted), MARK, None)
    assert target.labels == left
    assert [one.replace(f"/repos/{SHOP}", "") for one in writes(target)] == sent


def test_a_label_that_a_person_removed_meanwhile_is_no_error(target: SandboxIssue) -> None:
    target.sandbox.edit_issue(SHOP, target.issue.number, labels=["bug", "question"])
    target.sandbox.fail_next(404, path="/labels/bug", method="DELETE")
    target.adapter.perform(RemoveLabels(target.issue, ("bug", "question")), MARK, None)
    assert target.labels == ["bug"]


# Milestones


@pytest.mark.parametrize("wanted", [1, "1.0", " 1.0 "], ids=repr)
def test_a_milestone_is_set_by_its_title_or_number_and_cleared(
    target: SandboxIssue, wanted: str | int
) -> None:
    target.sandbox.add_milestone(SHOP, "1.0")
    receipt = target.adapter.perform(SetMilestone(target.issue, wanted), MARK, None)
    assert receipt.data == {"milestone": "1.0", "number": 1}
    [milestone] = shown(target, "milestone")
    assert isinstance(milestone, dict)
    assert milestone["title"] == "1.0"
    cleared = target.adapter.perform(SetMilestone(target.issue, None), MARK, None)
    assert shown(target, "milestone") == [None]
    assert cleared.data == {"milestone": "", "number": None}


def test_a_title_is_taken_in_another_case_only_where_one_can_be_meant(
    target: SandboxIssue,
) -> None:
    for title in ("Next", "NEXT", "Later", "7"):
        target.sandbox.add_milestone(SHOP, title)
    for wanted, number in (("Next", 1), ("NEXT", 2), ("later", 3), ("7", 4)):
        receipt = target.adapter.perform(SetMilestone(target.issue, wanted), MARK, None)
        assert receipt.data is not None
        assert receipt.data["number"] == number
    for wanted in ("next", "", "Nex"):
        with pytest.raises(ActionRejected, match="none of its 4 milestones has that title alone"):
            target.adapter.perform(SetMilestone(target.issue, wanted), MARK, None)
    for wrong in (7, 0, -1):
        with pytest.raises(ActionRejected, match=r"there is no milestone|not a valid path"):
            target.adapter.perform(SetMilestone(target.issue, wrong), MARK, None)


def test_a_milestone_that_github_leaves_out_in_silence_is_said(target: SandboxIssue) -> None:
    """As for whoever opened the issue and may not write."""
    number = target.sandbox.open_issue(SHOP, "Mine", author="eve")
    target.sandbox.add_milestone(SHOP, "1.0")
    as_eve = Settings(
        github_token=target.sandbox.person_token("eve"), github_api_url=target.sandbox.api_url
    )
    adapter = GitHubAdapter(as_eve, timeout=5)
    with pytest.raises(ActionRejected, match="left it as it was; the credentials need write"):
        adapter.perform(SetMilestone(Issue(SHOP, number), "1.0"), MARK, None)


# Locked conversations


def test_a_conversation_is_locked_with_its_reason_and_unlocked(target: SandboxIssue) -> None:
    target.adapter.perform(LockIssue(target.issue, "too heated"), MARK, None)
    assert shown(target, "locked", "active_lock_reason") == [True, "too heated"]
    with pytest.raises(ActionRejected, match=r"issue is locked.; no app can comment there"):
        target.adapter.perform(Comment(target.issue, "Bye"), MARK, None)
    target.sandbox.comment(SHOP, target.issue.number, "Bye", author="li")
    target.adapter.perform(LockIssue(target.issue, "spam"), MARK, None)
    assert shown(target, "active_lock_reason") == ["too heated"]
    target.adapter.perform(UnlockIssue(target.issue), MARK, None)
    target.adapter.perform(LockIssue(target.issue), MARK, None)
    assert shown(target, "locked", "active_lock_reason") == [True, None]


def test_a_locked_issue_can_be_closed_labelled_and_put_into_a_milestone(
    target: SandboxIssue,
) -> None:
    target.sandbox.edit_issue(SHOP, target.issue.number, labels=["bug"])
    target.sandbox.add_milestone(SHOP, "1.0")
    target.sandbox.lock_issue(SHOP, target.issue.number)
    for action in (
        CloseIssue(target.issue),
        RemoveLabels(target.issue, ("bug",)),
        SetMilestone(target.issue, "1.0"),
    ):
        target.adapter.perform(action, MARK, None)
    assert shown(target, "state", "labels") == ["closed", []]


# All of them

HERE = Issue(SHOP, 1)
ACTIONS: tuple[Action, ...] = (
    CloseIssue(HERE),
    ReopenIssue(HERE),
    RemoveLabels(HERE, ("bug",)),
    SetMilestone(HERE, None),
    LockIssue(HERE, "resolved"),
    UnlockIssue(HERE),
)
NAMES = [type(action).__name__ for action in ACTIONS]


def at(action: Action, issue: Issue) -> Action:
    return type(action)(**{**vars(action), "issue": issue})


def ready(target: SandboxIssue, action: Action) -> None:
    """Bring the issue to where the action has something to do."""
    number = target.issue.number
    match action:
        case ReopenIssue():
            target.sandbox.edit_issue(SHOP, number, state="closed")
        case RemoveLabels():
            target.sandbox.edit_issue(SHOP, number, labels=["bug"])
        case SetMilestone():
            target.sandbox.edit_issue(
                SHOP, number, milestone=target.sandbox.add_milestone(SHOP, "1.0")
            )
        case UnlockIssue():
            target.sandbox.lock_issue(SHOP, number)


@pytest.mark.parametrize("action", ACTIONS, ids=NAMES)
def test_an_action_that_is_done_again_changes_and_says_nothing_more(
    target: SandboxIssue, action: Action
) -> None:
    """As after a crash between GitHub's answer and its record."""
    ready(target, action)
    first = target.adapter.perform(action, MARK, None)
    done, sent = target.sandbox.issue(SHOP, target.issue.number), len(writes(target))
    assert target.adapter.perform(action, MARK, None) == first
    assert target.sandbox.issue(SHOP, target.issue.number) == done
    assert len(writes(target)) == sent == 1


@pytest.mark.parametrize("action", ACTIONS, ids=NAMES)
def test_what_is_not_there_is_said(target: SandboxIssue, action: Action) -> None:
    with pytest.raises(ActionRejected, match=r"shop#99: 404 Not Found; it is gone, or hidden"):
        target.adapter.perform(at(action, Issue(SHOP, 99)), MARK, None)
    with pytest.raises(ActionRejected, match=r"acme/none.*: 404 Not Found"):
        target.adapter.perform(at(action, Issue("acme/none", 1)), MARK, None)
    target.sandbox.set_issues(SHOP, enabled=False)
    with pytest.raises(ActionRejected, match=r"410 Issues are disabled .* has no issues"):
        target.adapter.perform(action, MARK, None)


@pytest.mark.parametrize("action", ACTIONS, ids=NAMES)
def test_what_may_not_be_written_is_said(target_as_app: SandboxIssue, action: Action) -> None:
    target = target_as_app
    ready(target, action)
    target.sandbox.limit_permissions({"issues": "read"})
    with pytest.raises(ActionRejected, match=r"403 .* needs the permission issues=write"):
        target.adapter.perform(action, MARK, None)
    target.sandbox.limit_permissions({"issues": "write"})
    target.sandbox.end_installation_tokens()
    target.sandbox.archive(SHOP)
    with pytest.raises(ActionRejected, match=r"was archived so is read-only.; unarchive"):
        target.adapter.perform(action, MARK, None)
