"""Review a pull request as its team wants it: post the few findings that a program has proved, and
say in one comment what was looked at. `/config` shows how the team wants it."""

from collections.abc import Sequence
from functools import partial

from shared.actions.github.actions import (
    Comment,
    RemoveLabels,
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
from shared.reviewing.background.desk import Background
from shared.reviewing.change import Change, ProvedFindings
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Findings
from shared.reviewing.fitting.sorting import sorted_out
from shared.reviewing.report import in_short, on_lines, summary
from shared.reviewing.scoring import scored
from shared.team_settings.desk import TeamSettings

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
    "timer.review",
    may=[
        SubmitReview.at_most(1),
        Comment.at_most(1),
        ReplyOnLines.at_most(20),
        ResolveThread.at_most(20),
        ReportCheck.at_most(1),
        SetTimer.at_most(1),
        AddReaction.at_most(2),
        RemoveReaction.at_most(1),
        RemoveLabels.at_most(1),
    ],
    reads=(*ReviewDesk.READS, *Background.READS),
    settings=TeamSettings,
)
def review(event: Event, agent: Agent) -> None:
    team = agent.desk(TeamSettings)
    if event.type == "github.pull_request.synchronize":
        agent.desk(Timers).put_off(event.received_at + team.review.wait, "timer.review")
    elif event.type != "github.pull_request.edited" or agent.desk(ReviewDesk).is_other_change:
        review_change(event, agent, team)


def review_change(event: Event, agent: Agent, team: TeamSettings) -> None:
    """Review what a pull request changes."""
    wanted = team.review
    desk = agent.desk(ReviewDesk)
    change = desk.change(wanted)
    if change.why_not:
        if desk.is_commanded:
            agent.act(Comment(event.issue, f"Not reviewed: {change.why_not}."))
        return
    for finding in desk.mended(change):
        said = f"These lines were changed in {change.head[:7]}."
        agent.act(ReplyOnLines(event.issue, finding.comment, said))
        agent.act(ResolveThread(event.issue, finding.comment))
    change = desk.fitted(change, sorted_out(agent, change.reviewable, change.room))
    beside = (*team.wishes(wanted), *background_of(agent, change)) if change.parts else ()
    found = found_in(agent, desk, change, beside)
    chosen, receipt = desk.select(scored(agent, change, found), wanted), None
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        receipt = agent.act(
            SubmitReview(event.issue, change.head, in_short(chosen.posted), comments)
        )
    said = summary(change, chosen) + team.report(change.head)
    agent.act(Comment(event.issue, said, sticky=True, about=change.head))
    if wanted.mode == "on":
        desk.keep(change, chosen, receipt)


def background_of(agent: Agent, change: Change) -> tuple[object, ...]:
    """Return what stands beside a change, and what the memory knows about it."""
    known = agent.recall(change.about[0].text[:RECALLED], limit=4)
    return (*agent.desk(Background).of(change), *known)


def found_in(
    agent: Agent, desk: ReviewDesk, change: Change, beside: Sequence[object] = ()
) -> ProvedFindings:
    """Return the findings about a change that are proved. What is refused goes back once."""
    ask = partial(agent.ask, returns=Findings, model="large", max_tokens=change.room.answer)
    answers = agent.map(lambda part: ask(PROMPT, *beside, *change.about, part), change.parts)
    found = desk.prove(change, [one for answer in answers for one in answer.findings])
    if not found.refused:
        return found
    about = change.parts_of(one.finding.path for one in found.refused)
    mended = ask(MEND, *beside, found.refused, *about)
    return desk.prove(change, [*found.proved, *mended.findings])
