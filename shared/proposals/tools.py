"""The tools by which a model proposes something for a person: a closed set. None of them acts: each
keeps a proposal, which the flow then shows to people."""

from collections.abc import Callable
from functools import partial

from shared.actions.slack.actions import AskClock, Card
from shared.agent.agent import Agent
from shared.agent.tools import Tool, tool
from shared.evidence.repositories import Repositories
from shared.proposals import requests
from shared.proposals.desk import KEPT, MOST_AT_ONCE, Proposals
from shared.proposals.proposal import Proposed
from shared.proposals.where import WhichRepository

#: What a flow with these tools asks of platforms.
READS = (*requests.READS, AskClock)
_SHOWN = (
    f"{KEPT} Below your answer people see it with the buttons `Do it` and"
    " `Drop`. Say in a sentence what you propose, and do not claim that it is done."
)


def proposing(agent: Agent) -> list[Tool]:
    """Return the tools for the run's event. On GitHub they work on the repositories that are
    connected with the channel and its workspace; without one there are none for that."""

    def kept(wanted: Proposed) -> str:
        agent.desk(Proposals).propose(wanted)
        return _SHOWN

    tools = [_plan(kept, agent), _reminder(kept, agent)]
    return [*_on_github(kept, agent), *tools] if agent.desk(Repositories).connected else tools


def cards(agent: Agent) -> list[Card]:
    """Return the messages that ask people about what the model proposed, and which repository it
    is about."""
    desk, thread = agent.desk(Proposals), agent.event.thread
    asking = agent.desk(WhichRepository).cards(thread)
    return [*(desk.cards(thread) if desk.has_some else []), *asking][:MOST_AT_ONCE]


def _on_github(kept: Callable[[Proposed], str], agent: Agent) -> list[Tool]:
    def placed(command: str, words: str, wanted: Callable[[], Proposed]) -> str:
        """Propose it, or let people be asked where it belongs, by the command that says the
        same."""
        try:
            return kept(wanted())
        except requests.SeveralRepositories as err:
            return agent.desk(WhichRepository).keep(command, words, err.choices)

    def propose_issue(title: str, body: str, repository: str = "") -> str:
        """Propose to open an issue, when a person asks for one. Name a repository only as they do.

        Write the body in Markdown, from what was said here alone."""
        words = f"{title}\n{body}"
        wanted = partial(requests.issue_wanted, agent, title, body, repository)
        return placed("issue", words, wanted)

    def propose_labels(number: int, labels: list[str], repository: str = "") -> str:
        """Propose labels for an issue or pull request, when a person asks for that. Only labels
        that the repository has can be taken."""
        wanted = partial(requests.labels_wanted, agent, number, labels, repository)
        return placed("label", f"#{number} {', '.join(labels)}", wanted)

    def propose_comment(number: int, text: str, repository: str = "") -> str:
        """Propose a comment on an issue or pull request, when a person asks for one."""
        wanted = partial(requests.comment_wanted, agent, number, text, repository)
        return placed("comment", f"#{number} {text}", wanted)

    def propose_review(number: int, repository: str = "") -> str:
        """Propose to review a pull request, when a person asks for that."""
        wanted = partial(requests.review_wanted, agent, number, repository=repository)
        return placed("review", f"#{number}", wanted)

    offered = (propose_issue, propose_labels, propose_comment, propose_review)
    return [tool(one, proposes=True) for one in offered]


def _plan(kept: Callable[[Proposed], str], agent: Agent) -> Tool:
    def propose_plan(goal: str) -> str:
        """Propose to work towards a goal in several steps, when a person asks for more than one
        thing to be done."""
        return kept(requests.plan_wanted(agent, goal))

    return tool(propose_plan, proposes=True)


def _reminder(kept: Callable[[Proposed], str], agent: Agent) -> Tool:
    def propose_reminder(when: str, text: str) -> str:
        """Propose a reminder for the person who asks for one.

        `when` is in their words, such as `on Monday at 10` or `every weekday at 9`."""
        # The grammar of times takes a while to load.
        from shared.proposals.reminders import reminder_wanted
        from shared.reminding.serving import wanted

        read, reminder, note = wanted(agent.event, agent, f"me {when}: {text}")
        proposed = reminder_wanted(read, reminder, f"@{reminder.asker_name}")
        return f"{kept(proposed)} {note}".strip()

    return tool(propose_reminder, proposes=True)
