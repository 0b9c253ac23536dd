"""Review a pull request as its team wants it: post the few findings that a program has proved, and
say in one comment what was looked at. `/improve` suggests what could be better."""

from collections.abc import Callable
from contextlib import suppress
from math import ceil
from typing import Any

from shared.actions.github.actions import (
    Comment,
    RemoveLabels,
    ReplyOnLines,
    ReportCheck,
    ResolveThread,
    SubmitReview,
)
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.timers import Timers
from shared.errors import ActionRejected
from shared.events import Event
from shared.learning.choices.desk import Choices
from shared.learning.rewards import accepted, cost, dismissed
from shared.proposals.done import ProposalDone
from shared.reviewing.asking import better_in, done, found_in, prepared
from shared.reviewing.background.desk import Background
from shared.reviewing.change import Change
from shared.reviewing.desk import REVIEWED_BEFORE, ReviewDesk
from shared.reviewing.report import improvements, in_short, on_lines, suggested, summary
from shared.team_settings.desk import TeamSettings

#: Shares of the findings that the team allows, one of which is posted at most: the first until a
#: policy chooses.
SHARES = (1.0, 0.5, 0.25)
#: Suggestions that `/improve` posts.
SUGGESTED = 5


@flow(
    "github.pull_request.opened",
    "github.pull_request.reopened",
    "github.pull_request.ready_for_review",
    "github.pull_request.edited",
    "github.pull_request.synchronize",
    "github.command.review",
    "github.command.improve",
    "timer.review",
    "proposal.approved.review",
    may=[
        SubmitReview.at_most(1),
        Comment.at_most(1),
        ReplyOnLines.at_most(20),
        ResolveThread.at_most(20),
        ReportCheck.at_most(1),
        SetTimer.at_most(1),
        RemoveLabels.at_most(1),
    ],
    reads=(*ReviewDesk.READS, *Background.READS),
    settings=TeamSettings,
    rewards=[accepted, dismissed, cost],
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
        if desk.is_commanded and change.why_not != REVIEWED_BEFORE:
            agent.act(Comment(event.issue, f"Not reviewed: {change.why_not}."))
            agent.desk(ProposalDone).tell(f"{event.issue.ref} is not reviewed: {change.why_not}.")
        return
    here = {"repository": event.issue.repository}
    share = agent.desk(Choices).choose("share of findings", SHARES, here)
    wanted = wanted._replace(max_findings=ceil(wanted.max_findings * share))
    change, beside = prepared(
        agent, desk, change, lambda: (*team.wishes(wanted), *desk.rules.wishes)
    )
    at_once: tuple[Callable[[], Any], ...] = (
        lambda: found_in(agent, desk, change, beside),
        lambda: tell_mended(event, agent, desk, change),
    )
    found, _ = agent.map(done, at_once)
    chosen = desk.select(found, wanted)
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        action = SubmitReview(event.issue, change.head, in_short(chosen.posted), comments)
        chosen = chosen.as_submitted(agent.act(action))
    said = summary(change, chosen) + team.report(change.head)
    told = agent.act(Comment(event.issue, said, sticky=True, about=change.head))
    agent.desk(ProposalDone).tell(f"✅ Reviewed [{event.issue.ref}]({told.url}).")
    if wanted.mode == "on":
        desk.keep(change, chosen)


def tell_mended(event: Event, agent: Agent, desk: ReviewDesk, change: Change) -> None:
    """Say in the threads of what is mended by which commit, and resolve them."""
    for finding, how in desk.mended(change).items():
        with suppress(ActionRejected):  # somebody deleted the comment
            agent.act(ReplyOnLines(event.issue, finding.comment, f"{how} in {change.head[:7]}."))
        agent.act(ResolveThread(event.issue, finding.comment))


def improve_change(event: Event, agent: Agent, team: TeamSettings) -> None:
    """Suggest what could be better in a change, with lines that can be taken over."""
    wanted = team.review._replace(max_findings=SUGGESTED, minimum_severity="low")
    desk = agent.desk(ReviewDesk)
    change = desk.change(wanted, afresh=True)
    if not change.reviewable:
        why = change.why_not or "it changes nothing that can be improved"
        agent.act(Comment(event.issue, f"Not improved: {why}."))
        return
    change, beside = prepared(agent, desk, change, lambda: team.wishes(wanted), is_sorted=False)
    chosen = desk.select(better_in(agent, desk, change, beside), wanted)
    if chosen.posted:
        comments = tuple(map(on_lines, chosen.posted))
        action = SubmitReview(event.issue, change.head, suggested(chosen.posted), comments)
        chosen = chosen.as_submitted(agent.act(action))
    if said := improvements(change, chosen):
        agent.act(Comment(event.issue, said))
    if chosen.posted and wanted.mode == "on":
        desk.keep(change, chosen, is_review=False)
