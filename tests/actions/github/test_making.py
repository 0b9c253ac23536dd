"""Issues, assignees and draft pull requests are made once, found again, refused with reasons."""

import pytest

from infra.local.sandbox.github.git.commits import Link
from shared.actions import Action, Mark, Receipt
from shared.actions.github.actions import Assign, OpenDraft, OpenIssue, Repository
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown
from shared.events import Issue
from tests.actions.github.sandbox_issue import MARK, SHOP, SandboxIssue

HERE = Repository(SHOP)
TRACKING = OpenIssue(HERE, "Login, at @all", "See #1, @maria.", ("Bug", "urgent"))
DRAFT = OpenDraft(HERE, "Say hello", "It says hello.", "docs/grüße 你好.md", "Grüße 😀\n")
BRANCH = "agent-flows/a1b2c3"


@pytest.fixture(autouse=True)
def committed(target: SandboxIssue) -> str:
    return target.sandbox.push(SHOP, {"README.md": "# Shop\n", "docs/to": Link("../README.md")})


def again(
    target: SandboxIssue, action: Action, failure: type[Exception] = ActionUnavailable
) -> Receipt:
    """Do what an effect does after a doubtful end: look, then do it."""
    with pytest.raises(failure):
        target.adapter.perform(action, MARK, None)
    return target.adapter.find(action, MARK) or target.adapter.perform(action, MARK, None)


def drafts(target: SandboxIssue) -> list[str]:
    return [issue["title"] for issue in target.sandbox.issues(SHOP) if "pull_request" in issue]


# Issues


def test_an_issue_is_opened_marked_and_found(target: SandboxIssue) -> None:
    assert target.adapter.find(TRACKING, MARK) is None
    receipt = target.adapter.perform(TRACKING, MARK, None)
    issue = target.sandbox.issue(SHOP, int(receipt.id))
    assert issue["title"] == "Login, at @\u200ball"
    assert issue["body"].startswith("See #1, @\u200bmaria.\n\n<!-- agent-flows effect=a1b2c3")
    assert [label["name"] for label in issue["labels"]] == ["bug"]
    assert receipt.url.endswith("/acme/shop/issues/2")
    assert (receipt.data or {})["unknown"] == ["urgent"]
    found = target.adapter.find(TRACKING, MARK)
    assert found is not None
    assert (found.id, found.url) == (receipt.id, receipt.url)
    assert target.adapter.find(TRACKING, Mark("other", "plan", 1)) is None


def test_a_copied_mark_is_not_taken_for_the_issue(target: SandboxIssue) -> None:
    made = target.adapter.perform(TRACKING, MARK, None)
    body = target.sandbox.issue(SHOP, int(made.id))["body"]
    target.sandbox.edit_issue(SHOP, int(made.id), body="edited by a person")
    target.sandbox.open_issue(SHOP, "Copy", body, author="eve")
    assert target.adapter.find(TRACKING, MARK) is None


def test_an_issue_may_stand_too_far_back_to_be_looked_for(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    for number in range(1_000):
        target.sandbox.open_issue(SHOP, f"Issue {number}")
    with pytest.raises(EffectUnknown, match="more than 1000 new issues"):
        target.adapter.find(TRACKING, MARK)


# Assignees


def test_people_are_assigned_all_or_none(target: SandboxIssue) -> None:
    both = Assign(target.issue, ("@Maria", "li"))
    with pytest.raises(ActionRejected, match="one of the 2 is nobody who can be assigned"):
        target.adapter.perform(Assign(target.issue, ("li", "eve")), MARK, None)
    receipt = target.adapter.perform(both, MARK, None)
    assert receipt.data == {"assignees": ["maria", "li"]}


# Draft pull requests


def test_a_draft_is_a_branch_a_commit_and_a_pull_request(target: SandboxIssue) -> None:
    assert target.adapter.find(DRAFT, MARK) is None
    receipt = target.adapter.perform(DRAFT, MARK, None)
    pull = target.sandbox.issue(SHOP, int(receipt.id))
    assert (pull["title"], pull["draft"], pull["user"]["type"]) == ("Say hello", True, "Bot")
    newest, *_ = target.sandbox.commits(SHOP, BRANCH)
    made = receipt.data or {}
    assert (made["branch"], made["commit"]) == (BRANCH, newest["sha"])
    assert newest["message"] == "Say hello"
    assert set(newest["files"]) == {"README.md", "docs/to", DRAFT.path}
    assert len(target.sandbox.commits(SHOP, "main")) == 1
    assert target.adapter.find(DRAFT, MARK) == receipt


def test_a_draft_changes_a_file_upon_the_base_that_it_names(target: SandboxIssue) -> None:
    target.sandbox.push(SHOP, {"README.md": "# Next\n"}, branch="release/1 a")
    change = OpenDraft(HERE, "Change", "It.", "README.md", "# Now\n", base="release/1 a")
    target.adapter.perform(change, MARK, None)
    assert len(target.sandbox.commits(SHOP, BRANCH)) == 3
    sent = next(one.sent for one in target.sandbox.exchanges() if one.path.endswith("/pulls"))
    assert (sent["base"], sent["head"]) == ("release/1 a", BRANCH)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("broken", ["/git/refs", "/contents/", "/pulls"])
def test_a_break_between_the_steps_leads_to_one_of_each(
    target: SandboxIssue, broken: str, after: bool
) -> None:
    method = "PUT" if "contents" in broken else "POST"
    target.sandbox.fail_next(0, path=broken, method=method, after=after)
    receipt = again(target, DRAFT)
    assert target.adapter.find(DRAFT, MARK) == receipt
    assert drafts(target) == ["Say hello"]
    assert len(target.sandbox.commits(SHOP, BRANCH)) == 2
    assert sorted(target.sandbox.branches(SHOP)) == [BRANCH, "main"]


def test_a_draft_that_a_person_closed_is_found_and_not_made_again(target: SandboxIssue) -> None:
    receipt = target.adapter.perform(DRAFT, MARK, None)
    target.sandbox.edit_issue(SHOP, int(receipt.id), state="closed")
    target.sandbox.delete_branch(SHOP, BRANCH)
    found = target.adapter.find(DRAFT, MARK)
    assert found is not None
    assert found.id == receipt.id


def test_a_list_that_lags_behind_costs_no_pull_request(target: SandboxIssue) -> None:
    receipt = target.adapter.perform(DRAFT, MARK, None)
    assert target.adapter.perform(DRAFT, MARK, None) == receipt
    assert BRANCH in target.sandbox.branches(SHOP)


@pytest.mark.parametrize("broken", ["/contents/", "/pulls"])
def test_what_github_refuses_leaves_no_branch(target: SandboxIssue, broken: str) -> None:
    method = "PUT" if "contents" in broken else "POST"
    target.sandbox.fail_next(422, path=broken, method=method)
    with pytest.raises(ActionRejected, match="422"):
        target.adapter.perform(DRAFT, MARK, None)
    assert list(target.sandbox.branches(SHOP)) == ["main"]


@pytest.mark.parametrize(
    ("path", "content", "base", "reason"),
    [
        ("README.md", "# Shop\n", "", "the file is like that already"),
        ("a.md", "x", "none", "there is no such base branch"),
        ("docs", "x", "", "the path is not that of a file"),
        ("a.md", "x" * 1_048_577, "", "the limit is 1,048,576"),
        ("../a.md", "x", "", "not a valid file path"),
        ("/a.md", "x", "", "not a valid file path"),
        (".git/config", "x", "", "not a valid file path"),
        ("", "x", "", "not a valid file path"),
        ("a\nb", "x", "", "characters that are not allowed"),
        (".GitHub/workflows/ci.yml", "on: push", "", "a person must change it"),
    ],
)
def test_a_draft_that_cannot_be_is_refused_before_anything_is_made(
    target: SandboxIssue, path: str, content: str, base: str, reason: str
) -> None:
    with pytest.raises(ActionRejected, match=reason):
        target.adapter.perform(OpenDraft(HERE, "T", "B", path, content, base), MARK, None)
    assert "main" in target.sandbox.branches(SHOP)
    assert not [one for one in target.sandbox.exchanges() if one.method in {"PUT", "DELETE"}]
    assert not [one for one in target.sandbox.exchanges() if one.path.endswith("/git/refs")]


def test_a_link_is_not_written_through(target: SandboxIssue) -> None:
    change = OpenDraft(HERE, "T", "B", "docs/to", "x")
    with pytest.raises(ActionRejected, match="409"):
        target.adapter.perform(change, MARK, None)
    assert list(target.sandbox.branches(SHOP)) == ["main"]


# All of them

ACTIONS = (TRACKING, DRAFT, Assign(Issue(SHOP, 1), ("li",)))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_an_archived_repository_is_said_to_be_one(target: SandboxIssue, action: Action) -> None:
    target.sandbox.archive(SHOP)
    with pytest.raises(ActionRejected, match=r"was archived so is read-only.; unarchive"):
        target.adapter.perform(action, MARK, None)


@pytest.mark.parametrize(
    ("action", "needed"),
    [(TRACKING, "issues"), (DRAFT, "contents")],
    ids=["OpenIssue", "OpenDraft"],
)
def test_a_missing_permission_is_named(
    target_as_app: SandboxIssue, action: Action, needed: str
) -> None:
    target = target_as_app
    target.sandbox.limit_permissions({needed: "read"})
    with pytest.raises(ActionRejected, match=f"it needs the permission {needed}=write"):
        target.adapter.perform(action, MARK, None)
