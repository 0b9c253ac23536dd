"""The composition root and the Lambda entry point of every flow: FLOW names the flow, the rest is
settings."""

from shared.aws.cold_start import ready

# isort: split
from typing import TYPE_CHECKING

from shared.actions.platforms import Platforms
from shared.agent.agent import Capabilities
from shared.agent.flow import Flow, load_flow
from shared.aws.bus import Bus
from shared.database import Database
from shared.journal import Journal
from shared.memory.audience import Audiences, grants_from
from shared.memory.conversations.turns import Conversations
from shared.memory.embedding.tenants import TenantEmbedders
from shared.memory.store import MemoryStore
from shared.models import Caller, Reply, Request
from shared.models.routing import Models
from shared.runtime.worker import Handler, Worker
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.aws.executions import Executions
    from shared.memory.control.store import MemoryControl
    from shared.memory.upkeep.spread import Upkeep, Work
    from shared.models.batch.dispatcher import Dispatcher
    from shared.planning.store import PlanStore

ready()


def compose(flow: Flow, settings: Settings) -> Handler:
    """Build the worker of `flow`, with the states of its plans when it has any. Nothing is
    connected before it is used."""
    database = Database(settings.require("database_url"))
    journal, can = Journal(database), capabilities(flow, settings, database)
    worker = Worker(flow, journal, can)
    if flow.plans is None:
        return worker
    from shared.planning.states.runner import States
    from shared.runtime.machine import Planner

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
        adapter=Platforms(flow.may, flow.reads, settings),
        dispatcher=lambda: _dispatcher(settings, database),
        upkeep=lambda: _upkeep(settings, database, models, embedders, store),
        plans=lambda: _plans(database),
        executions=lambda: _executions(settings),
    )


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
    from shared.models.batch import connect
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

    def ask(tenant: str, request: Request, seconds: float) -> Reply:
        caller = Caller(tenant, "upkeep")
        return models.reply("small", request, timeout=seconds, caller=caller)

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
