"""The makings of tests of plans: a request, steps, and flows whose parts are functions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flows.plan import plan as flow
from infra.local.sandbox.github import GitHubSandbox
from shared.agent.flow import Flow
from shared.events import Actor
from shared.perception.commands import event_type, slashed
from shared.planning import Brief, Decision, Failure, Mind, Planner, Verdict
from shared.planning.declaration import Plans, PlanTool
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import Limits
from tests.events.made import an_event

ASK = an_event(type="github.command.plan", text="do something about the labels")


def says(text: str, id: str = "github:d2", **changes: Any) -> Any:
    """Another comment in the same conversation, with a command."""
    order = slashed(text)
    assert order, f"{text!r} is no command"
    type_ = event_type("github", order)
    written = {"issue": {}, "comment": {"id": 9, "created_at": "2026-11-29T21:00:00Z"}}
    more = {"payload": written} | changes
    return ASK._replace(id=id, type=type_, text=order.argument, **more)


def person(hub: GitHubSandbox, login: str = "maria") -> Actor:
    """Somebody whom the sandbox knows, by default one who may write to acme/shop."""
    return Actor(str(hub.account_id(login)), login)


def step(id: str, tool: str, *, after: Sequence[str] = (), **arguments: Any) -> PlanStep:
    return PlanStep(id, f"{tool} {id}", tool, arguments, tuple(after))


def of(output: str, path: str = "") -> dict[str, str]:
    """A reference to the output of a step."""
    return {"$from": output, "path": path}


class Drafts:
    """A planner that makes the given versions one after the other, and keeps its briefs."""

    def __init__(self, *versions: Plan) -> None:
        self.versions = list(versions)
        self.briefs: list[Brief] = []

    def __call__(self, mind: Mind, brief: Brief) -> Plan:
        self.briefs.append(brief)
        return self.versions[min(len(self.briefs), len(self.versions)) - 1]


def planned(
    planner: Planner,
    *tools: PlanTool,
    limits: Limits | None = None,
    **parts: Any,
) -> Flow:
    """The flow of plans with a planner of its own, more tools, and other parts."""
    known = flow.plans
    assert known is not None
    plans: Plans = replace(
        known,
        planner=planner,
        tools=(*known.tools, *tools),
        limits=limits or known.limits,
        **parts,
    )
    return replace(flow, plans=plans)


def transitions(steps: int, waves: int, approvals: int = 0, revisions: int = 0) -> int:
    """Return how many states a plan enters, which AWS bills: those of the steps and waves that ran
    in all versions, of approvals and of revisions, without retries."""
    return 4 + 3 * waves + 2 * steps + 3 * approvals + 3 * revisions


def passes(mind: Mind, step: PlanStep, output: Any) -> Verdict:
    return Verdict(True)


def gives_up(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
    return Decision("give_up", "It cannot be done.")
