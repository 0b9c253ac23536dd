"""Review a pull request: post the few findings that a program has proved, and say in one comment
what was looked at."""

from shared.actions.github.actions import Comment, ReplyOnLines, ResolveThread, SubmitReview
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.timers import Timers
from shared.events import Event
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Findings
from shared.reviewing.report import MOST, in_short, on_lines, summary

#: Seconds without another push, after which a push is reviewed.
PATIENCE = 60.0

PROMPT = """\
Review the part of a pull request. Lines are numbered as in the new files; + marks new lines, -
deleted ones. Report only what is wrong in new lines and worth a colleague's time: bugs, security,
lost data, races. No praise, no style, no guesses. `quote` repeats the lines exactly, without
numbers and signs. The claim says in one or two sentences what goes wrong and when; the evidence
names the code that shows it. Name only what stands in these files. A suggestion replaces the
quoted lines completely. Report nothing when nothing is wrong."""

MEND = """\
These findings of yours were refused by a program, with its reasons. Correct those that are right
all the same, and leave out the others."""


@flow(
    "github.pull_request.opened",
    "github.pull_request.reopened",
    "github.pull_request.ready_for_review",
    "github.pull_request.synchronize",
    "github.command.review",
    "timer.review",
    may=[
        SubmitReview.at_most(1),
        Comment.at_most(1),
        ReplyOnLines.at_most(20),
        ResolveThread.at_most(20),
        SetTimer.at_most(1),
        AddReaction.at_most(2),
        RemoveReaction.at_most(1),
    ],
    reads=ReviewDesk.READS,
)
def review(event: Event, agent: Agent) -> None:
    if event.type == "github.pull_request.synchronize":
        agent.desk(Timers).put_off(event.received_at + PATIENCE, "timer.review")
        return
    desk = agent.desk(ReviewDesk)
    change = desk.change()
    if change.why_not:
        if desk.is_commanded:
            agent.act(Comment(event.issue, f"Not reviewed: {change.why_not}."))
        return
    for finding in desk.mended(change):
        said = f"These lines were changed in {change.head[:7]}."
        agent.act(ReplyOnLines(event.issue, finding.comment, said))
        agent.act(ResolveThread(event.issue, finding.comment))
    answers = agent.map(
        lambda part: agent.ask(PROMPT, change.about, part, returns=Findings, max_tokens=4096),
        change.parts,
    )
    found = desk.prove(change, [one for answer in answers for one in answer.findings])
    if found.refused:
        mended = agent.ask(MEND, found.refused, *change.parts[:1], returns=Findings)
        found = desk.prove(change, [*found.proved, *mended.findings])
    chosen, receipt = desk.select(found.proved, MOST), None
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        receipt = agent.act(
            SubmitReview(event.issue, change.head, in_short(chosen.posted), comments)
        )
    agent.act(Comment(event.issue, summary(change, chosen), sticky=True))
    desk.keep(change, chosen, receipt)
