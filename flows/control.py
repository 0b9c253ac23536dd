"""Do what people say about the agent itself. Stop what it does, or take it back: the commands
`cancel` and `undo`, and for a stop in Slack an emoji, a word in the thread, or Slack's own button;
an answer, when its question is deleted; and a review, when a newer push makes it needless. Be quiet
and act again: `pause`, `resume`. Show a team's settings: `config`; show and set those of a channel:
`settings`. Its queue is its own, so a stop never waits behind what it stops."""

import re
from collections.abc import Mapping

from shared.actions import Action
from shared.actions.github.actions import Comment, RemoveLabels, ReportCheck
from shared.actions.past import TakeBackOnGitHub, TakeBackOnSlack
from shared.actions.slack.actions import FindThread, Post, React, Reply, ShowStatus, Whisper
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.errors import EventError, NotPermitted
from shared.events import Event, Thread
from shared.perception.commands import command_of, event_types
from shared.perception.slack import RETRY
from shared.stopping.desk import Halted, StopDesk
from shared.stopping.quiet import QuietDesk
from shared.stopping.retrying import Retried, RetryDesk
from shared.stopping.undo import UndoDesk
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.first_week import FirstWeek
from shared.team_settings.desk import TeamSettings

#: What looks like the id of a run; other words after the command are ignored.
_RUN = r"(?=\S*\d)[\w-]{4,40}"

_RETRIED: Mapping[Retried, str] = {
    "sent": "I try it again.",
    "sent before": "It was tried again already.",
    "not failed": "There is nothing to try again here any more. Please ask again.",
    "not allowed": "Only who asked, or somebody with write permission, can try it again.",
}


@flow(
    *event_types("cancel", "undo", "pause", "resume"),
    "api.command.cancel",
    "api.command.undo",
    "slack.stop",
    RETRY,
    "slack.message_deleted",
    "github.pull_request.opened",
    "github.pull_request.reopened",
    "github.pull_request.synchronize",
    "github.pull_request.edited",
    "github.command.config",
    "slack.command.settings",
    "github.installation.created",
    "timer.week",
    "timer.answers-control",
    may=[
        Comment.at_most(1),
        Reply.at_most(1),
        Whisper.at_most(1),
        React.at_most(1),
        ShowStatus.at_most(1),
        SetTimer.at_most(1),
        Post.anywhere(1),
        RemoveLabels.at_most(1),
        ReportCheck.at_most(1),
        TakeBackOnGitHub.at_most(300),
        TakeBackOnSlack.at_most(300),
    ],
    reads=[FindThread, *TeamSettings.READS, *TeamSettings.CHECKS, *FirstWeek.READS],
    stoppable=False,
)
def control(event: Event, agent: Agent) -> None:
    if event.source == "api":
        _asked_through_the_api(agent, event.type, event.payload["run"])
    elif name := command_of(event.type):
        agent.act(_answer(event, _obeyed(name, event, agent)))
    elif event.type == "slack.stop":
        _signed(event, agent)
    elif event.type == RETRY:
        agent.act(Whisper(event.response, _RETRIED[agent.desk(RetryDesk).retry(event.text)]))
    elif event.type == "slack.message_deleted":
        agent.desk(StopDesk).withdraw("chat")
    elif event.type == "github.installation.created":
        agent.desk(TeamSettings).begin_week()  # its timer records until when, and does no more
    elif event.type.startswith("github.pull_request."):
        _pushed(event, agent)
    elif event.type == "timer.answers-control" and (told := agent.desk(FirstWeek).end()):
        agent.act(told)


def _asked_through_the_api(agent: Agent, order: str, run: str) -> None:
    """Stop a run, or take it back. What could not be done fails, and so the caller reads it."""
    if order == "api.command.cancel":
        if not agent.desk(StopDesk).stop(run):
            raise EventError(f"there is no open run {run}; it may be over")
        return
    undone = agent.desk(UndoDesk).undo(run)
    if undone is None:
        raise EventError(f"there is no run {run}")
    if left := [taken.said for taken in undone.effects if taken.is_left]:
        raise EventError(f"not all of run {run} could be taken back: {'; '.join(left)}")


def _pushed(event: Event, agent: Agent) -> None:
    """Stop the review of what a pull request changed before; and check the settings of the team as
    it would have them, unless people want us to be quiet there."""
    action = event.type.rpartition(".")[2]
    if action == "synchronize" or (action == "edited" and "base" in event.payload["changes"]):
        agent.desk(StopDesk).supersede("review")
    if action == "edited" or agent.desk(QuietDesk).is_quiet:
        return
    if wrong := agent.desk(TeamSettings).check():
        agent.act(Comment(event.issue, wrong.strip(), sticky=True))


def _obeyed(name: str, event: Event, agent: Agent) -> str:
    """Do what a command says, and return the answer."""
    match name:
        case "pause":
            return _paused(agent)
        case "resume":
            return _resumed(agent)
        case "config":
            return agent.desk(TeamSettings).shown()
        case "settings":
            return agent.desk(ChannelDesk).obey(event.text)
    named = re.match(_RUN, event.text.strip("` "))
    of = named[0] if named else ""
    if name == "undo":
        return _undone(agent, of)
    return _told(agent.desk(StopDesk).stop(of), of)


def _resumed(agent: Agent) -> str:
    resumed = agent.desk(QuietDesk).resume()
    if resumed.is_quiet:
        return "⏸ The whole channel is paused: say `resume` there, outside of threads."
    return "▶ I act by myself again." if resumed.was_quiet else "Nothing is paused here."


def _paused(agent: Agent) -> str:
    """Be quiet, and stop what runs here."""
    first = agent.desk(QuietDesk).pause()
    said = "I do nothing by myself here until `resume`. Commands still work."
    halted = agent.desk(StopDesk).stop()
    again, stopped = "" if first else "Still paused: ", _told(halted, "") if halted else ""
    return f"⏸ {again}{said} {stopped}".strip()


def _signed(event: Event, agent: Agent) -> None:
    """Obey a sign. It may mean something else, so only what it stopped is told."""
    thread = event.thread_target
    if thread is None:  # an emoji names its message alone
        found = agent.read(FindThread(event.message))
        thread = Thread(event.message.team, event.message.channel, found["ts"])
    try:
        halted = agent.desk(StopDesk).stop(thread=thread)
    except NotPermitted:
        return
    if halted or not event.message_target:
        agent.act(ShowStatus(thread, "over"))  # Slack leaves a session as it is
    if halted and event.message_target:
        agent.act(React(event.message, "octagonal_sign"))
    elif halted:
        agent.act(Reply(thread, _told(halted, "")))


def _told(halted: Halted, of: str) -> str:
    """Say what stops."""
    stopping = [f"{run['flow']} `{run['id']}`" for run in halted.runs]
    stopping += [f"plan `{plan}`" for plan in halted.plans]
    if stopping:
        return f"⏹ Stopping {', '.join(stopping)}."
    if of:
        return f"Nothing called `{of}` runs here; it may be over."
    return "Nothing runs here any more. What still waits here will not begin."


def _undone(agent: Agent, of: str) -> str:
    """Take back a run, and say for each of its effects what became of it."""
    try:
        undone = agent.desk(UndoDesk).undo(of)
    except EventError as err:
        return f"Nothing is taken back: {err}."
    if undone is None:
        return f"Nothing called `{of}` ran here." if of else "I did nothing here to take back."
    lines = [f"- {said}." for said in dict.fromkeys(taken.said for taken in undone.effects)]
    if undone.memories:
        lines.append(f"- Forgot what I remembered of it ({undone.memories}).")
    what = f"run `{undone.run.id}` of {undone.run.flow}"
    is_left = any(taken.is_left for taken in undone.effects)
    title = f"↩ Took back what can be of {what}:" if is_left else f"↩ Took back {what}:"
    return "\n".join([title, "", *lines]) if lines else f"There is nothing to take back of {what}."


def _answer(event: Event, text: str) -> Action:
    if event.issue_target:
        return Comment(event.issue_target, text)
    if event.response_target:
        return Whisper(event.response_target, text)
    return Reply(event.thread, text)
