"""Work towards a goal in steps: make a plan, ask before it leaves the conversation, carry it out,
report."""

import json
import re
from dataclasses import dataclass

from shared.actions import Action
from shared.actions.github import AddLabels, Comment, ListLabels
from shared.actions.slack import React, Reply
from shared.agent import Agent
from shared.errors import EventError, PolicyError
from shared.events import Event, Issue
from shared.flow import flow
from shared.planning.desk import Answer
from shared.plans import Plans, reads, writes

_COMMAND = re.compile(
    r"(?:<@[^>]*>\s*)?/?(plan|approve|reject|change|cancel)\b[ \t]*(.*)", re.I | re.S
)


@dataclass(frozen=True)
class Label:
    name: str
    description: str


@dataclass(frozen=True)
class Labels:
    items: tuple[Label, ...]


@dataclass(frozen=True)
class Remembered:
    text: str
    ref: str
    url: str


@dataclass(frozen=True)
class Memories:
    items: tuple[Remembered, ...]


@dataclass(frozen=True)
class Text:
    text: str


@reads(needs="issue")
def list_labels(agent: Agent) -> Labels:
    """List the labels that the repository has."""
    found = agent.read(ListLabels(agent.event.issue.repository))
    return Labels(tuple(Label(label["name"], label["description"] or "") for label in found))


@reads()
def recall(agent: Agent, query: str) -> Memories:
    """Find what is remembered about a topic: past issues, documents, facts."""
    found = agent.recall(query, limit=10)
    return Memories(tuple(Remembered(m.text, m.ref, m.url) for m in found))


@reads()
def write_text(agent: Agent, task: str, material: object = None) -> Text:
    """Write a text from material, such as a step's output: summarise it, group it, draft it."""
    shown = agent.event if material is None else json.dumps(material, ensure_ascii=False)
    return Text(agent.ask(task, shown, returns=str, model="large"))


@writes(AddLabels, needs="issue")
def add_labels(event: Event, labels: tuple[str, ...], number: int | None = None) -> AddLabels:
    """Put labels, which the repository must have, on an issue: this one, or one by its number."""
    return AddLabels(_issue(event, number), labels)


@writes(Comment, needs="issue")
def comment(event: Event, body: str, number: int | None = None) -> Comment:
    """Write a comment on an issue: this one, or one by its number."""
    return Comment(_issue(event, number), body)


@writes(Reply, needs="thread")
def reply(event: Event, text: str) -> Reply:
    """Post a text into this Slack thread."""
    return Reply(event.thread, text)


def _issue(event: Event, number: int | None) -> Issue:
    return event.issue if number is None else event.issue._replace(number=number)


_ANSWERS: dict[str, Answer] = {
    "approve": "approved",
    "reject": "rejected",
    "change": "changed",
}


def say(event: Event, text: str) -> Action | None:
    """Tell the people of the conversation something; who asked through the API reads it there."""
    if event.source == "api":
        return None
    return Comment(event.issue, text) if event.issue_target else Reply(event.thread, text)


@flow(
    "github.issue_comment.created",
    "slack.app_mention",
    "api.command.plan",
    "api.command.cancel",
    "api.command.approve",
    "api.command.reject",
    "api.command.change",
    may=[Comment.at_most(10), AddLabels.at_most(30), Reply.at_most(10), React.at_most(1)],
    plans=Plans(tools=(list_labels, recall, write_text, add_labels, comment, reply), say=say),
)
def plan(event: Event, agent: Agent) -> None:
    if event.source == "api":
        _asked_through_the_api(event, agent)
        return
    command = _COMMAND.match(event.text.strip())
    if command is None:
        return
    name, words = command[1].lower(), command[2].strip()
    if name == "plan":
        if not event.actor.may_write:
            raise PolicyError("plan needs write permission; somebody who has it must ask")
        agent.plans.start(words)
    elif name == "cancel":
        agent.plans.cancel(words)
    elif name == "change":
        agent.plans.answer("changed", words)
    else:
        agent.plans.answer(_ANSWERS[name], of=words)


def _asked_through_the_api(event: Event, agent: Agent) -> None:
    """Do what a request to the API wants; one that finds nothing fails, which its run tells."""
    name, about = event.type.rpartition(".")[2], event.payload
    if name == "plan":
        agent.plans.start(event.text)
    elif name == "cancel":
        if not agent.plans.cancel(about["run"]):
            raise EventError(f"there is no open plan {about['run']}; it may be over")
    elif not agent.plans.answer(
        _ANSWERS[name], event.text, of=about["run"], step=about["step"], digest=about["digest"]
    ):
        raise EventError(
            f"plan {about['run']} asks nothing of this digest about {about['step']};"
            " read the run again"
        )
