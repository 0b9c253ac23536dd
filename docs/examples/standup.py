"""Ask a channel every morning what people are up to, and keep a summary of their answers."""

from shared.actions.places import CONFIGURED
from shared.actions.slack.actions import Card, Channel, Post, ReadThread
from shared.agent import Agent, flow
from shared.events import Event

QUESTION = "Good morning! What are you working on, and what is in your way? Answer in this thread."
PROMPT = """\
Summarise the answers of a stand-up in one list: a line for each person with what they do today,
then what is in somebody's way. Add nothing."""


@flow(
    "schedule.standup",
    "slack.message.channels",
    "slack.message.groups",
    may=[Post.on(CONFIGURED, limit=1), Card.at_most(1)],
    reads=[ReadThread],
)
def standup(event: Event, agent: Agent) -> None:
    if event.source == "schedule":
        agent.act(Post(Channel(event.channel), QUESTION))
    elif event.thread.ts != event.message.ts:
        question, *answers = agent.read(ReadThread(event.thread))["items"]
        if question["text"].startswith(QUESTION):
            said = [f"<@{one['author']}> {one['text']}" for one in answers]
            summary = agent.ask(PROMPT, *said, returns=str)
            agent.act(Card(event.thread, "summary", summary))
