"""The rules that a run heeds: those of its place that are in force."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

from shared.agent.context import Code
from shared.desk import Loan
from shared.journal import Outcome
from shared.learning.dismissed import is_kin
from shared.learning.findings import KeptFinding
from shared.learning.likeness import claims_alike, shapes_alike
from shared.learning.rules.proposing import ALIKE
from shared.learning.rules.store import LearntRule, RuleStore


class ReviewRules:
    """What the people of a repository want of its reviews."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @cached_property
    def rules(self) -> list[LearntRule]:
        """The rules in force when the run began, read once and kept with the run that heeds
        them."""
        store = RuleStore(self._run)
        about = {"place": self._run.event.scope, "purpose": "review", "person": ""}

        def work() -> Outcome:
            found = store.read("in_force", **about)
            return Outcome([one._asdict() for one in found], statements=store.heeded(found))

        return [LearntRule.of_row(one) for one in self._run.step("rules", about, work)]

    @property
    def wishes(self) -> tuple[Code, ...]:
        """What a model is shown, as data, of those that somebody accepted. What several people only
        said hides what they all refused; the words of one of them go no further."""
        return _shown([_with_reach(one) for one in self.rules if one.state == "active"])

    def hides(self, finding: KeptFinding) -> bool:
        """Do people not want to be told this? What is critical they are told in any case."""
        return finding.severity != "critical" and any(_fits(rule, finding) for rule in self.rules)


class ToneRules:
    """How the people of a channel want answers to be said. They come with the claim of the run, so
    they cost no round trip."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def wishes(self) -> tuple[Code, ...]:
        if not (said := _claimed(self._run.channel)):
            return ()  # most places; nothing is recorded
        given: list[list[str]] = self._run.step(
            "rules",
            {},
            lambda: Outcome(said, statements=RuleStore(self._run).heeded([*map(_of_tone, said)])),
            defer=True,
        )
        return _shown([words for _, words in given])


def _claimed(channel: Mapping[str, object]) -> list[list[str]]:
    found = channel.get("rules")
    return found if isinstance(found, list) else []


def _of_tone(said: Sequence[str]) -> LearntRule:
    id_, words = said
    return LearntRule(id_, "tone", "person", "", words)


def _shown(lines: Sequence[str]) -> tuple[Code, ...]:
    return (Code("rules of the team", "\n".join(f"- {one}" for one in lines)),) if lines else ()


def _with_reach(rule: LearntRule) -> str:
    return f"{rule.words} (in {rule.path})" if rule.scope in {"lines", "file"} else rule.words


def _fits(rule: LearntRule, finding: KeptFinding) -> bool:
    """Is the finding what the rule is about, where it reaches?"""
    if not rule.about or claims_alike(rule.about, finding.claim) < ALIKE:
        return False
    if not is_kin(finding, finding._replace(category=rule.category)):
        return False
    match rule.scope:
        case "lines":
            return shapes_alike(rule.shape, finding.shape) > 0
        case "file":
            return rule.path == finding.path
    return True
