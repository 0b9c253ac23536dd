"""The composition root and the Lambda entry point of every flow: FLOW names the flow, the rest is
settings."""

from shared.cold_start import ready

# isort: split
from collections.abc import Callable

from shared.actions import Action, Adapter, Query
from shared.agent import Capabilities
from shared.bus import Bus
from shared.database import Database
from shared.errors import PolicyError
from shared.executions import Executions
from shared.flow import Flow, load_flow
from shared.journal import Journal
from shared.memory.conversations import Conversations
from shared.memory.embedders import local_embedder
from shared.memory.store import MemoryStore
from shared.models.batch import connect
from shared.models.batch.dispatcher import Dispatcher
from shared.models.routing import Models
from shared.planning.store import PlanStore
from shared.settings import Settings
from shared.worker import Handler, Worker

ready()


def compose(flow: Flow, settings: Settings) -> Handler:
    """Build the worker of `flow`, with the states of its plans when it has any. Nothing is
    connected before it is used."""
    database = Database(settings.require("database_url"))
    journal, can = Journal(database), capabilities(flow, settings, database)
    worker = Worker(flow, journal, can)
    if flow.plans is None:
        return worker
    from shared.planner.machine import Planner
    from shared.planner.states import States

    return Planner(worker, States(flow, journal, can))


def capabilities(flow: Flow, settings: Settings, database: Database) -> Capabilities:
    """Build what the agents of `flow` think, remember and act with."""
    models = Models(settings, database)
    embedder = local_embedder(settings.model_embed) or models.embedder()
    return Capabilities(
        settings=settings,
        models=models,
        memory=MemoryStore(database, embedder),
        conversations=Conversations(database),
        adapter=_adapters(flow, settings),
        dispatcher=lambda: _dispatcher(settings, database),
        plans=PlanStore(database),
        executions=lambda: Executions(settings.require("planner_arn")),
    )


def _adapters(flow: Flow, settings: Settings) -> Callable[[Action | Query], Adapter]:
    """Connect the platforms that the flow acts on or reads, while a cold start has the most CPU."""
    kinds = {permission.action.connect for permission in flow.may}
    kinds |= {query.connect for query in flow.reads}
    connected = {connect: connect(settings) for connect in kinds}

    def adapter(wanted: Action | Query) -> Adapter:
        if wanted.connect not in connected:
            raise PolicyError(
                f"{type(wanted).__name__} is not in the flow's may=[…] or reads=[…]; add it there"
            )
        return connected[wanted.connect]

    return adapter


def _dispatcher(settings: Settings, database: Database) -> Dispatcher:
    """Build what only the flow of the batches uses."""
    bus = Bus(settings.require("topic_arn"), settings.payload_bucket)
    return Dispatcher(database, lambda model: connect(model, settings), bus.publish)


def __getattr__(name: str) -> object:
    """Build `handler` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "handler":
        raise AttributeError(name)
    settings = Settings.from_environment()
    return compose(load_flow(settings.require("flow")), settings)
