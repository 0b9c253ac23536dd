"""Performs one write of a plan's tools in processes that die by SIGKILL at the boundary asked for.

A boundary is the moment before or after anything that leaves the process: a transaction, a request
to GitHub, a call to Slack. infra/certify/process.py says how orders come and how they end.
"""

from infra.certify.killing import (
    BriefJournal,
    KillableDatabase,
    KillSwitch,
    killable_client,
    killable_session,
)
from infra.certify.process import serve
from shared.actions import Action, Adapter, Query
from shared.actions.github.actions import OpenDraft, OpenIssue, Repository
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.slack.actions import Channel, Post
from shared.actions.slack.adapter import SlackAdapter
from shared.agent import Agent, flow
from shared.aws.queue import Queue
from shared.events import Event, Json
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory
from tests.actions.slack.chat_runner import Context, batch

LONG = "今天天气很好。😀 " * 2_500
HERE = Repository("acme/shop")


@flow("github.issues.opened", may=[OpenDraft.at_most(1), OpenIssue.at_most(1), Post.anywhere(1)])
def writing(event: Event, agent: Agent) -> None:
    """Do the one write that the event names."""
    what, _, name = event.text.partition(" ")
    writes: dict[str, Action] = {
        "draft": OpenDraft(HERE, name, "It.", f"docs/{name}.md", f"Grüße {name} 😀\n"),
        "issue": OpenIssue(HERE, name, "It.", ("bug",)),
        "post": Post(Channel("#releases"), f"{name} {LONG}"),
    }
    agent.act(writes[what])


def deliver(order: Json) -> Json:
    """Handle one event."""
    switch = KillSwitch(order["boundary"])
    settings = Settings(
        **order["settings"],
        model_embed="hashing",
        footer="off",
        max_attempts="3",
        max_pause_hours="0",
    )
    github = GitHubAdapter(settings, session=killable_session(switch))
    slack = SlackAdapter(settings, client=killable_client(switch))

    def adapter(wanted: Action | Query) -> Adapter:
        return slack if isinstance(wanted, Post) else github

    with KillableDatabase(order["database"], switch) as database:
        can = capabilities(settings, database, adapter, {Queue: QueueInMemory})
        handle = handler_of(writing, BriefJournal(database), can)
        event = Event.from_json(order["event"])
        answer = handle(batch(event, order["receives"]), Context())
    return {"again": bool(answer["batchItemFailures"])}


if __name__ == "__main__":
    serve(deliver)
