"""Carries out what a person said yes to, and shows it in the message that asked."""

from typing import Self

from shared.actions import Action
from shared.actions.asking import AskRepository
from shared.actions.slack.actions import Reply, Whisper
from shared.agent.agent import Agent
from shared.aws.bus import Bus
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Event
from shared.evidence.repositories import Repositories
from shared.journal import Outcome
from shared.models.found_text import linked
from shared.perception.github import audience_of
from shared.planning.desk import PlanDesk
from shared.proposals.answers import Decided
from shared.proposals.messages import answered
from shared.proposals.proposal import Proposal, Proposed
from shared.proposals.requests import meant_by
from shared.proposals.where import WhichRepository


class HandOver:
    """Lets another flow carry out what was approved: as an event, with the person who said yes."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def publish(self, event: Event) -> None:
        """Publish the event; a second time it is the same event."""

        def work() -> Outcome:
            self._loan.services[Bus].publish(event)
            return Outcome(event.id)

        self._loan.run.step("hand over", {"event": event.id}, work)


def carry_out(event: Event, agent: Agent, decided: Decided) -> None:
    """Do what was approved, as far as it was this event that approved it, and say what became of
    it."""
    proposal = decided.proposal
    if proposal is None or not decided.counts:
        agent.act(_told(event, decided.told))
        return
    agent.act(answered(proposal, event.thread, _became(event, agent, proposal)))


def _told(event: Event, words: str) -> Action:
    """Tell who answered alone where that can be done."""
    if event.response_target:
        return Whisper(event.response_target, words)
    return Reply(event.thread, words)


def _became(event: Event, agent: Agent, proposal: Proposal) -> str:
    payload, by = proposal.payload, proposal.decided_by
    if proposal.state == "rejected":
        return f"❌ Dropped by {by}. Nothing was done."
    repository = payload.repository
    if repository not in ("", event.repository) and not agent.desk(Repositories).named(repository):
        return f"❌ Nobody works on {repository} from here any more."
    try:
        return _done(event, agent, proposal, f"by {by}")
    except ActionRejected as err:
        return f"❌ Approved by {by}, but it cannot be done: {err}"


def _done(event: Event, agent: Agent, proposal: Proposal, by: str) -> str:
    payload = proposal.payload
    if action := payload.action:
        url = agent.act(action).url or payload.url
        return f"✅ Approved {by} and done: {linked(_named(payload, url), url)}"
    if payload.deed == "plan":
        return f"✅ Approved {by}.{_planned(event, agent, payload.arguments['goal'])}"
    handed = (
        _for_review(event, agent, proposal) if payload.deed == "review" else _here(event, proposal)
    )
    agent.desk(HandOver).publish(handed)
    goes_on = " I review it, and link the result here." if payload.deed == "review" else ""
    return f"✅ Approved {by}.{goes_on}"


def _planned(event: Event, agent: Agent, goal: str) -> str:
    """Start the plan where it is clear which repository is meant, else ask; return what to add."""
    choices = meant_by(agent, goal)
    if not choices or choices == [event.repository]:
        agent.desk(PlanDesk).start(goal)
        return ""
    agent.act(agent.desk(WhichRepository).asking_for("plan", goal, choices))
    return " Say below which repository is meant."


def _here(event: Event, proposal: Proposal) -> Event:
    """Return the event that lets a flow go on in this conversation."""
    return event._replace(
        id=f"approved:{proposal.id}",
        type=f"proposal.approved.{proposal.payload.deed}",
        text="",
        payload={"proposal": proposal.id},
        digest="",
        message_target=None,
        response_target=None,
    )


def _for_review(event: Event, agent: Agent, proposal: Proposal) -> Event:
    """Return an event of the pull request: what is done there is for its readers, and nothing of
    this conversation goes along."""
    issue = proposal.payload.issue
    found = agent.read(AskRepository(issue.repository))
    thread = event.thread
    return _here(event, proposal)._replace(
        conversation=f"github:{issue.ref}",
        audience=audience_of(found),
        url="",
        text=str(proposal.payload.arguments.get("how", "")),
        payload={"proposal": proposal.id, "thread": [*thread], "audience": event.audience},
        issue_target=issue,
        thread_target=None,
        workplace=None,
    )


def _named(payload: Proposed, url: str) -> str:
    number = url.rstrip("/").rpartition("/")[2].partition("#")[0]
    return payload.target if "#" in payload.target else f"{payload.target}#{number}"
