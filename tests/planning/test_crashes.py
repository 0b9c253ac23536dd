"""Functions die, time out and fail in every state: the plan goes on, and nothing is done twice."""

import pytest

from shared.actions.github.actions import Comment
from shared.planning.plan import Plan
from tests.planning.conftest import Open
from tests.planning.plan_runner import Death
from tests.planning.plans import ASK, Drafts, gives_up, of, planned, step

HELLO = Plan((step("s1", "list_labels"), step("s2", "comment", body=of("s1", "items[0].name"))))
ELSEWHERE = Plan((step("s1", "comment", body="There", number=8),))
STATES = ("Plan", "Validate", "Act", "Verify", "Reflect", "Report")


def test_functions_that_die_in_every_state_do_nothing_twice(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.dies = [f"{when}:{state}" for when in ("before", "after") for state in STATES]
    assert it.ended(it.ask(ASK)).state == "done"
    assert it.dies == []
    assert len(it.said()) == 2


def test_a_function_that_dies_after_its_comment_was_posted_leaves_one_comment(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    platform = it.runner.platform
    stock = platform.perform

    def dies_after_the_first(action: object, mark: object, previous: object) -> object:
        made = stock(action, mark, previous)  # type: ignore[arg-type]
        if isinstance(action, Comment) and platform.tried != 99:
            platform.tried = 99
            raise Death
        return made

    platform.perform = dies_after_the_first  # type: ignore[method-assign, assignment]
    assert it.ended(it.ask(ASK)).state == "done"
    assert [text for text in it.said() if text == "bug"] == ["bug"]
    assert it.situation(it.plans()[0]).outputs["s2"]["id"] == "found"


def test_what_may_pass_is_tried_again_in_every_state(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    errors = [
        "RunBusy",
        "Lambda.TooManyRequestsException",
        "Sandbox.Timedout",
        "DatabaseUnavailable",
    ]
    it.fails = {state: list(errors) for state in STATES}
    assert it.ended(it.ask(ASK)).state == "done"
    assert not any(it.fails.values())


def test_what_does_not_pass_is_reported_in_the_words_of_its_error(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.fails["Plan"] = ["AnswerInvalid"]
    plan = it.ask(ASK)
    assert it.ended(plan).state == "failed"
    assert "The language model gave no usable answer." in it.said()[-1]
    assert it.execution(plan).status == "SUCCEEDED"


def test_a_question_that_cannot_be_asked_is_reported(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    it.fails["Approve"] = ["KeyError"]
    assert it.ended(it.ask(ASK)).state == "failed"
    assert it.said()[0].startswith("❌ A function failed (KeyError).")


@pytest.mark.parametrize("state", ["Act", "Verify"])
def test_a_step_whose_function_never_ends_well_is_failed_and_decided_about(
    opened: Open, state: str
) -> None:
    it = opened(planned(Drafts(HELLO), reflector=gives_up))
    it.fails[state] = ["ValueError", "ValueError"]
    plan = it.ask(ASK)
    ended = it.ended(plan)
    assert it.execution(plan).status == "SUCCEEDED"
    if state == "Act":
        assert ended.state == "failed"
        assert "Its function failed: ValueError." in it.said()[-1]
    else:  # the next state makes good for it
        assert ended.state == "done"


def test_a_report_that_cannot_be_told_fails_the_execution(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.fails["Report"] = ["KeyError"]
    plan = it.ask(ASK)
    it.ended(plan)
    assert it.execution(plan).status == "FAILED"
    assert it.execution(plan).error == "Unreported"


def test_a_wave_that_is_no_list_is_reported(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.answers["Validate"] = {"next": "wave", "steps": "s1", "seconds": 1}
    plan = it.ask(ASK)
    assert it.ended(plan).state == "failed"
    assert it.execution(plan).status == "SUCCEEDED"


def test_a_restart_in_the_middle_of_a_wave_does_nothing_twice(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.holds.clear()
    plan = it.ask(ASK)
    it.wait_for(lambda: any(call["state"] == "Report" for call in it.calls))
    it.restart()
    it.holds.set()
    assert it.ended(plan).state == "done"
    assert len(it.said()) == 2
