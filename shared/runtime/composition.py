"""The composition root of flows: builds what a process shares, and the handler of its flow."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shared.actions import Action, Adapter, Query
from shared.actions.places import configured
from shared.actions.platforms import Platforms
from shared.agent.agent import Capabilities
from shared.agent.flow import Flow
from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.aws.queue import Queue
from shared.database import OPERATOR, ROLE, Database
from shared.desk import Services
from shared.events import Json
from shared.journal import Journal
from shared.memory.audience import Audiences, grants_from
from shared.memory.conversations.turns import Conversations
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.memory.store import MemoryStore
from shared.models.guards.budgets import Budgets
from shared.models.routing import Models
from shared.runtime.lifecycle import Lifecycle, own_hosts
from shared.runtime.own_voice import OwnVoice
from shared.runtime.patience import Patience
from shared.runtime.worker import LambdaHandler, Worker, time_left
from shared.settings import Settings

Adapters = Callable[[Action | Query], Adapter]

#: Seconds that remain of an invocation when it waits for the database no longer: enough to hide
#: its message, and to say why.
_LAST_WORDS = 5.0


def compose(flow: Flow, settings: Settings) -> LambdaHandler:
    """Build the handler of `flow`. Nothing is connected before it is used."""
    role = OPERATOR if flow.operator else ROLE
    settings.require("database_url")
    database = Database(settings.credential("database_url"), role=role, own_login=True)
    can = capabilities(settings, database, Platforms(flow.may, flow.reads, settings, database))
    return _in_time(handler_of(flow, Journal(database), can), database)


def _in_time(handler: LambdaHandler, database: Database) -> LambdaHandler:
    """Wait for the database no longer than an invocation of the handler may take."""

    def timed(event: Json, context: Any) -> Json:
        database.until = time.monotonic() + time_left(context)() - _LAST_WORDS
        return handler(event, context)

    return timed


def capabilities(
    settings: Settings,
    database: Database,
    adapter: Adapters,
    others: Mapping[type, Callable[[], Any]] | None = None,
    models: Models | None = None,
) -> Capabilities:
    """Build the capabilities of agents; `others` are services in place of those built here, and
    `models` those in place of the settings'."""
    models = models or Models(settings, database)
    embedders = TenantEmbedders(database, settings.model_embed, models.embedder)
    memory = MemoryStore(database, embedders)
    audiences = Audiences(database, grants_from(settings.audiences))

    services: dict[type, Callable[[], Any]] = {
        Settings: lambda: settings,
        Database: lambda: database,
        Models: lambda: models,
        TenantEmbedders: lambda: embedders,
        MemoryStore: lambda: memory,
        Audiences: lambda: audiences,
        Budgets: lambda: Budgets(database, settings.budgets),
        Looks: lambda: Looks.of(settings),
        Bus: lambda: Bus(settings.require("topic_arn"), settings.payload_bucket),
    }
    return Capabilities(
        settings=settings,
        models=models,
        memory=memory,
        conversations=Conversations(database),
        audiences=audiences,
        adapter=adapter,
        services=Services(services | dict(others or {})),
    )


def handler_of(flow: Flow, journal: Journal, can: Capabilities) -> LambdaHandler:
    """Build the worker of `flow`, with the states of its plans when it has any."""
    settings = can.settings
    flow = flow.placed(configured(settings.places).get(flow.name, ()))
    lifecycle = Lifecycle(flow, journal, can)
    voice, bucket = OwnVoice(journal, settings), settings.payload_bucket
    queue = can.services.get(Queue, Queue)
    patience = Patience.of(settings)
    worker = Worker(flow, lifecycle, voice, patience=patience, queue=queue, bucket=bucket)
    if flow.plans is None:
        return worker
    from shared.planning.desk import executions_of
    from shared.planning.states.runner import StateRunner
    from shared.planning.store import PlanStore
    from shared.runtime.machine import PlanMachine

    store = PlanStore(can.services[Database])
    executions = partial(executions_of, settings)
    hosts = own_hosts(settings)
    runner = StateRunner(flow, lifecycle.attempt, store, executions, can.adapter, hosts=hosts)
    return PlanMachine(worker, runner)
