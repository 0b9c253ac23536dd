"""A person is asked before a write leaves the conversation: exact, once, in time, by who may."""

from flows.control import control
from shared.actions.github.actions import Comment
from shared.database import Database
from shared.events import Actor, Issue
from shared.planning.plan import Plan
from shared.planning.validation import Limits
from tests.planning.conftest import Open
from tests.planning.plan_runner import plan_runner
from tests.planning.plans import ASK, Drafts, of, planned, says, step

ELSEWHERE = Plan(
    (
        step("s1", "list_labels"),
        step("s2", "comment", body=of("s1", "items[0].name"), number=8),
    )
)


def test_an_approved_write_is_done_exactly_as_it_was_shown(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    (approval,) = it.asked(plan).approvals
    assert approval.payload["actions"][0]["arguments"] == {"body": "bug", "sticky": False}
    assert "**Comment** on acme/shop#8" in it.shown(approval.digest)[0]
    it.runner.deliver(it.flow, says("/approve"))
    assert it.ended(plan).state == "done"
    assert Comment(Issue("acme/shop", 8), "bug") in it.runner.platform.done
    assert it.transitions(plan) == 4 + 3 * 2 + 2 * 2 + 3 * 1


def test_a_rejected_write_is_not_done(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.runner.deliver(it.flow, says("/reject"))
    assert it.ended(plan).state == "failed"
    assert "Rejected by ada." in it.said()[-1]
    assert not any(getattr(action, "body", "") == "bug" for action in it.runner.platform.done)


def test_nobodys_answer_means_no(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE), limits=Limits(approval=1)))
    plan = it.ask(ASK)
    assert it.ended(plan).state == "failed"
    assert "Nobody answered in time." in it.said()[-1]


def test_a_second_answer_changes_nothing(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.runner.deliver(it.flow, says("/approve"))
    it.runner.deliver(it.flow, says("/reject", "github:d3"))
    assert it.ended(plan).state == "done"
    (approval,) = it.situation(plan).approvals
    assert (approval.state, approval.decided_by) == ("approved", "ada")


def test_who_may_not_write_may_not_approve(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    stranger = ASK.actor._replace(name="mallory", role="none")
    it.runner.deliver(it.flow, says("/approve", actor=stranger))
    assert it.situation(plan).state == "waiting"
    assert "not allowed" in it.shown("refusal")[-1]


def test_who_may_not_write_cancels_nothing(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    stranger = ASK.actor._replace(name="mallory", role="none")
    for number, text in enumerate(("/cancel", f"/cancel {plan}", "/change push it")):
        event = says(text, f"github:x{number}", actor=stranger)
        it.runner.deliver(control if event.stops else it.flow, event)
    standing = it.situation(plan)
    assert (standing.state, standing.cancelled_by) == ("waiting", "")
    it.runner.deliver(control, says("/cancel"))
    assert it.ended(plan).state == "cancelled"


def test_an_answer_from_before_the_question_is_not_taken(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    (approval,) = it.asked(plan).approvals
    early = {"issue": {}, "comment": {"id": 9, "created_at": "2026-11-29T19:00:00Z"}}
    it.runner.deliver(it.flow, says("/approve", payload=early))
    assert it.situation(plan).state == "waiting"
    named = approval.digest[:8]
    assert f"name it: `{named}`" in it.said()[-1]
    it.runner.deliver(it.flow, says(f"/approve {named}", "github:d3", payload=early))
    assert it.ended(plan).state == "done"


def test_of_two_questions_one_is_named(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    first = it.ask(ASK)
    it.asked(first)
    second = it.ask(ASK._replace(id="github:other"))
    (approval,) = it.asked(second).approvals
    named = f"{second}/{approval.digest[:8]}"  # both ask the same
    it.runner.deliver(it.flow, says("/approve"))
    assert {it.situation(plan).state for plan in (first, second)} == {"waiting"}
    assert f"Several questions are open here. Name one of them: `{named}`, " in it.said()[-1]
    it.runner.deliver(it.flow, says(f"/approve {named}", "github:d3"))
    assert it.ended(second).state == "done"
    it.runner.deliver(it.flow, says("/reject", "github:d4"))
    assert it.ended(first).state == "failed"


def test_somebody_else_approves_where_the_setting_wants_it(database: Database) -> None:
    flow = planned(Drafts(ELSEWHERE, ELSEWHERE))
    bob, eve = (Actor(id, name, role="member") for id, name in (("2", "bob"), ("3", "eve")))
    with plan_runner(database, flow, approver_differs="on") as it:
        plan = it.ask(ASK)
        it.asked(plan)
        it.runner.deliver(flow, says("/approve"))
        assert "You asked for this yourself" in it.said()[-1]
        it.runner.deliver(flow, says("/change the same", "github:d3", actor=bob))
        it.wait_for(lambda: len(it.situation(plan).approvals) == 2)
        it.asked(plan)
        it.runner.deliver(flow, says("/approve", "github:d4", actor=bob))
        assert "You asked for this yourself" in it.said()[-1]
        assert it.situation(plan).state == "waiting"
        it.runner.deliver(flow, says("/approve", "github:d5", actor=eve))
        assert it.ended(plan).state == "done"


def test_a_sentence_in_place_of_yes_makes_another_version(opened: Open) -> None:
    here = Plan((step("s1", "list_labels"), step("s3", "comment", body="Here")))
    drafts = Drafts(ELSEWHERE, here)
    it = opened(planned(drafts))
    plan = it.ask(ASK)
    it.asked(plan)
    it.runner.deliver(it.flow, says("/change say it here"))
    it.wait_for(lambda: [a for a in it.situation(plan).approvals if a.steps == ("s3",) and a.token])
    it.asked(plan)
    assert drafts.briefs[1].feedback == ("A person said: say it here",)
    # The new version is also made from what was read, so what it adds is shown first.
    assert "Here" not in it.said()
    it.runner.deliver(it.flow, says("/approve", "github:d3"))
    assert it.ended(plan).state == "done"
    assert "Here" in it.said()


def test_an_approval_survives_a_restart(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    before = it.asked(plan).approvals[0].token
    it.restart()
    it.wait_for(lambda: it.situation(plan).approvals[0].token != before)
    it.runner.deliver(it.flow, says("/approve"))
    assert it.ended(plan).state == "done"
    assert len(it.said()) == 2


def test_what_was_approved_before_the_restart_goes_on_after_it(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.machines.close()
    it.runner.deliver(it.flow, says("/approve"))
    it.restart()
    assert it.ended(plan).state == "done"
    assert [text for text in it.said() if text == "bug"] == ["bug"]
