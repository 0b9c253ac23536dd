"""Welcome somebody whose first issue or pull request in the repository this is."""

from shared.actions.github.actions import Comment
from shared.actions.github.queries import SearchIssues
from shared.agent import Agent, flow
from shared.events import Event

HELLO = """\
Thank you, and welcome! This is your first contribution here. A maintainer will look at it soon;
until then [CONTRIBUTING.md](https://github.com/{}/blob/HEAD/CONTRIBUTING.md) says what helps."""


@flow(
    "github.issues.opened",
    "github.pull_request.opened",
    may=[Comment.at_most(1)],
    reads=[SearchIssues],
)
def welcome(event: Event, agent: Agent) -> None:
    if event.actor.role != "none":  # GitHub's NONE, FIRST_TIMER and FIRST_TIME_CONTRIBUTOR
        return
    theirs = f"author:{event.actor.name}"
    for kind in ("issue", "pr"):
        found = agent.read(SearchIssues(event.repository, theirs, kind=kind, limit=2))
        if any(one["number"] != event.issue.number for one in found["items"]):
            return
    agent.act(Comment(event.issue, HELLO.format(event.repository)))
