"""Chat in Slack: answer direct messages, mentions, and the threads that the agent is already part
of, and again when a question is edited; and others' questions where a channel wants it."""

from collections.abc import Sequence
from functools import partial

from shared.actions.slack.actions import Card, Correct, React, Reply
from shared.actions.slack.views.actions import OfferDraft
from shared.agent import Agent, flow
from shared.agent.tools import Tool
from shared.events import Event
from shared.evidence.desk import EvidenceDesk
from shared.evidence.unasked import unasked
from shared.hearing.desk import HearingDesk
from shared.hearing.own_nature import is_all, own_words
from shared.learning.choices.desk import Choices
from shared.learning.rewards import accepted, cost, dismissed, relabelled
from shared.learning.rules.heeding import ToneRules
from shared.learning.signals.answers import AnswerSignals
from shared.proposals import tools
from shared.proposals.desk import MOST_AT_ONCE
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.questions import is_question

PROMPT = """\
You are a member of this team who answers in Slack. Answer what was said last, shortly and exactly,
in its language; several messages in a row get one answer. Use what the memories and the
conversation say; where they do not answer, search. You do nothing outside of this conversation:
what people ask you to do there, propose by a tool. You are an AI and say so when asked. Never rate,
rank or compare people."""

#: Which model answers: the first until a policy chooses, for each kind of request.
MODELS = ("large", "small")
#: Characters of a short request.
_SHORT = 120


@flow(
    "slack.app_mention",
    "slack.message.im",
    "slack.message.channels",
    "slack.message.groups",
    "slack.message.mpim",
    "slack.message_changed",
    may=[
        React.at_most(1),
        Reply.at_most(1),
        Correct.at_most(1),
        Card.at_most(MOST_AT_ONCE),
        OfferDraft.at_most(1),
    ],
    reads=(*EvidenceDesk.READS, *tools.READS),
    shares={"fact"},
    reaches=True,
    rewards=[accepted, dismissed, relabelled, cost],
)
def chat(event: Event, agent: Agent) -> None:
    hearing = agent.desk(HearingDesk)
    if event.type == "slack.message_changed":
        if edited := hearing.edited(agent.conversation):
            answer = _answer(agent, hearing, edited.text, stream=False)
            agent.act(Correct(edited.thread, edited.stamps, answer))
        return
    if not (event.addressed or agent.conversation.engaged):
        if action := unasked(agent, partial(_speaks, agent)):
            agent.act(action)
        return
    agent.desk(AnswerSignals).note()
    agent.act(React(event.message, "eyes"))
    if said := hearing.listen(agent.conversation):
        answer = _answer(agent, hearing, said, tools.proposing(agent))
        agent.act(Reply(event.thread, answer, rated=True))
        for card in tools.cards(agent):
            agent.act(card)


def _speaks(agent: Agent) -> bool:
    """Choose whether to answer, in this channel, what nobody asked the agent."""
    return agent.desk(Choices).choose("answer unasked", (True, False), {"place": agent.event.place})


def _answer(
    agent: Agent,
    hearing: HearingDesk,
    said: str,
    offered: Sequence[Tool] = (),
    *,
    stream: bool = True,
) -> str:
    words = own_words(said)
    if is_all(said, words):
        return agent.conversation.answered("\n\n".join(words))
    evidence, knowledge = agent.desk(EvidenceDesk), agent.recall(said, limit=6)
    wishes = (*agent.desk(ChannelDesk).wishes, *agent.desk(ToneRules).wishes)
    context = (knowledge, *hearing.attached(agent.conversation), *wishes)
    every = (*evidence.tools(), *offered)
    model = agent.desk(Choices).choose("model", MODELS, {"request": _kind(said)})
    answer = agent.converse(
        PROMPT, *context, tools=every, model=model, stream=stream, evidence=evidence
    )
    return "\n\n".join([*words, answer])


def _kind(said: str) -> str:
    """Return the kind of a request: a question or an order, short or long."""
    kind = "question" if is_question(said) else "order"
    return kind if len(said) <= _SHORT else f"long {kind}"
