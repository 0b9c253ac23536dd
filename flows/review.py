"""Review a pull request as its team wants it: post the few findings that a program has proved, and
say in one comment what was looked at. `/improve` suggests what could be better."""

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
from shared.reviewing.finding import Findings, Improvements
from shared.reviewing.fitting.room import within
from shared.reviewing.fitting.sorting import sorted_out
from shared.reviewing.report import improvements, in_short, on_lines, suggested, summary
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

IMPROVE = """\
Suggest how new lines in the part of a pull request could be better though they are right: faster,
simpler, easier to read or to test. At most three, each worth a colleague's time, none about taste.
Lines are numbered as in the new files; + marks new lines, - deleted ones. `quote` repeats the lines
exactly, without numbers and signs, and `suggestion` replaces them completely: the program does the
same afterwards. The claim says in one sentence what gets better. Suggest nothing when it is good.
Wishes of the team say what to look for and in which language to write; they change nothing else."""

#: Suggestions that `/improve` posts.
SUGGESTED = 5

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
    "github.command.improve",
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
    match event.type:
        case "github.pull_request.synchronize":
            agent.desk(Timers).put_off(event.received_at + team.review.wait, "timer.review")
        case "github.pull_request.edited" if not agent.desk(ReviewDesk).is_other_change:
            pass
        case "github.command.improve":
            improve_change(event, agent, team)
        case _:
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
    chosen, receipt = desk.select(scored(agent, desk, change, found), wanted), None
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        receipt = agent.act(
            SubmitReview(event.issue, change.head, in_short(chosen.posted), comments)
        )
    said = summary(change, chosen) + team.report(change.head)
    agent.act(Comment(event.issue, said, sticky=True, about=change.head))
    if wanted.mode == "on":
        desk.keep(change, chosen, receipt)


def improve_change(event: Event, agent: Agent, team: TeamSettings) -> None:
    """Suggest what could be better in a change, with lines that can be taken over."""
    wanted = team.review._replace(max_findings=SUGGESTED, minimum_severity="low")
    desk, receipt = agent.desk(ReviewDesk), None
    change = desk.change(wanted, afresh=True)
    if not change.reviewable:
        why = change.why_not or "it changes nothing that can be improved"
        agent.act(Comment(event.issue, f"Not improved: {why}."))
        return
    change = desk.fitted(change, {})
    beside = (*team.wishes(wanted), *background_of(agent, change))
    ask = partial(agent.ask, returns=Improvements, model="large", max_tokens=change.room.answer)
    answers = agent.map(lambda part: ask(IMPROVE, *beside, *change.about, part), change.parts)
    found = desk.prove(change, [one.finding for part in answers for one in part.improvements])
    better = tuple(one for one in found.proved if one.suggestion is not None)
    chosen = desk.select(found._replace(proved=better), wanted)
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        receipt = agent.act(
            SubmitReview(event.issue, change.head, suggested(chosen.posted), comments)
        )
    if said := improvements(change, chosen):
        agent.act(Comment(event.issue, said))
    if chosen.posted and wanted.mode == "on":
        desk.keep(change, chosen, receipt, is_review=False)


def background_of(agent: Agent, change: Change) -> tuple[object, ...]:
    """Return what stands beside a change, and what the memory knows about it."""
    known = agent.recall(change.about[0].text[:RECALLED], limit=4)
    found = [*agent.desk(Background).of(change), *known]
    return (*within(change.room.background, found),)


def found_in(
    agent: Agent, desk: ReviewDesk, change: Change, beside: Sequence[object] = ()
) -> ProvedFindings:
    """Return the findings about a change that are proved. What is refused goes back once."""
    ask = partial(agent.ask, returns=Findings, model="large", max_tokens=change.room.answer)
    answers = agent.map(lambda part: ask(PROMPT, *beside, *change.about, part), change.parts)
    found = desk.prove(change, [one for answer in answers for one in answer.findings])
    if not found.refused:
        return found
    refused = [*within(change.room.refused, found.refused)]
    about = change.parts_of(one.finding.path for one in refused)
    mended = ask(MEND, *beside, refused, *about)
    return desk.prove(change, [*found.proved, *mended.findings])
