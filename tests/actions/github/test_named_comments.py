"""Comments that exist once by their name and are edited in place."""

from shared.actions.github.actions import NamedComment
from tests.actions.github.desk import MARK, Desk


def test_a_named_comment_is_edited_in_place(desk: Desk) -> None:
    made = desk.adapter.perform(NamedComment(desk.issue, "p1/live", "One @maria"), MARK, None)
    assert desk.adapter.perform(NamedComment(desk.issue, "p1/live", "Two"), MARK, made) == made
    assert desk.comments == ["Two"]


def test_comments_of_two_names_stand_side_by_side(desk: Desk) -> None:
    made = desk.adapter.perform(NamedComment(desk.issue, "p1/live", "One"), MARK, None)
    desk.adapter.perform(NamedComment(desk.issue, "p2/live", "Two"), MARK, made)
    assert desk.comments == ["One", "Two"]


def test_a_named_comment_that_somebody_deleted_is_shown_again(desk: Desk) -> None:
    made = desk.adapter.perform(NamedComment(desk.issue, "p1/live", "One"), MARK, None)
    desk.sandbox.delete_comment(int(made.id))
    desk.adapter.perform(NamedComment(desk.issue, "p1/live", "Two"), MARK, made)
    assert desk.comments == ["Two"]
