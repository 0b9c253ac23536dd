"""Makes candidates for rules of what people say: why a finding is refused, and how answers should
be said. Only the words of people who may write are taken, without what they quote."""

import re
from typing import Self

from shared.desk import Loan
from shared.events import Event
from shared.journal import Outcome
from shared.learning.findings import KeptFinding
from shared.learning.likeness import claims_alike
from shared.learning.refusals import said_itself
from shared.learning.rules.store import LearntRule, RuleStore, new_rule
from shared.learning.signals.moments import moment_of

#: The share of meanings in common from which on two claims ask for the same rule.
ALIKE = 0.5
#: Words that say no more than that somebody refuses.
_LEAST = 4


class ProposedRules:
    """Proposes for one run. The caller knows that its person may decide."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._store = RuleStore(loan.run)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def of_finding(self, finding: KeptFinding) -> None:
        """Let what the person says against a finding become a rule, or add their voice to one that
        says the same: said by two people of other files, it reaches the repository."""
        event, words = self._run.event, _worth(self._run.event)
        if not words:
            return
        about = {"place": event.scope, "purpose": "review", "category": finding.category}

        def look() -> Outcome:
            return Outcome([one._asdict() for one in self._store.read("here", **about)])

        here = [LearntRule.of_row(one) for one in self._run.step("rules here", about, look)]
        alike = [one for one in here if claims_alike(one.about, finding.claim) >= ALIKE]
        fresh = new_rule("review", "file", event.scope, words, **_of(finding))
        rule = alike[0] if alike else fresh
        if rule.path != finding.path:
            rule = rule._replace(scope="repository")
        self._keep(rule, f"{finding.id} {event.actor.id}", words, finding.path)

    def of_tone(self, words: str) -> None:
        """Let what the person says of how an answer is said become a rule for answers to them."""
        event = self._run.event
        if event.scope and len(words.split()) >= _LEAST - 1:
            rule = new_rule("tone", "person", event.scope, words, person=event.actor.id)
            self._keep(rule, event.id, words)

    def _keep(self, rule: LearntRule, key: str, words: str, path: str = "") -> None:
        event = self._run.event
        kept = self._store.proposed(rule, key, event.actor.id, words, moment_of(event), path=path)
        about = {"rule": rule.id, "key": key}
        self._run.step("propose rule", about, lambda: Outcome(None, statements=kept), defer=True)


def _of(finding: KeptFinding) -> dict[str, str]:
    return {
        "path": finding.path,
        "shape": finding.shape,
        "category": finding.category,
        "about": finding.claim,
    }


def _worth(event: Event) -> str:
    """Return the words of a reply that give a reason; '' for a bare refusal."""
    words = " ".join(said_itself(event.text).split())
    is_long = len(words.split()) >= _LEAST or len(re.findall(r"[^\x00-\x7f]", words)) >= _LEAST
    return words if is_long else ""
