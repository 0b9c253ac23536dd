"""The default reflector: a failure makes another plan."""

from collections.abc import Sequence

from shared.planning import Decision, Failure, Mind


def reflect(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
    """Plan anew around what failed: the planner is told why, and bounded by the limits."""
    return Decision("revise", " ".join(f"Step {f.step.id}: {f.reason}" for f in failures))
