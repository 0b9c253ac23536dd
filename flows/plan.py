"""Work towards a goal in steps: make a plan, ask before it leaves the conversation, carry it out,
report."""

import json
from dataclasses import dataclass

from shared.actions import Action
from shared.actions.github import AddLabels, Comment, ListLabels, NamedComment
from shared.actions.slack import Button, Card, React, Reply, Whisper
from shared.agent import Agent
from shared.errors import PolicyError
from shared.events import Event, Issue
from shared.flow import flow
from shared.perception.commands import command_of, event_types
from shared.planning.displays import Display
from shared.plans import Plans, reads, writes


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


def say(event: Event, text: str) -> Action:
    """Tell the people of the conversation something."""
    return Comment(event.issue, text) if event.issue_target else Reply(event.thread, text)


def show(event: Event, display: Display) -> Action:
    """Show people a message of the plan, which changes."""
    if event.issue_target:
        return NamedComment(event.issue, display.name, display.text)
    buttons = tuple(Button(*choice) for choice in display.choices)
    return Card(event.thread, display.name, display.text, buttons)


@flow(
    *event_types("plan", "approve", "reject", "change", "cancel"),
    "slack.block_actions",
    may=[
        Whisper.at_most(1),
        Comment.at_most(10),
        AddLabels.at_most(30),
        Reply.at_most(10),
        React.at_most(1),
        Card.at_most(1),
        NamedComment.at_most(1),
    ],
    plans=Plans(
        tools=(list_labels, recall, write_text, add_labels, comment, reply), say=say, show=show
    ),
)
def plan(event: Event, agent: Agent) -> None:
    if event.type == "slack.block_actions":
        if words := agent.plans.click(event.text):
            agent.act(Whisper(event.response, words))
        return
    name, words = command_of(event.type), event.text
    if name == "plan":
        if not event.actor.may_write:
            raise PolicyError("plan needs write permission; somebody who has it must ask")
        agent.plans.start(words)
    elif name == "cancel":
        agent.plans.cancel(words)
    elif name == "change":
        agent.plans.answer("changed", words)
    else:
        agent.plans.answer("approved" if name == "approve" else "rejected", of=words)
