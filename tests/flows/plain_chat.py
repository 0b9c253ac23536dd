"""The chat flow as it is without evidence, so that a model may say what it likes: for tests of how
messages are heard and how answers grow and end. flows.chat shows whole sentences only, and those
with sources once checked."""

from collections.abc import Sequence

from shared.actions.slack.actions import Card, Correct, React, Reply
from shared.agent import Agent, flow
from shared.agent.tools import Tool
from shared.events import Event
from shared.hearing.desk import HearingDesk
from shared.proposals import tools
from shared.proposals.desk import MOST_AT_ONCE

PROMPT = "Answer what was said last, shortly."


@flow(
    "slack.app_mention",
    "slack.message.im",
    "slack.message.channels",
    "slack.message.groups",
    "slack.message.mpim",
    "slack.message_changed",
    may=[React.at_most(1), Reply.at_most(1), Correct.at_most(1), Card.at_most(MOST_AT_ONCE)],
    reads=tools.READS,
    shares={"fact"},
    reaches=True,
)
def chat(event: Event, agent: Agent) -> None:
    hearing = agent.desk(HearingDesk)
    if event.type == "slack.message_changed":
        if edited := hearing.edited(agent.conversation):
            answer = _answer(agent, hearing, edited.text, stream=False)
            agent.act(Correct(edited.thread, edited.stamps, answer))
        return
    if not (event.addressed or agent.conversation.engaged):
        return
    agent.act(React(event.message, "eyes"))
    if said := hearing.listen(agent.conversation):
        answer = _answer(agent, hearing, said, tools.proposing(agent))
        agent.act(Reply(event.thread, answer, rated=True))
        for card in tools.cards(agent):
            agent.act(card)


def _answer(
    agent: Agent,
    hearing: HearingDesk,
    said: str,
    offered: Sequence[Tool] = (),
    *,
    stream: bool = True,
) -> str:
    knowledge, attached = agent.recall(said, limit=6), hearing.attached(agent.conversation)
    return agent.converse(PROMPT, knowledge, *attached, tools=offered, stream=stream)
