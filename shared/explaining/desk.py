"""`why` in a conversation: the run that a person points at, as far as may be shown there."""

from typing import Self

from shared.database import Database
from shared.desk import Loan
from shared.explaining.explanation import ReasonFinder
from shared.explaining.question import Pointer
from shared.explaining.telling import told
from shared.journal import Outcome
from shared.memory.audience import Audiences


class WhyDesk:
    """Explains runs in the place where somebody asks."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._database = loan.services[Database]
        self._audiences = loan.services[Audiences]

    def why(self, text: str) -> str:
        """Explain the run, the delivery or the address; '' when `text` is none of these."""
        question = Pointer.parse(text)
        if question is None or question.memory:
            return ""
        event = self._run.event
        visible = self._audiences.visible_from(event.audience, event.scope)

        def work() -> Outcome:
            seen = self._audiences.existing(event.tenant, visible)
            bounds = {"everywhere": False, "audiences": sorted(seen)}
            return Outcome(told(ReasonFinder(self._database, event.tenant, bounds).of(question)))

        # Of this name, since forgetting looks into what was told of memories (forgetting.sql).
        return str(self._run.step("why", {"of": text}, work))
