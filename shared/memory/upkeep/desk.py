"""The desk of upkeep: spreads the work on memory over tenants, and does it for one of them."""

from collections.abc import Callable, Mapping
from typing import Self

from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.database import Database
from shared.desk import Loan, Services
from shared.journal import Outcome
from shared.log import log
from shared.memory.conversations.extraction import FactExtraction
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.memory.store import MemoryStore
from shared.memory.upkeep.consolidation import Consolidation
from shared.memory.upkeep.reembedding import Reembedding
from shared.memory.upkeep.scheduling import Upkeep
from shared.models import ModelReply, ModelRequest, Payer
from shared.models.routing import Models
from shared.settings import Settings


class UpkeepDesk:
    """The work on memory in the background."""

    def __init__(self, loan: Loan, upkeep: Upkeep, looks: Looks) -> None:
        self._loan = loan
        self._upkeep = upkeep
        self._looks = looks

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the upkeep of all tenants."""
        upkeep = loan.services.get(Upkeep, lambda: _upkeep(loan.services))
        return cls(loan, upkeep, loan.services[Looks])

    def spread(self) -> dict[str, int]:
        """Publish an event for each tenant and each work that its memory needs; return counts."""
        event = self._loan.run.event
        done = self._step("spread", lambda seconds: self._upkeep.spread(event, seconds))
        if done.get("put off"):
            self._looks.after("upkeep", 0.0)
        return done

    def run(self, work: str) -> dict[str, int]:
        """Do `work` on the memory of the event's tenant until time is up; return counts. What is
        left comes again."""
        tenant = self._loan.run.event.tenant
        done = self._step(work, lambda seconds: self._upkeep.run(work, tenant, seconds))
        if (again := self._upkeep.look_again(work, tenant)) is not None:
            self._looks.after("upkeep", again)
        return done

    def _step(self, work: str, do: Callable[[float], Mapping[str, int]]) -> dict[str, int]:
        run, seconds = self._loan.run, self._loan.seconds_left()
        done = dict(run.step("upkeep", {"work": work}, lambda: Outcome(do(seconds))))
        log("upkeep done", work=work, run=run.id, event=run.event.id, counts=done)
        return done


def _upkeep(of: Services) -> Upkeep:
    """Build the upkeep with its kinds of work by name."""
    database, embedders = of[Database], of[TenantEmbedders]
    models, settings = of[Models], of[Settings]

    def ask(tenant: str, request: ModelRequest, seconds: float) -> ModelReply:
        payer = Payer(tenant, "upkeep")
        return models.reply("small", request, timeout=seconds, payer=payer)

    unused_days = int(settings.memory_unused_days)
    works = {
        "facts": FactExtraction(database, of[MemoryStore], ask).advance,
        "vectors": Reembedding(database, embedders).advance,
        "consolidation": Consolidation(database, embedders, unused_days=unused_days).run,
    }
    return Upkeep(database, of[Bus].publish, works)
