"""The pieces of a plan go the way that the team wants by then, whatever it wanted at first."""

import pytest

from shared.actions.authority import RecentAnswers
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.github.queries import ReadTeamFiles
from shared.planning import Brief, Mind
from shared.planning.plan import Plan
from tests.planning.conftest import Open
from tests.planning.plan_runner import PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, planned, step

PLAN = Plan((step("s1", "list_labels"), step("s2", "add_labels", after=["s1"], labels=["bug"])))
READS = Plan((step("s1", "list_labels"),))


class ThenSays(Drafts):
    """A planner; when it has drafted, the team changes its mind."""

    def __init__(self, mode: str, plan: Plan) -> None:
        super().__init__(plan)
        self.mode = mode
        self.it: PlanRunner | None = None

    def __call__(self, mind: Mind, brief: Brief) -> Plan:
        assert self.it is not None
        says(self.it, self.mode)
        return super().__call__(mind, brief)


def says(it: PlanRunner, mode: str) -> None:
    file = {"text": f"plan: {{mode: {mode}}}\n", "problem": ""}
    it.runner.platform.answers[ReadTeamFiles] = {"repository": file, "organisation": None}


def begun(opened: Open, planner: ThenSays, first: str = "on") -> tuple[PlanRunner, str]:
    it = opened(planned(planner, reflector=gives_up))
    minutes = iter(range(1_000, 100_000))
    it.runner.can.services.get(RecentAnswers, lambda: RecentAnswers(lambda: 61.0 * next(minutes)))
    planner.it = it
    says(it, first)
    return it, it.ask(ASK)


@pytest.mark.parametrize("mode", ["off", "preview"])
def test_a_plan_ends_before_it_writes_what_is_no_longer_wanted(opened: Open, mode: str) -> None:
    it, plan = begun(opened, ThenSays(mode, PLAN))
    ended = it.ended(plan)
    assert ended.state == "failed" and "`plan` is" in ended.reason
    assert not any(isinstance(one, AddLabels) for one in it.runner.platform.done)
    [report] = [one for one in it.runner.platform.done if isinstance(one, Comment)]
    assert ended.reason in report.body


@pytest.mark.parametrize("mode", ["on", "preview"])
def test_what_only_reads_goes_on_in_a_preview(opened: Open, mode: str) -> None:
    it, plan = begun(opened, ThenSays(mode, READS), first="preview")
    ended = it.ended(plan)
    assert ended.state == "done", ended.reason


def test_a_plan_that_is_wanted_writes(opened: Open) -> None:
    it, plan = begun(opened, ThenSays("on", PLAN))
    assert it.ended(plan).state == "done"
    assert any(isinstance(one, AddLabels) for one in it.runner.platform.done)
