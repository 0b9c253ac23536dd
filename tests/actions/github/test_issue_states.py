"""Issues are closed, reopened, locked, unlabelled and put into milestones once, with reasons."""

import pytest

from shared.actions import Action
from shared.actions.github.actions import CloseIssue, ReopenIssue
from shared.errors import ActionRejected
from shared.events import Issue
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


# All of them

ACTIONS: tuple[Action, ...] = (CloseIssue(Issue(SHOP, 1)), ReopenIssue(Issue(SHOP, 1)))
NAMES = [type(action).__name__ for action in ACTIONS]


def at(action: Action, issue: Issue) -> Action:
    return type(action)(**{**vars(action), "issue": issue})


def ready(target: SandboxIssue, action: Action) -> None:
    """Bring the issue to where the action has something to do."""
    if isinstance(action, ReopenIssue):
        target.sandbox.edit_issue(SHOP, target.issue.number, state="closed")


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
