"""The adapter labels and comments once, and finds what it did."""

import json
from collections.abc import Callable

import pytest

from shared.actions import Action, Mark, Receipt
from shared.actions.github.actions import AddLabels, Comment, ListLabels
from shared.actions.slack.actions import React
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Message
from tests.actions.github.desk import MARK, SHOP, Desk
from tests.infra.local.sandbox.github.openapi import faults

# Labels


def test_labels_come_only_from_the_known_set(desk: Desk) -> None:
    action = AddLabels(desk.issue, ("Bug", " GOOD first issue ", "urgent", "bug"))
    receipt = desk.adapter.perform(action, MARK, None)
    assert desk.labels == ["bug", "good first issue"]
    assert receipt.data == {"labels": ["bug", "good first issue"], "unknown": ["urgent"]}


def test_labels_that_nobody_knows_are_not_sent_at_all(desk_with_token: Desk) -> None:
    desk = desk_with_token
    receipt = desk.adapter.perform(AddLabels(desk.issue, ("urgent",)), MARK, None)
    assert receipt.data == {"labels": [], "unknown": ["urgent"]}
    assert desk.requests == ["GET /repos/acme/shop/labels"]


def test_labels_are_found_when_all_of_them_are_there(desk: Desk) -> None:
    both = AddLabels(desk.issue, ("bug", "security", "urgent"))
    assert desk.adapter.find(both, MARK) is None
    desk.adapter.perform(AddLabels(desk.issue, ("bug",)), MARK, None)
    assert desk.adapter.find(both, MARK) is None
    made = desk.adapter.perform(both, MARK, None)
    assert desk.adapter.find(both, MARK) == made


def test_all_labels_of_a_large_repository_are_listed(desk_with_token: Desk) -> None:
    desk = desk_with_token
    for number in range(120):
        desk.sandbox.add_label(SHOP, f"area {number}", "Part of the shop")
    labels = desk.adapter.read(ListLabels(SHOP))
    assert len(labels) == 128
    assert labels[0] == {"name": "bug", "description": "Something isn't working"}
    assert labels[-1] == {"name": "area 119", "description": "Part of the shop"}


# Comments


def test_a_comment_is_posted_marked_and_found(desk: Desk) -> None:
    action = Comment(desk.issue, "Thanks, @maria!")
    assert desk.adapter.find(action, MARK) is None
    receipt = desk.adapter.perform(action, MARK, None)
    assert desk.comments == ["Thanks, @\u200bmaria!"]
    body = desk.sandbox.issue(SHOP, desk.issue.number)["comments"][0]["body"]
    assert body.endswith("<!-- agent-flows effect=a1b2c3 flow=triage depth=1 -->")
    assert desk.adapter.find(action, MARK) == receipt
    assert receipt.url.endswith(f"/acme/shop/issues/1#issuecomment-{receipt.id}")
    assert desk.adapter.find(action, Mark("other", "triage", 1)) is None


def test_a_first_comment_takes_one_request(desk_with_token: Desk) -> None:
    desk = desk_with_token
    desk.adapter.perform(Comment(desk.issue, "Hello"), MARK, None)
    assert desk.requests == ["POST /repos/acme/shop/issues/1/comments"]


def test_comments_that_do_not_stick_add_up(desk: Desk) -> None:
    first = desk.adapter.perform(Comment(desk.issue, "One"), MARK, None)
    desk.adapter.perform(Comment(desk.issue, "Two"), Mark("k2", "triage", 1), first)
    assert desk.comments == ["One", "Two"]


def test_a_sticky_comment_is_edited_in_place(desk: Desk) -> None:
    first = desk.adapter.perform(Comment(desk.issue, "One", sticky=True), MARK, None)
    second = Mark("k2", "triage", 1)
    again = desk.adapter.perform(Comment(desk.issue, "Two", sticky=True), second, first)
    assert (again.id, desk.comments) == (first.id, ["Two"])
    assert desk.adapter.find(Comment(desk.issue, "Two", sticky=True), second) == again


def test_a_sticky_comment_is_found_again_without_a_receipt(desk: Desk) -> None:
    desk.adapter.perform(Comment(desk.issue, "Plain"), MARK, None)
    desk.adapter.perform(Comment(desk.issue, "One", sticky=True), MARK, None)
    desk.sandbox.comment(SHOP, desk.issue.number, "me too")
    desk.adapter.perform(Comment(desk.issue, "Two", sticky=True), Mark("k2", "triage", 1), None)
    assert desk.comments == ["Plain", "Two", "me too"]


def test_a_sticky_comment_leaves_what_does_not_stick_alone(desk: Desk) -> None:
    plain = desk.adapter.perform(Comment(desk.issue, "Plain"), MARK, None)
    desk.adapter.perform(Comment(desk.issue, "One", sticky=True), Mark("k2", "triage", 1), plain)
    assert desk.comments == ["Plain", "One"]


def test_each_flow_has_its_own_sticky_comment(desk: Desk) -> None:
    desk.adapter.perform(Comment(desk.issue, "One", sticky=True), MARK, None)
    desk.adapter.perform(Comment(desk.issue, "Two", sticky=True), Mark("k2", "review", 1), None)
    assert desk.comments == ["One", "Two"]


def test_a_sticky_comment_that_somebody_deleted_is_made_anew(desk: Desk) -> None:
    first = desk.adapter.perform(Comment(desk.issue, "One", sticky=True), MARK, None)
    desk.sandbox.delete_comment(int(first.id))
    again = desk.adapter.perform(
        Comment(desk.issue, "Two", sticky=True), Mark("k2", "triage", 1), first
    )
    assert (again.id != first.id, desk.comments) == (True, ["Two"])


def test_a_persons_copy_of_a_mark_is_neither_edited_nor_counted(desk: Desk) -> None:
    sticky = Comment(desk.issue, "One", sticky=True)
    desk.adapter.perform(sticky, MARK, None)
    made = desk.sandbox.issue(SHOP, desk.issue.number)["comments"][0]
    desk.sandbox.delete_comment(made["id"])
    desk.sandbox.comment(SHOP, desk.issue.number, made["body"], author="eve")
    assert desk.adapter.find(sticky, MARK) is None
    desk.adapter.perform(Comment(desk.issue, "Two", sticky=True), MARK, None)
    assert desk.comments == ["One", "Two"]


def test_the_newest_of_many_comments_is_found_from_the_end(desk_with_token: Desk) -> None:
    desk = desk_with_token
    for number in range(250):
        desk.sandbox.comment(SHOP, desk.issue.number, f"comment {number}")
    receipt = desk.adapter.perform(Comment(desk.issue, "Here"), MARK, None)
    before = len(desk.requests)
    assert desk.adapter.find(Comment(desk.issue, "Here"), MARK) == receipt
    path = "GET /repos/acme/shop/issues/1/comments"
    assert desk.requests[before:] == [path, path, "GET /user"]


def test_a_comment_may_stand_too_far_back_to_be_looked_for(desk_with_token: Desk) -> None:
    desk = desk_with_token
    action = Comment(desk.issue, "Here")
    for number in range(1000):
        desk.sandbox.comment(SHOP, desk.issue.number, f"comment {number}")
    assert desk.adapter.find(action, MARK) is None
    desk.sandbox.comment(SHOP, desk.issue.number, "one more")
    with pytest.raises(EffectUnknown, match="acme/shop#1 has more than 1000 comments"):
        desk.adapter.find(action, MARK)


def test_a_comment_longer_than_github_takes_is_cut(desk_with_token: Desk) -> None:
    desk = desk_with_token
    desk.adapter.perform(Comment(desk.issue, "错误🙂\n" * 60_000), MARK, None)
    assert "_Shortened: the whole text has" in desk.comments[0]


def test_what_belongs_to_another_platform_is_refused(desk_with_token: Desk) -> None:
    react: Action = React(Message("T1", "C1", "1.2"), "eyes")
    calls: list[Callable[[], object]] = [
        lambda: desk_with_token.adapter.perform(react, MARK, None),
        lambda: desk_with_token.adapter.find(react, MARK),
    ]
    for call in calls:
        with pytest.raises(ActionRejected, match="React is no action on GitHub"):
            call()


def test_a_receipt_is_plain_json(desk_with_token: Desk) -> None:
    receipt = desk_with_token.adapter.perform(Comment(desk_with_token.issue, "Hello"), MARK, None)
    assert Receipt(**json.loads(json.dumps(receipt.to_json()))) == receipt


def test_what_is_sent_is_what_github_describes(desk: Desk) -> None:
    desk.adapter.perform(AddLabels(desk.issue, ("bug",)), MARK, None)
    for text in ("One", "Two"):
        desk.adapter.perform(Comment(desk.issue, text, sticky=True), MARK, None)
    assert not [fault for exchange in desk.sandbox.exchanges() for fault in faults(exchange)]
    assert {"POST", "PATCH"} <= {exchange.method for exchange in desk.sandbox.exchanges()}
