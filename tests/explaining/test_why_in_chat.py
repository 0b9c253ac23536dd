"""`why RUN` in a conversation: told where its readers may see the run, and nowhere else."""

import pytest

from flows.memory import memory
from flows.triage import TriageVerdict, triage
from shared.actions.github.actions import Comment
from shared.events import run_id
from shared.testing import FlowRunner, github_event


@pytest.mark.parametrize(("audience", "is_told"), [("public", True), ("repo:acme/other", False)])
def test_a_run_is_explained_to_who_may_see_it(
    runner: FlowRunner, audience: str, is_told: bool
) -> None:
    opened = github_event("issues.opened", title="Pay crashes")._replace(audience=audience)
    runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
    runner.run(triage, opened)
    run = run_id(opened, "triage")
    asked = github_event("issue_comment.created", title="why")._replace(
        type="github.command.why", text=run, audience="public"
    )
    runner.run(memory, asked)
    said = runner.effects[-1]
    assert isinstance(said, Comment)
    assert (f"Run `{run}`" in said.body) is is_told
    assert ("AddLabels" in said.body) is is_told
