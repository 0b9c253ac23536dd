"""Learn what people make of the findings of reviews, so that what they dismiss stays away."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.learning.outcomes import OutcomesDesk


@flow(
    "github.pull_request_review_thread.resolved",
    "github.pull_request_review_thread.unresolved",
    "github.pull_request_review_comment.created",
    "github.pull_request_review_comment.deleted",
    "github.pull_request.closed",
    reads=OutcomesDesk.READS,
)
def learn(event: Event, agent: Agent) -> None:
    agent.desk(OutcomesDesk).note()
