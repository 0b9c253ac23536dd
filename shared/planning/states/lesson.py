"""What a plan teaches the next one of its kind, in our own words: nothing of what it read.

A verifier's or a reflector's reason may repeat what an outsider wrote, and an episode is recalled
as something that we know. So it says which check failed, and not why a model thinks so.
"""

from collections.abc import Sequence

from shared.planning.own_words import own_words
from shared.planning.store import Situation, StepRow
from shared.planning.verifier import NOTHING


def lesson(situation: Situation, state: str, refused: str) -> str:
    """Return what to remember of a plan that ends as `state`; nothing if all went as planned.

    `refused` says that a person did not consent.
    """
    taught = [line for version in situation.versions for line in version.lesson]
    latest = situation.latest
    if latest and not latest.fault:
        taught += failures(situation.in_state("failed"))
    if state == "done" and not taught:
        return ""
    goal = own_words(situation.goal, situation.event.source)
    worked = ", ".join(row.step.tool for row in situation.in_state("done")) or "nothing"
    ended = f"It ended {state}. {refused}".strip()
    return "\n".join([f"A plan for: {goal}", *taught, ended, f"What worked: {worked}."])


def failures(failed: Sequence[StepRow]) -> list[str]:
    """Tell in our own words why these steps failed."""
    return [f"Step {row.step.id}: {_own_reason(row)}" for row in failed]


def _own_reason(row: StepRow) -> str:
    if not row.step.verify or row.reason == NOTHING:  # no verifier was asked, or it says no more
        return row.reason
    return f"{row.step.tool} gave what its check did not accept, or failed."
