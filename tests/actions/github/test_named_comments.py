"""Comments that exist once by their name and are edited in place."""

from shared.actions.github.actions import NamedComment
from tests.actions.github.sandbox_issue import MARK, SandboxIssue


def test_a_named_comment_is_edited_in_place(target: SandboxIssue) -> None:
    made = target.adapter.perform(NamedComment(target.issue, "p1/live", "One @maria"), MARK, None)
    again = target.adapter.perform(NamedComment(target.issue, "p1/live", "Two"), MARK, made)
    assert (again.id, again.url) == (made.id, made.url)
    assert target.comments == ["Two"]


def test_comments_of_two_names_stand_side_by_side(target: SandboxIssue) -> None:
    made = target.adapter.perform(NamedComment(target.issue, "p1/live", "One"), MARK, None)
    target.adapter.perform(NamedComment(target.issue, "p2/live", "Two"), MARK, made)
    assert target.comments == ["One", "Two"]


def test_a_named_comment_that_somebody_deleted_is_shown_again(target: SandboxIssue) -> None:
    made = target.adapter.perform(NamedComment(target.issue, "p1/live", "One"), MARK, None)
    target.sandbox.delete_comment(int(made.id))
    target.adapter.perform(NamedComment(target.issue, "p1/live", "Two"), MARK, made)
    assert target.comments == ["Two"]
