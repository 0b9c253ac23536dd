"""Mark issues that nobody touched for two months, close them two weeks later, and take the mark
off when somebody answers."""

from dataclasses import replace

from shared.actions.github.actions import AddLabels, CloseIssue, Comment, RemoveLabels
from shared.actions.github.queries import FindIssues
from shared.actions.places import CONFIGURED
from shared.agent import Agent, flow
from shared.events import Event, Issue

MARK, KEEP = "stale", ("pinned", "security")
WARNING = "Nothing happened here for two months. Without an answer I close it in two weeks."


@flow(
    "schedule.stale",
    "github.issue_comment.created",
    "github.issues.reopened",
    may=[
        *(act.on(CONFIGURED, limit=20) for act in (AddLabels, Comment, CloseIssue)),
        RemoveLabels.at_most(1),
    ],
    reads=[FindIssues],
)
def stale(event: Event, agent: Agent) -> None:
    if event.source == "github":
        if any(label["name"] == MARK for label in event.payload["issue"]["labels"]):
            agent.act(RemoveLabels(event.issue, (MARK,)))
        return
    quiet = FindIssues(event.repository, limit=20)
    over = replace(quiet, labels=(MARK,), without=KEEP, updated_before=event.days_ago(14))
    for issue in agent.read(over)["items"]:
        agent.act(CloseIssue(Issue(event.repository, issue["number"]), "not_planned"))
    quiet = replace(quiet, without=(MARK, *KEEP), updated_before=event.days_ago(60))
    for issue in agent.read(quiet)["items"]:
        agent.act(AddLabels(Issue(event.repository, issue["number"]), (MARK,)))
        agent.act(Comment(Issue(event.repository, issue["number"]), WARNING))
