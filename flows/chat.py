"""Chat in Slack: answer direct messages, mentions, and the threads that the agent is already part
of."""

from shared.actions.slack.actions import React, Reply
from shared.agent import Agent, flow
from shared.events import Event
from shared.hearing.desk import HearingDesk

PROMPT = """\
You are a member of this team who answers in Slack. Answer what was said last, shortly and exactly,
in its language; several messages in a row get one answer. Use what the memories say and name their
source. When neither they nor the conversation hold the answer, say that you do not know."""


@flow(
    "slack.app_mention",
    "slack.message.im",
    "slack.message.channels",
    "slack.message.groups",
    "slack.message.mpim",
    may=[React.at_most(1), Reply.at_most(1)],
    shares={"fact"},
)
def chat(event: Event, agent: Agent) -> None:
    if not (event.addressed or agent.conversation.engaged):
        return
    agent.act(React(event.message, "eyes"))
    if not (said := agent.desk(HearingDesk).listen(agent.conversation)):
        return  # it was deleted
    knowledge = agent.recall(said, limit=6)
    agent.act(Reply(event.thread, agent.converse(PROMPT, knowledge)))
