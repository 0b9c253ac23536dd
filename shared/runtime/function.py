"""The composition root and the Lambda entry point of every flow: FLOW names the flow, the rest is
settings."""

from shared.aws.cold_start import ready

# isort: split
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.actions import Action, Adapter, Query
from shared.agent.agent import Capabilities
from shared.aws.bus import Bus
from shared.database import Database
from shared.errors import PolicyError, SettingsError
from shared.agent.flow import Flow, load_flow
from shared.journal import Journal
from shared.memory.audience import Audiences, grants_from
from shared.memory.conversations.turns import Conversations
from shared.memory.store import MemoryStore
from shared.memory.embedding.tenants import TenantEmbedders
from shared.models import Payer, ModelReply, ModelRequest
from shared.models.routing import Models
from shared.settings import Settings
from shared.runtime.worker import Handler, Worker

if TYPE_CHECKING:
    from shared.aws.executions import Executions
    from shared.memory.control.store import MemoryControl
    from shared.models.batch.dispatcher import Dispatcher
    from shared.planning.store import PlanStore
    from shared.memory.upkeep.spread import Upkeep, Work

ready()


def compose(flow: Flow, settings: Settings) -> Handler:
    """Build the worker of `flow`, with the states of its plans when it has any. Nothing is
    connected before it is used."""
    database = Database(settings.require("database_url"))
    journal, can = Journal(database), capabilities(flow, settings, database)
    worker = Worker(flow, journal, can)
    if flow.plans is None:
        return worker
    from shared.runtime.machine import Planner
    from shared.planning.states.runner import States

    return Planner(worker, States(flow, journal, can))


def capabilities(flow: Flow, settings: Settings, database: Database) -> Capabilities:
    """Build what the agents of `flow` think, remember and act with."""
    models = Models(settings, database)
    embedders = TenantEmbedders(database, settings.model_embed, models.embedder)
    store = MemoryStore(database, embedders)
    return Capabilities(
        settings=settings,
        models=models,
        memory=store,
        conversations=Conversations(database),
        audiences=Audiences(database, grants_from(settings.audiences)),
        control=lambda: _control(database),
        adapter=_adapters(flow, settings),
        dispatcher=lambda: _dispatcher(settings, database),
        upkeep=lambda: _upkeep(settings, database, models, embedders, store),
        plans=lambda: _plans(database),
        executions=lambda: _executions(settings),
    )


def _adapters(flow: Flow, settings: Settings) -> Callable[[Action | Query], Adapter]:
    """Connect the platforms that the flow acts on or reads, while a cold start has the most CPU.

    One without credentials is left out: it fails when a flow of several platforms needs it.
    """
    kinds = {permission.action.connect for permission in flow.may}
    kinds |= {query.connect for query in flow.reads}
    connected = {}
    for platform in kinds:
        with suppress(SettingsError):
            connected[platform] = platform(settings)

    def adapter(wanted: Action | Query) -> Adapter:
        if wanted.connect not in kinds:
            raise PolicyError(
                f"{type(wanted).__name__} is not in the flow's may=[…] or reads=[…]; add it there"
            )
        return connected.get(wanted.connect) or wanted.connect(settings)

    return adapter


def _control(database: Database) -> "MemoryControl":
    from shared.memory.control.store import MemoryControl

    return MemoryControl(database)


def _plans(database: Database) -> "PlanStore":
    from shared.planning.store import PlanStore

    return PlanStore(database)


def _executions(settings: Settings) -> "Executions":
    from shared.aws.executions import Executions

    return Executions(settings.require("planner_arn"))


def _dispatcher(settings: Settings, database: Database) -> "Dispatcher":
    """Build what only the flow of the batches uses."""
    from shared.models.batch.connect import connect
    from shared.models.batch.dispatcher import Dispatcher

    return Dispatcher(database, lambda model: connect(model, settings), _bus(settings).publish)


def _upkeep(
    settings: Settings,
    database: Database,
    models: Models,
    embedders: TenantEmbedders,
    store: MemoryStore,
) -> "Upkeep":
    """Build what only the flow of the upkeep uses."""
    from shared.memory.conversations.extraction import FactExtraction
    from shared.memory.upkeep.consolidation import Consolidation
    from shared.memory.upkeep.reembedding import Reembedding
    from shared.memory.upkeep.spread import Upkeep

    def ask(tenant: str, request: ModelRequest, seconds: float) -> ModelReply:
        payer = Payer(tenant, "upkeep")
        return models.reply("small", request, timeout=seconds, payer=payer)

    unused_days = int(settings.memory_unused_days)
    works: dict[str, Work] = {
        "facts": FactExtraction(database, store, ask).advance,
        "vectors": Reembedding(database, embedders).advance,
        "consolidation": Consolidation(database, embedders, unused_days=unused_days).run,
    }
    return Upkeep(database, _bus(settings).publish, works)


def _bus(settings: Settings) -> Bus:
    return Bus(settings.require("topic_arn"), settings.payload_bucket)


def __getattr__(name: str) -> object:
    """Build `handler` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "handler":
        raise AttributeError(name)
    settings = Settings.from_environment()
    return compose(load_flow(settings.require("flow")), settings)
