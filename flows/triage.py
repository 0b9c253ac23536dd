"""Triage a new issue: label it from the repository's own labels, and say which issue it duplicates
or may be related to."""

from dataclasses import dataclass, replace
from typing import Annotated

from shared.actions.github.actions import AddLabels, Comment, ListLabels, RemoveLabels
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.timers import Timers
from shared.events import Event
from shared.hearing.pictures import PicturesDesk
from shared.learning.choices.desk import Choices
from shared.learning.rewards import accepted, cost, dismissed, relabelled
from shared.learning.signals.issues import WINDOW, WINDOW_TIMER, IssueSignals
from shared.models.answers.typed import at_most, choosing
from shared.perception import string
from shared.perception.commands import command_of
from shared.perception.helping import is_pull_request
from shared.team_settings.desk import TeamSettings

PROMPT = """\
Triage the new issue. Choose the labels that clearly apply, fewer rather than more. Name the older
issue that reports the same problem, if one of the memories does; a related topic is not the same
problem: name that as related at most. Say in one sentence what the issue is about."""

#: How many older issues are shown, which model is asked, in which words, and the score of a memory
#: from which it is named as a duplicate: the first until a policy chooses.
SHOWN, MODELS, ALIKE = (5, 3, 8), ("small", "large"), (0.0, 0.3, 0.5)
PROMPTS = {
    "plain": PROMPT,
    "strict": f"{PROMPT} Choose no label, and name no issue, of which you are not sure.",
}


@dataclass(frozen=True)
class TriageVerdict:
    labels: Annotated[tuple[str, ...], at_most(3)]
    duplicate_of: str | None
    summary: Annotated[str, at_most(300)]
    related_to: str | None = None


@flow(
    "github.issues.opened",
    "github.issues.reopened",
    "github.command.triage",
    WINDOW_TIMER,
    may=[
        AddLabels.at_most(3),
        Comment.at_most(1),
        RemoveLabels.at_most(1),
        SetTimer.at_most(1),
    ],
    reads=(*PicturesDesk.READS, *IssueSignals.READS),
    shares={"issue"},
    settings=TeamSettings,
    rewards=[accepted, dismissed, relabelled, cost],
)
def triage(event: Event, agent: Agent) -> None:
    if event.type == WINDOW_TIMER:
        agent.desk(IssueSignals).note()
        return
    is_asked = bool(command_of(event.type))
    if is_asked and is_pull_request(event):
        agent.act(Comment(event.issue, "This is a pull request; I triage issues."))
        return
    text = _issue(event) if is_asked else event.text
    labels = agent.read(ListLabels(event.issue.repository))
    choices, here = agent.desk(Choices), {"repository": event.issue.repository}
    shown = choices.choose("related issues", SHOWN, here)
    related = agent.recall(text, kinds={"issue"}, limit=shown)
    pictures = agent.desk(PicturesDesk).seen_by("small", issue=True)
    verdict = agent.ask(
        PROMPTS[choices.choose("prompt", (*PROMPTS,), here)],
        text if is_asked else event,
        related,
        pictures,
        returns=choosing(
            TriageVerdict,
            labels={label["name"]: label["description"] for label in labels},
            duplicate_of=[memory.ref for memory in related],
            related_to=[memory.ref for memory in related],
        ),
        model=choices.choose("model", MODELS, here),
    )
    older = next((one for one in related if one.ref == verdict.duplicate_of), None)
    if older and older.score < choices.choose("duplicate threshold", ALIKE, here):
        verdict = replace(verdict, duplicate_of=None, related_to=older.ref)
    if verdict.labels:
        agent.act(AddLabels(event.issue, verdict.labels))
    agent.act(Comment(event.issue, report(verdict), sticky=True))
    if not is_asked:  # it was remembered as its author's when it was opened
        agent.remember(event.text, kind="issue", ref=event.issue.ref)
    if event.type == "github.issues.opened":  # then what people made of it is read
        agent.desk(Timers).at(event.received_at + WINDOW.total_seconds(), WINDOW_TIMER)


def _issue(event: Event) -> str:
    """Return the issue that a command stands on; the words of the command say nothing of it."""
    return f"{event.need('issue', 'title')}\n\n{string(event.payload, 'issue', 'body')}"


def report(verdict: TriageVerdict) -> str:
    lines = [verdict.summary]
    if verdict.labels:
        named = dict.fromkeys(verdict.labels)
        lines.append("Labels: " + ", ".join(f"`{label}`" for label in named))
    if verdict.duplicate_of:
        lines.append(f"This looks like a duplicate of {verdict.duplicate_of}.")
    elif verdict.related_to:
        lines.append(f"Possibly related: {verdict.related_to}.")
    return "\n\n".join(lines)
