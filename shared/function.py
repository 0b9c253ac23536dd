"""The composition root and the Lambda entry point of every flow: FLOW names the flow, the rest is
settings."""

from shared.cold_start import ready

# isort: split
from collections.abc import Callable
from contextlib import suppress

from shared.actions import Action, Adapter, Query
from shared.agent import Capabilities
from shared.bus import Bus
from shared.database import Database
from shared.errors import SettingsError
from shared.flow import Flow, load_flow
from shared.journal import Journal
from shared.memory.control import MemoryControl
from shared.memory.conversations import Conversations
from shared.memory.embedders import local_embedder
from shared.memory.store import MemoryStore
from shared.models.batch import connect
from shared.models.batch.dispatcher import Dispatcher
from shared.models.routing import Models
from shared.settings import Settings
from shared.worker import Worker

ready()


def compose(flow: Flow, settings: Settings) -> Worker:
    """Build the worker of `flow`. Nothing is connected before it is used."""
    database = Database(settings.require("database_url"))
    return Worker(flow, Journal(database), capabilities(flow, settings, database))


def capabilities(flow: Flow, settings: Settings, database: Database) -> Capabilities:
    """Build what the agents of `flow` think, remember and act with."""
    models = Models(settings, database)
    embedder = local_embedder(settings.model_embed) or models.embedder()
    return Capabilities(
        settings=settings,
        models=models,
        memory=MemoryStore(database, embedder),
        conversations=Conversations(database),
        control=MemoryControl(database),
        adapter=_adapters(flow, settings),
        dispatcher=lambda: _dispatcher(settings, database),
    )


def _adapters(flow: Flow, settings: Settings) -> Callable[[Action | Query], Adapter]:
    """Connect the platforms that the flow may act on now, while a cold start has the most CPU.

    One without credentials is left out: it fails when a flow of several platforms needs it.
    """
    connected = {}
    for platform in {permission.action.connect for permission in flow.may}:
        with suppress(SettingsError):
            connected[platform] = platform(settings)

    def adapter(wanted: Action | Query) -> Adapter:
        return connected.get(wanted.connect) or wanted.connect(settings)

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
