"""A review of which GitHub refuses some lines: each other comment still belongs to its finding."""

from dataclasses import replace

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Mark, Receipt
from shared.actions.github.actions import SubmitReview
from shared.database import Database, Row, Statement
from tests.flows.test_review import FAULTY, PullRequest, fresh, sandbox

__all__ = ["fresh", "sandbox"]


def kept(database: Database, pull: PullRequest) -> dict[int, Row]:
    """Return the findings of the pull request by their lines."""
    sql = "select line, state, comment from findings where number = %(number)s"
    [rows] = database.run(pull.event().tenant, [Statement(sql, {"number": pull.number})])
    return {row["line"]: row for row in rows}


@pytest.mark.parametrize("refused", [1, 2])
def test_each_comment_belongs_to_its_finding_though_another_was_refused(
    sandbox: GitHubSandbox, database: Database, refused: int
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    perform = pull.adapter.perform

    def moved(action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if isinstance(action, SubmitReview):
            comments = tuple(
                one._replace(first=900, last=900) if one.first == refused else one
                for one in action.comments
            )
            action = replace(action, comments=comments)
        return perform(action, mark, previous)

    pull.adapter.perform = moved  # type: ignore[method-assign]
    pull.review()
    [comment] = pull.get("comments")
    assert "1 posted" in pull.sticky[0] and "1 more, of less weight" in pull.sticky[0]
    found = kept(database, pull)
    assert (found[3 - refused]["state"], found[3 - refused]["comment"]) == ("posted", comment["id"])
    assert (found[refused]["state"], found[refused]["comment"]) == ("held", 0)
