"""Hands events to the chat flow in processes that die by SIGKILL at the boundary asked for.

A boundary is the moment before or after anything that leaves the process: a transaction, a call to
the model, a call to Slack, of which each change of a draft is one. infra/certify/process.py says
how orders come and how they end.
"""

from importlib import import_module

from infra.certify.killing import (
    BriefJournal,
    KillableDatabase,
    KillableModels,
    KillSwitch,
    killable_client,
)
from infra.certify.process import serve
from infra.local.sandbox.slack import SlackSandbox
from shared.actions.drafts import Pace
from shared.actions.slack.adapter import SlackAdapter
from shared.events import Event, Json
from shared.runtime.composition import handler_of
from shared.settings import Settings
from tests.actions.slack.chat_runner import Context, Servers, batch, capabilities
from tests.flows.plain_chat import chat


def deliver(order: Json) -> Json:
    """Handle one event."""
    switch = KillSwitch(order["boundary"])
    servers = Servers(*order["servers"])
    slack = Settings(slack_bot_token=SlackSandbox.bot_token, slack_api_url=servers.slack)
    adapter = SlackAdapter(slack, client=killable_client(switch))
    with KillableDatabase(order["database"], switch) as database:
        can = capabilities(database, servers, Pace(*order["pace"]))
        models = KillableModels(can.settings, switch)
        killable = can._replace(models=models, adapter=lambda wanted: adapter)
        event = Event.from_json(order["event"])
        handle = handler_of(chat, BriefJournal(database), killable)
        answer = handle(batch(event, order["receives"]), Context())
    return {"again": bool(answer["batchItemFailures"])}


#: What a delivery loads, so that no process loads it by itself.
_LOADED = ("shared.models.providers.openai.model", "shared.memory.embedding.hashing")

if __name__ == "__main__":
    for module in _LOADED:
        import_module(module)
    serve(deliver)
