"""Answer the commands: remember, forget, know, why, export, gaps, learnings and help; and
those that tell who a person is on the other side: link and unlink."""

from shared.actions import Action
from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Reply, Whisper
from shared.agent import Agent, flow
from shared.events import Event
from shared.evidence.gaps import GapsDesk
from shared.explaining.desk import WhyDesk
from shared.learning.learnings import LearningsDesk
from shared.memory.control.desk import MemoryDesk
from shared.people.desk import PeopleDesk
from shared.perception.commands import command_of, event_types


@flow(
    *event_types("help", "remember", "forget", "know", "why", "export", "learnings"),
    *event_types("link", "unlink"),
    "github.command.gaps",  # in Slack it may come each week: flows/errands.py
    may=[Comment.at_most(1), Reply.at_most(1), Whisper.at_most(1)],
)
def memory(event: Event, agent: Agent) -> None:
    desk = agent.desk(MemoryDesk)
    match command_of(event.type):
        case "remember":
            answer: object = desk.remember(event.text)
        case "forget":
            answer = desk.forget(event.text)
        case "know":
            answer = desk.know(event.text)
        case "why":
            answer = agent.desk(WhyDesk).why(event.text) or desk.why(event.text)
        case "export":
            answer = desk.export()
        case "help":
            answer = desk.help()
        case "link":
            text, ticket = agent.desk(PeopleDesk).link()
            agent.act(reply(event, text, ticket))
            return
        case name:
            answer = _beside(event, agent, name)
    if answer:
        agent.act(reply(event, desk.shown(answer)))


def _beside(event: Event, agent: Agent, name: str) -> str:
    """Answer what is not about the memory itself."""
    match name:
        case "gaps":
            return agent.desk(GapsDesk).shown(event.text)
        case "unlink":
            return agent.desk(PeopleDesk).unlink()
        case _:
            return agent.desk(LearningsDesk).shown()


def reply(event: Event, text: str, unrecorded: str = "") -> Action:
    if event.issue_target:
        return Comment(event.issue_target, text)
    if event.thread_target:
        return Reply(event.thread_target, text, unrecorded=unrecorded)
    return Whisper(event.response, text, unrecorded=unrecorded)
