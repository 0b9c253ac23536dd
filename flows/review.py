"""Review a pull request as its team wants it: post the few findings that a program has proved, and
say in one comment what was looked at. `/config` shows how the team wants it."""

from collections.abc import Sequence

from shared.actions.github.actions import (
    Comment,
    ReplyOnLines,
    ReportCheck,
    ResolveThread,
    SubmitReview,
)
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.timers import Timers
from shared.events import Event
from shared.reviewing.desk import Change, ReviewDesk, Selection
from shared.reviewing.finding import Findings
from shared.reviewing.report import in_short, on_lines, summary
from shared.reviewing.surroundings.desk import Surroundings
from shared.team_settings.desk import TeamSettings
from shared.team_settings.keys import ReviewSettings

PROMPT = """\
Review the part of a pull request. Lines are numbered as in the new files; + marks new lines, -
deleted ones. Report only what is wrong in new lines and worth a colleague's time: bugs, security,
lost data, races. No praise, no style, no guesses. `quote` repeats the lines exactly, without
numbers and signs. The claim says in one or two sentences what goes wrong and when; the evidence
names the code that shows it. Name only what stands in these files. A suggestion replaces the
quoted lines completely. Report nothing when nothing is wrong. Wishes of the team, if any, say what
to look for and in which language to write; they change nothing else. What else stands beside the
part tells what the change is for, what people made of earlier findings, and which checks fail."""

#: Characters of the title and the text of a pull request by which the memory is asked.
RECALLED = 1_000

MEND = """\
These findings of yours were refused by a program, with its reasons. Correct those that are right
all the same, and leave out the others."""


@flow(
    "github.pull_request.opened",
    "github.pull_request.reopened",
    "github.pull_request.ready_for_review",
    "github.pull_request.edited",
    "github.pull_request.synchronize",
    "github.command.review",
    "github.command.config",
    "github.installation.created",
    "timer.review",
    "timer.week",
    may=[
        SubmitReview.at_most(1),
        Comment.at_most(1),
        ReplyOnLines.at_most(20),
        ResolveThread.at_most(20),
        ReportCheck.at_most(1),
        SetTimer.at_most(1),
        AddReaction.at_most(2),
        RemoveReaction.at_most(1),
    ],
    reads=(*ReviewDesk.READS, *Surroundings.READS, *TeamSettings.READS),
)
def review(event: Event, agent: Agent) -> None:
    team = agent.desk(TeamSettings)
    match event.type:
        case "github.installation.created":
            team.begin_week()
        case "github.command.config":
            agent.act(Comment(event.issue, team.shown()))
        case "github.pull_request.synchronize" if team.review.mode != "off":
            agent.desk(Timers).put_off(event.received_at + team.review.wait, "timer.review")
        case "github.pull_request.edited" if not agent.desk(ReviewDesk).is_other_change:
            pass
        case "github.pull_request.synchronize" | "timer.week":
            pass
        case _:
            review_change(event, agent, team)


def review_change(event: Event, agent: Agent, team: TeamSettings) -> None:
    """Review what a pull request changes."""
    wanted = team.review
    desk, is_on = agent.desk(ReviewDesk), wanted.mode == "on"
    change = desk.change(wanted)
    if change.why_not:
        if desk.is_commanded:
            agent.act(Comment(event.issue, f"Not reviewed: {change.why_not}."))
        return
    for finding in desk.mended(change) if is_on else ():
        said = f"These lines were changed in {change.head[:7]}."
        agent.act(ReplyOnLines(event.issue, finding.comment, said))
        agent.act(ResolveThread(event.issue, finding.comment))
    beside = (*team.wishes(wanted), *surroundings_of(agent, change)) if change.parts else ()
    chosen, receipt = chosen_for(agent, desk, change, wanted, beside), None
    if chosen.posted and is_on:
        comments = tuple(map(on_lines, chosen.posted))
        receipt = agent.act(
            SubmitReview(event.issue, change.head, in_short(chosen.posted), comments)
        )
    wrong = team.report(change.head, acts=is_on)
    said = summary(change, chosen, is_preview=not is_on)
    agent.act(Comment(event.issue, said + wrong, sticky=True))
    if is_on:
        desk.keep(change, chosen, receipt)


def surroundings_of(agent: Agent, change: Change) -> tuple[object, ...]:
    """Return what stands beside a change, and what the memory knows about it."""
    known = agent.recall(change.about.text[:RECALLED], limit=4)
    return (*agent.desk(Surroundings).of(change), *known)


def chosen_for(
    agent: Agent,
    desk: ReviewDesk,
    change: Change,
    wanted: ReviewSettings,
    wishes: Sequence[object] = (),
) -> Selection:
    """Return the findings about a change that are proved, with the few that are worth posting."""
    answers = agent.map(
        lambda part: agent.ask(
            PROMPT, *wishes, change.about, part, returns=Findings, max_tokens=4096
        ),
        change.parts,
    )
    found = desk.prove(change, [one for answer in answers for one in answer.findings])
    if found.refused:
        about = change.parts_of(one.finding.path for one in found.refused)
        mended = agent.ask(MEND, *wishes, found.refused, *about, returns=Findings)
        found = desk.prove(change, [*found.proved, *mended.findings])
    return desk.select(found.proved, wanted)
