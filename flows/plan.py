"""Work towards a goal in steps: make a plan, ask before it leaves the conversation, carry it out,
report."""

from shared.actions import Action
from shared.actions.github import AddLabels, Assign, Comment, OpenDraft, OpenIssue
from shared.actions.slack import Post, React, Reply
from shared.agent import Agent
from shared.errors import PolicyError
from shared.events import Event
from shared.flow import flow
from shared.perception.commands import command_of, event_types
from shared.plans import Plans
from shared.toolbox import github, memory, slack

#: Whatever leaves the conversation waits for a person's consent, so posts may go to any channel.
MAY = (
    Comment.at_most(10),
    AddLabels.at_most(30),
    Assign.at_most(10),
    OpenIssue.at_most(5),
    OpenDraft.at_most(3),
    Reply.at_most(10),
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
    memory.recall,
    memory.write_text,
    github.comment,
    github.add_labels,
    github.assign,
    github.open_issue,
    github.open_draft_pull,
    slack.reply,
    slack.post,
)


def say(event: Event, text: str) -> Action:
    """Tell the people of the conversation something."""
    return Comment(event.issue, text) if event.issue_target else Reply(event.thread, text)


@flow(
    *event_types("plan", "approve", "reject", "change", "cancel"),
    may=MAY,
    plans=Plans(tools=TOOLS, say=say),
)
def plan(event: Event, agent: Agent) -> None:
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
