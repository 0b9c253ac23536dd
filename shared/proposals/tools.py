"""The tools by which a model proposes something for a person: a closed set. None of them acts: each
keeps a proposal, which the flow then shows to people."""

from collections.abc import Callable

from shared.actions.slack.actions import AskClock, Card
from shared.agent.agent import Agent
from shared.agent.tools import Tool, tool
from shared.proposals import requests
from shared.proposals.desk import KEPT, Proposals
from shared.proposals.proposal import Proposed

#: What a flow with these tools asks of platforms.
READS = (*requests.READS, AskClock)
_SHOWN = (
    f"{KEPT} Below your answer people see it with the buttons `Do it` and"
    " `Drop`. Say in a sentence what you propose, and do not claim that it is done."
)


def proposing(agent: Agent) -> list[Tool]:
    """Return the tools for the run's event. On GitHub they work on the repository of the channel;
    without one there are none for that."""

    def kept(wanted: Proposed) -> str:
        agent.desk(Proposals).propose(wanted)
        return _SHOWN

    tools = [_plan(kept, agent), _reminder(kept, agent)]
    return [*_on_github(kept, agent), *tools] if agent.event.repository else tools


def cards(agent: Agent) -> list[Card]:
    """Return the messages that ask people about what the model proposed."""
    desk = agent.desk(Proposals)
    return desk.cards(agent.event.thread) if desk.has_some else []


def _on_github(kept: Callable[[Proposed], str], agent: Agent) -> list[Tool]:
    def propose_issue(title: str, body: str) -> str:
        """Propose to open an issue in the repository of this channel, when a person asks for one.

        Write the body in Markdown, from what was said here alone."""
        return kept(requests.issue_wanted(agent, title, body))

    def propose_labels(number: int, labels: list[str]) -> str:
        """Propose labels for an issue or pull request, when a person asks for that. Only labels
        that the repository has can be taken."""
        return kept(requests.labels_wanted(agent, number, labels))

    def propose_comment(number: int, text: str) -> str:
        """Propose a comment on an issue or pull request, when a person asks for one."""
        return kept(requests.comment_wanted(agent, number, text))

    def propose_review(number: int) -> str:
        """Propose to review a pull request, when a person asks for that."""
        return kept(requests.review_wanted(agent, number))

    return [tool(one) for one in (propose_issue, propose_labels, propose_comment, propose_review)]


def _plan(kept: Callable[[Proposed], str], agent: Agent) -> Tool:
    def propose_plan(goal: str) -> str:
        """Propose to work towards a goal in several steps, when a person asks for more than one
        thing to be done."""
        return kept(requests.plan_wanted(agent, goal))

    return tool(propose_plan)


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

    return tool(propose_reminder)
