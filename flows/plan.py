"""Work towards a goal in steps: make a plan, ask before it leaves the conversation, carry it out,
report. In Slack, carry out what any flow proposed and a person approved."""

import re
from collections.abc import Sequence

from shared.actions import Action
from shared.actions.github.actions import (
    AddLabels,
    Assign,
    CloseIssue,
    Comment,
    LockIssue,
    NamedComment,
    OpenDraft,
    OpenIssue,
    RemoveLabels,
    ReopenIssue,
    SetMilestone,
)
from shared.actions.slack.actions import Button, Card, Channel, Post, React, Reply, Whisper
from shared.agent import Agent, flow
from shared.errors import ActionRejected, EventError
from shared.events import Event, Thread
from shared.hearing import thread_files
from shared.learning.rewards import accepted, cost, dismissed, reached, relabelled
from shared.perception.commands import command_of, event_types
from shared.planning.declaration import Plans
from shared.planning.desk import ANSWERS, PlanDesk
from shared.planning.messages import PlanMessage
from shared.planning.own_words import own_words
from shared.planning.tools import github, memory, slack
from shared.proposals import requests
from shared.proposals.answers import Decided, ProposalAnswers
from shared.proposals.carrying_out import carry_out
from shared.proposals.where import WhichRepository
from shared.team_settings.desk import TeamSettings

_COMMANDS = ("plan", "approve", "reject", "change")

#: Whatever leaves the conversation waits for a person's consent, so posts may go to any channel.
MAY = (
    Whisper.at_most(1),
    Comment.at_most(10),
    NamedComment.at_most(1),
    AddLabels.at_most(30),
    Assign.at_most(10),
    RemoveLabels.at_most(30),
    SetMilestone.at_most(10),
    CloseIssue.at_most(10),
    ReopenIssue.at_most(10),
    LockIssue.at_most(3),
    OpenIssue.at_most(5),
    OpenDraft.at_most(3),
    Reply.at_most(10),
    Card.at_most(2),
    Post.anywhere(3),
    React.at_most(1),
)
TOOLS = (
    github.search_issues,
    github.read_issue,
    github.search_code,
    github.read_file,
    github.list_commits,
    github.list_pulls,
    github.read_pull,
    github.list_labels,
    slack.read_thread,
    thread_files.read_files,
    memory.recall,
    memory.write_text,
    slack.reply,
    slack.post,
    github.comment,
    github.add_labels,
    github.assign,
    github.remove_labels,
    github.set_milestone,
    github.close_issue,
    github.reopen_issue,
    github.lock_issue,
    github.open_issue,
    github.open_draft_pull,
)


#: Asks somebody who named no goal.
_WHAT = (
    "What should I do? Tell me in steps, such as `/plan find issues about the login, then comment a"
    " summary`."
)
#: Slack takes slash commands in no thread, and a plan lives in one.
_IN_THREAD = "Press a button in the plan's thread, or mention me there with `{}`."
_NOT_IN = "I cannot write here. Invite me to the channel, or mention me where I am."


def say(event: Event, text: str) -> Action | None:
    """Tell the people of the conversation something; the API's callers read it there."""
    if event.source == "api":
        return None
    return Comment(event.issue, text) if event.issue_target else Reply(event.thread, text)


def show(event: Event, message: PlanMessage) -> Action | None:
    """Show people a message of the plan, which changes."""
    if event.source == "api":
        return None
    if event.issue_target:
        return NamedComment(event.issue, message.name, message.text)
    buttons = tuple(Button(*button) for button in message.buttons)
    return Card(event.thread, message.name, message.text, buttons)


@flow(
    *event_types(*_COMMANDS),
    *(f"api.command.{name}" for name in _COMMANDS),
    "slack.block_actions",
    may=MAY,
    plans=Plans(tools=TOOLS, say=say, show=show),
    settings=TeamSettings,
    rewards=[accepted, dismissed, relabelled, reached, cost],
)
def plan(event: Event, agent: Agent) -> None:
    if event.source == "api":
        _asked_through_the_api(event, agent)
        return
    if event.type == "slack.block_actions":
        if decided := agent.desk(ProposalAnswers).click(event.text):
            carry_out(event, agent, decided)
        elif words := agent.desk(PlanDesk).click(event.text):
            agent.act(Whisper(event.response, words))
        return
    name, words = command_of(event.type), event.text
    if name == "plan":
        _start(event, agent)
    elif event.response_target:
        agent.act(Whisper(event.response, _IN_THREAD.format(name)))
    elif name == "change":
        agent.desk(PlanDesk).answer("changed", words)
    elif decided := _proposed(event, agent, name):
        carry_out(event, agent, decided)
    else:
        agent.desk(PlanDesk).answer(ANSWERS[name], of=words)


def _proposed(event: Event, agent: Agent, name: str) -> Decided | None:
    """Answer a proposal, if the person means one: those are made in Slack."""
    if event.source != "slack":
        return None
    return agent.desk(ProposalAnswers).answer(is_yes=name == "approve", of=event.text)


def _start(event: Event, agent: Agent) -> None:
    """Start the plan. A slash command is in no thread, so its plan gets a thread of its own."""
    if not re.search(r"\w", own_words(event.text, event.source)):
        asked = Whisper(event.response, _WHAT) if event.response_target else say(event, _WHAT)
        assert asked is not None  # a request to the API has a goal
        agent.act(asked)
        return
    choices = requests.meant_by(agent, own_words(event.text, event.source))
    if not choices and not event.response_target:
        agent.desk(PlanDesk).start(event.text)
    elif thread := event.thread_target or _opened(event, agent):
        _begin(event, agent, thread, choices)


def _begin(event: Event, agent: Agent, thread: Thread, choices: Sequence[str]) -> None:
    """Start it in the thread, where it is clear which repository is meant; else ask."""
    if len(choices) > 1:
        agent.act(agent.desk(WhichRepository).asking(choices, thread))
    elif choices and choices[0] != event.repository:
        agent.desk(WhichRepository).go_on(choices[0], thread)
    else:
        agent.desk(PlanDesk).start(event.text, None if event.thread_target else thread)


def _opened(event: Event, agent: Agent) -> Thread | None:
    """Begin a thread for a slash command, which is in none."""
    place = event.response
    opening = Post(Channel(place.channel), f"{event.actor.name} wants a plan: {event.text}")
    try:
        root = agent.act(opening)
    except ActionRejected:
        agent.act(Whisper(place, _NOT_IN))
        return None
    return Thread(place.team, place.channel, root.id)


def _asked_through_the_api(event: Event, agent: Agent) -> None:
    """Do what a request to the API wants. When it finds nothing the run fails, and says so."""
    name, about = event.type.rpartition(".")[2], event.payload
    if name == "plan":
        agent.desk(PlanDesk).start(event.text)
    elif not agent.desk(PlanDesk).answer(
        ANSWERS[name], event.text, of=f"{about['run']}/{about['digest']}", step=about["step"]
    ):
        raise EventError(
            f"plan {about['run']} asks nothing of this digest about {about['step']};"
            " read the run again"
        )
