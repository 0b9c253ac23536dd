"""Performs one write of a plan's tools in processes that die by SIGKILL at the boundary asked for.

A boundary is the moment before or after anything that leaves the process: a transaction, a request
to GitHub, a call to Slack. Each line of the input is one delivery, each line of the output how it
ended: `done`, `again` or `killed`.
"""

import json
import os
import signal
import sys
from typing import Any

from shared.actions import Action, Adapter, Query
from shared.actions.github.actions import OpenDraft, OpenIssue, Repository
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.connection import Connection, GitHubResponse
from shared.actions.github.session import GitHubSession
from shared.actions.slack.actions import Channel, Post
from shared.actions.slack.adapter import SlackAdapter
from shared.agent import Agent, flow
from shared.aws.queue import Queue
from shared.events import Event
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory
from tests.actions.slack.chat_runner import Context, batch
from tests.crash.killed_process import BriefJournal, KillableDatabase, KillSwitch, killable_client

_ENDS = {0: "done", 1: "again", -signal.SIGKILL: "killed"}
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


def killable_session(switch: KillSwitch) -> type[GitHubSession]:
    class KillableSession(GitHubSession):
        def send(self, *arguments: Any, **named: Any) -> tuple[Connection, GitHubResponse]:
            switch.boundary()
            answer = super().send(*arguments, **named)
            switch.boundary()
            return answer

    return KillableSession


def deliver(order: dict[str, Any]) -> bool:
    """Handle one event; False when it goes back to the queue."""
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
    return not answer["batchItemFailures"]


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            # What the flow logs is not for the reader of our output.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            os._exit(0 if deliver(json.loads(line)) else 1)
        _, status = os.waitpid(child, 0)
        print(_ENDS.get(os.waitstatus_to_exitcode(status), "broken"), flush=True)


if __name__ == "__main__":
    main()
