"""The adapter labels and comments once, and finds what it did."""

import pytest

from shared.actions import Mark
from shared.actions.github.actions import AddLabels, Comment, ListLabels
from shared.errors import EffectUnknown
from tests.actions.github.sandbox_issue import MARK, SHOP, SandboxIssue
from tests.infra.local.sandbox.github.openapi import faults

# Labels


def test_labels_come_only_from_the_known_set(target: SandboxIssue) -> None:
    action = AddLabels(target.issue, ("Bug", " GOOD first issue ", "urgent", "bug"))
    receipt = target.adapter.perform(action, MARK, None)
    assert target.labels == ["bug", "good first issue"]
    assert receipt.data == {"labels": ["bug", "good first issue"], "unknown": ["urgent"]}


def test_labels_that_nobody_knows_are_not_sent_at_all(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    receipt = target.adapter.perform(AddLabels(target.issue, ("urgent",)), MARK, None)
    assert receipt.data == {"labels": [], "unknown": ["urgent"]}
    assert target.requests == ["GET /repos/acme/shop/labels"]


def test_all_labels_of_a_large_repository_are_listed(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    for number in range(120):
        target.sandbox.add_label(SHOP, f"area {number}", "Part of the shop")
    labels = target.adapter.read(ListLabels(SHOP))
    assert len(labels) == 128
    assert labels[0] == {"name": "bug", "description": "Something isn't working"}
    assert labels[-1] == {"name": "area 119", "description": "Part of the shop"}


# Comments


def test_a_comment_is_posted_marked_and_found(target: SandboxIssue) -> None:
    action = Comment(target.issue, "Thanks, @maria!")
    assert target.adapter.find(action, MARK) is None
    receipt = target.adapter.perform(action, MARK, None)
    assert target.comments == ["Thanks, @\u200bmaria!"]
    body = target.sandbox.issue(SHOP, target.issue.number)["comments"][0]["body"]
    assert body.endswith("<!-- agent-flows effect=a1b2c3 flow=triage depth=1 -->")
    assert target.adapter.find(action, MARK) == receipt
    assert receipt.url.endswith(f"/acme/shop/issues/1#issuecomment-{receipt.id}")
    assert target.adapter.find(action, Mark("other", "triage", 1)) is None


def test_a_first_comment_takes_one_request(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    target.adapter.perform(Comment(target.issue, "Hello"), MARK, None)
    assert target.requests == ["POST /repos/acme/shop/issues/1/comments"]


def test_comments_that_do_not_stick_add_up(target: SandboxIssue) -> None:
    first = target.adapter.perform(Comment(target.issue, "One"), MARK, None)
    target.adapter.perform(Comment(target.issue, "Two"), Mark("k2", "triage", 1), first)
    assert target.comments == ["One", "Two"]


def test_a_sticky_comment_is_edited_in_place(target: SandboxIssue) -> None:
    first = target.adapter.perform(Comment(target.issue, "One", sticky=True), MARK, None)
    second = Mark("k2", "triage", 1)
    again = target.adapter.perform(Comment(target.issue, "Two", sticky=True), second, first)
    assert (again.id, target.comments) == (first.id, ["Two"])
    assert target.adapter.find(Comment(target.issue, "Two", sticky=True), second) == again


def test_a_sticky_comment_is_found_again_without_a_receipt(target: SandboxIssue) -> None:
    target.adapter.perform(Comment(target.issue, "Plain"), MARK, None)
    target.adapter.perform(Comment(target.issue, "One", sticky=True), MARK, None)
    target.sandbox.comment(SHOP, target.issue.number, "me too")
    target.adapter.perform(Comment(target.issue, "Two", sticky=True), Mark("k2", "triage", 1), None)
    assert target.comments == ["Plain", "Two", "me too"]


def test_a_sticky_comment_leaves_what_does_not_stick_alone(target: SandboxIssue) -> None:
    plain = target.adapter.perform(Comment(target.issue, "Plain"), MARK, None)
    target.adapter.perform(
        Comment(target.issue, "One", sticky=True), Mark("k2", "triage", 1), plain
    )
    assert target.comments == ["Plain", "One"]


def test_each_flow_has_its_own_sticky_comment(target: SandboxIssue) -> None:
    target.adapter.perform(Comment(target.issue, "One", sticky=True), MARK, None)
    target.adapter.perform(Comment(target.issue, "Two", sticky=True), Mark("k2", "review", 1), None)
    assert target.comments == ["One", "Two"]


def test_a_sticky_comment_that_somebody_deleted_is_made_anew(target: SandboxIssue) -> None:
    first = target.adapter.perform(Comment(target.issue, "One", sticky=True), MARK, None)
    target.sandbox.delete_comment(int(first.id))
    again = target.adapter.perform(
        Comment(target.issue, "Two", sticky=True), Mark("k2", "triage", 1), first
    )
    assert (again.id != first.id, target.comments) == (True, ["Two"])


def test_a_persons_copy_of_a_mark_is_neither_edited_nor_counted(target: SandboxIssue) -> None:
    sticky = Comment(target.issue, "One", sticky=True)
    target.adapter.perform(sticky, MARK, None)
    made = target.sandbox.issue(SHOP, target.issue.number)["comments"][0]
    target.sandbox.delete_comment(made["id"])
    target.sandbox.comment(SHOP, target.issue.number, made["body"], author="eve")
    assert target.adapter.find(sticky, MARK) is None
    target.adapter.perform(Comment(target.issue, "Two", sticky=True), MARK, None)
    assert target.comments == ["One", "Two"]


def test_the_newest_of_many_comments_is_found_from_the_end(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    for number in range(250):
        target.sandbox.comment(SHOP, target.issue.number, f"comment {number}")
    receipt = target.adapter.perform(Comment(target.issue, "Here"), MARK, None)
    before = len(target.requests)
    assert target.adapter.find(Comment(target.issue, "Here"), MARK) == receipt
    path = "GET /repos/acme/shop/issues/1/comments"
    assert target.requests[before:] == [path, path, "GET /user"]


def test_a_comment_may_stand_too_far_back_to_be_looked_for(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    action = Comment(target.issue, "Here")
    for number in range(1000):
        target.sandbox.comment(SHOP, target.issue.number, f"comment {number}")
    assert target.adapter.find(action, MARK) is None
    target.sandbox.comment(SHOP, target.issue.number, "one more")
    with pytest.raises(EffectUnknown, match="acme/shop#1 has more than 1000 comments"):
        target.adapter.find(action, MARK)


def test_a_comment_longer_than_github_takes_is_cut(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    target.adapter.perform(Comment(target.issue, "错误🙂\n" * 60_000), MARK, None)
    assert "_Shortened: the whole text has" in target.comments[0]


def test_what_is_sent_is_what_github_describes(target: SandboxIssue) -> None:
    target.adapter.perform(AddLabels(target.issue, ("bug",)), MARK, None)
    for text in ("One", "Two"):
        target.adapter.perform(Comment(target.issue, text, sticky=True), MARK, None)
    assert not [fault for exchange in target.sandbox.exchanges() for fault in faults(exchange)]
    assert {"POST", "PATCH"} <= {exchange.method for exchange in target.sandbox.exchanges()}


def test_what_did_not_change_is_not_sent_again(target_as_app: SandboxIssue) -> None:
    labels = [target_as_app.adapter.read(ListLabels(SHOP)) for _ in range(2)]
    target_as_app.sandbox.add_label(SHOP, "new")
    labels.append(target_as_app.adapter.read(ListLabels(SHOP)))
    asked = [one for one in target_as_app.sandbox.exchanges() if one.path.endswith("/labels")]
    assert [one.status for one in asked] == [200, 304, 200]
    assert labels[0] == labels[1] and [*labels[0], labels[2][-1]] == labels[2]
