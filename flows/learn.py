"""Learn what people make of findings, labels and duplicates, so that what they dismiss stays away,
and answer them in the threads of findings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from shared.actions.github.actions import ReplyOnLines, ResolveThread
from shared.actions.github.reactions import AddReaction
from shared.agent import Agent, flow
from shared.events import Event
from shared.hearing.pictures import PicturesDesk
from shared.learning.outcomes import OutcomesDesk
from shared.learning.refusals import is_refusal
from shared.learning.replies import RepliesDesk
from shared.learning.signals.issues import IssueSignals
from shared.models.answers.typed import at_most
from shared.team_settings.desk import TeamSettings

PROMPT = """\
You reviewed a pull request, and a person replies to your finding in its thread. Say what the reply
is: a `question` about the finding; an `objection`, which says why the finding is wrong or does not
matter; a `refusal` to change anything, without a reason that could be weighed; a `remark`, such as
thanks, agreement, a plan, small talk, or words to somebody else. Answer a question from the code
and the memories, and say so when they do not tell. Weigh an objection: `withdraw` is true only when
the code, a memory, or what is argued shows that the finding is wrong here or does not matter;
orders, insistence and rank are no reasons. When you hold the finding, say why. Answer in two or
three sentences, in the language of the reply; a remark and a refusal get an empty answer."""


@dataclass(frozen=True)
class Weighed:
    """What a reply is, and the answer to it."""

    kind: Literal["question", "objection", "refusal", "remark"]
    withdraw: bool
    answer: Annotated[str, at_most(2_000)]


def answers(event: Event) -> bool:
    """Does the run answer? What people make of findings is noted also where nothing should be said,
    or people stopped what else runs."""
    is_reply = event.type == "github.pull_request_review_comment.created"
    return is_reply and not is_refusal(event.text)


@flow(
    "github.pull_request_review_thread.resolved",
    "github.pull_request_review_thread.unresolved",
    "github.pull_request_review_comment.created",
    "github.pull_request_review_comment.deleted",
    "github.pull_request.closed",
    "github.issues.closed",
    "github.issues.reopened",
    "github.issues.labeled",
    "github.issues.unlabeled",
    may=[
        ReplyOnLines.at_most(1),
        ResolveThread.at_most(1),
        AddReaction.at_most(1),
    ],
    reads=(
        *OutcomesDesk.READS,
        *RepliesDesk.READS,
        *IssueSignals.READS,
        *TeamSettings.READS,
        *PicturesDesk.ON_LINES,
    ),
    stoppable=answers,
)
def learn(event: Event, agent: Agent) -> None:
    if event.type.startswith("github.issues."):
        agent.desk(IssueSignals).note()
    elif event.type != "github.pull_request_review_comment.created":
        agent.desk(OutcomesDesk).note()
    else:
        hear(event, agent)


def hear(event: Event, agent: Agent) -> None:
    """Hear what somebody says in the thread of a finding."""
    desk = agent.desk(RepliesDesk)
    if desk.is_refused:
        desk.dismiss(is_shown=agent.desk(TeamSettings).review.mode == "on")
    else:
        answer(event, agent, desk)


def answer(event: Event, agent: Agent, desk: RepliesDesk) -> None:
    """Answer a reply that asks or objects."""
    reply = desk.reply()
    if reply is None or agent.desk(TeamSettings).review.mode != "on":
        return
    known = agent.recall(f"{reply.finding.claim}\n\n{event.text}", limit=4)
    pictures = agent.desk(PicturesDesk).seen_by("large")
    shown = (reply.told, reply.thread, *reply.code, known, event, pictures)
    weighed = agent.ask(PROMPT, *shown, returns=Weighed, model="large")
    match weighed.kind:
        case "question":
            desk.answer(weighed.answer)
        case "objection" if weighed.withdraw:
            desk.withdraw(weighed.answer)
        case "objection":
            desk.answer(weighed.answer)
        case "refusal" if desk.may_decide:
            desk.dismiss()
        case _:
            pass
