"""What people press in Slack: shortcuts, dialogs, thumbs, and the app's home."""

from contextlib import suppress

from shared.actions.github.actions import OpenIssue, Repository
from shared.actions.slack.actions import Post, ReadThread, Reply, Whisper
from shared.actions.slack.views.actions import (
    ForPerson,
    PublishHome,
    SuggestPrompts,
    Tell,
    UpdateDialog,
)
from shared.actions.slack.views.forms_desk import FormDesk
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.errors import ActionRejected, RequestUnclear
from shared.events import Event
from shared.evidence.standing import KeptSources
from shared.forms import Choice
from shared.home.desk import HomeDesk
from shared.installations.handing import HandingDesk
from shared.learning.likeness import edited, shape_of
from shared.learning.rules.proposing import ProposedRules
from shared.learning.signals.desk import DECIDED, SignalsDesk
from shared.learning.signals.opinions import OpinionsDesk
from shared.learning.signals.store import Caused
from shared.memory.control.desk import MemoryDesk
from shared.perception.slack_payloads import THUMBS
from shared.proposals.connected import ConnectedRepositories
from shared.proposals.drafting import draft_issue, extract
from shared.summarising.desk import SummaryDesk
from shared.summarising.summary import summary_of_thread
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.first_week import FirstWeek
from shared.team_settings.channels.unasked import OVER, STALE, Outcome, UnaskedDesk

_UNCONNECTED = "No repository is connected with this place. An operator names it in REPOSITORIES."
_REFUSED = {
    "expired_trigger_id": "That took longer than Slack allows. Please press again.",
    "another_workspace": "Dialogs do not open in this workspace. Mention me and say it in words.",
}
#: The refusals of a front door without the token that holds.
_TOKENLESS = frozenset(
    {"another_workspace", "invalid_auth", "token_revoked", "token_expired", "account_inactive"}
)


@flow(
    "slack.opened.open-issue",
    "slack.form.open-issue",
    "slack.form.why-bad",
    "slack.opened.channel-settings",
    "slack.form.channel-settings",
    "slack.shortcut.remember-this",
    "slack.shortcut.summarise-thread",
    "slack.press.feedback",
    "slack.thumb",
    "slack.home",
    "slack.visit",
    "slack.press.home-search",
    "slack.press.home-forget",
    "slack.press.home-quiet",
    "slack.press.draft-send",
    "slack.press.draft-drop",
    "slack.opened.edit-draft",
    "slack.form.edit-draft",
    "slack.press.refused",
    "timer.answers-press",
    may=[
        UpdateDialog.at_most(2),
        Whisper.at_most(1),
        PublishHome.at_most(1),
        SuggestPrompts.at_most(1),
        Tell.at_most(1),
        Reply.at_most(1),
        OpenIssue.anywhere(1),
        SetTimer.at_most(1),
        Post.anywhere(1),
    ],
    reads=[ReadThread, *SummaryDesk.READS, *OpinionsDesk.READS, *HomeDesk.READS, *FirstWeek.READS],
    stoppable=False,  # what people say of the agent is noted also where nothing should be said
    reaches=True,
)
def press(event: Event, agent: Agent) -> None:
    match event.type.removeprefix("slack.").split("."):
        case ["opened", "open-issue"]:
            _fill_issue(event, agent)
        case ["form", "open-issue"]:
            _open_issue(event, agent)
        case [how, "channel-settings" | "draft-send" | "draft-drop" | "edit-draft" as what]:
            _of_channel(event, agent, how, what)
        case ["form", "why-bad"]:
            _why_bad(agent)
        case ["press", "feedback"]:
            agent.desk(OpinionsDesk).note(is_good=not event.text.startswith("bad"))
        case ["thumb"]:
            _thumb(event, agent)
        case ["shortcut", what]:
            agent.act(Whisper(event.response, _picked(event, agent, what)))
        case ["timer", _]:
            _end_week(agent)
        case ["press", "refused"]:
            agent.act(Tell(ForPerson.of(event), _refused(event, agent)))
        case _:
            agent.act(_welcome(event, agent.desk(HomeDesk)))


def _welcome(event: Event, home: HomeDesk) -> PublishHome | SuggestPrompts:
    """Show the home, or what to say to who opens the direct messages."""
    person = ForPerson.of(event)
    if event.type == "slack.visit":
        return SuggestPrompts.of(person, home.prompts())
    return PublishHome.showing(person, home.shown())


def _picked(event: Event, agent: Agent, what: str) -> str:
    """Do what somebody chose in the menu of a message, and return the answer."""
    if what == "summarise-thread":
        return summary_of_thread(event, agent).text
    desk = agent.desk(MemoryDesk)
    return desk.shown(desk.remember_picked())


def _end_week(agent: Agent) -> None:
    if told := agent.desk(FirstWeek).end():
        agent.act(told)


def _refused(event: Event, agent: Agent) -> str:
    """Say why no dialog opened. Where the front door lacked the workspace's token, it gets it."""
    if event.text in _TOKENLESS and agent.desk(HandingDesk).hand_over():
        return "I was not ready for dialogs in this workspace. Now I am: please press again."
    unopened = f"Slack did not open the dialog ({event.text}). Please press again."
    return _REFUSED.get(event.text, unopened)


def _fill_issue(event: Event, agent: Agent) -> None:
    """Fill the dialog with what the thread says, and the repositories that may be chosen."""
    form, repositories = agent.desk(FormDesk), agent.desk(ConnectedRepositories).offered
    if not repositories:
        form.tell(_UNCONNECTED)
        return
    values = {"repository": repositories[0]}
    if event.thread_target:
        draft = extract([{"text": event.text}])
        # Where we are not in the channel, or nobody but the agent spoke, what was picked has to do.
        with suppress(ActionRejected, RequestUnclear):
            draft = draft_issue(agent, event.thread)
        values |= {"title": draft.title, "body": draft.recap}
    form.fill(values, {"repository": [Choice(name, name) for name in repositories]})


def _of_channel(event: Event, agent: Agent, how: str, what: str) -> None:
    """Do what people press about a channel: its settings, and drafts of answers in it."""
    match what:
        case "channel-settings":
            _channel_settings(agent, how)
        case "edit-draft":
            _edit(event, agent, how)
        case _:
            _decide(event, agent, "sent" if what == "draft-send" else "dropped")


def _channel_settings(agent: Agent, how: str) -> None:
    """Fill the dialog with what holds in the channel, or set what somebody submitted."""
    form, channel = agent.desk(FormDesk), agent.desk(ChannelDesk)
    if not form.is_readable:
        form.tell("You do not read that channel.")
    elif why := channel.why_not:
        form.tell(f"{channel.shown()}\n\n{why}".strip())
    elif how == "opened":
        form.fill(channel.values)
    elif wrong := channel.submit(form.values):
        form.refuse(wrong)
    else:
        form.tell(f"Saved. {channel.shown()}")


def _decide(event: Event, agent: Agent, outcome: Outcome) -> None:
    """Send or drop the draft whose button somebody pressed."""
    draft = agent.desk(UnaskedDesk).decide(event.text, outcome)
    said = "" if draft else OVER
    if draft and outcome == "sent" and not agent.desk(KeptSources).stand(draft.sources):
        agent.desk(UnaskedDesk).withdraw(event.text)
        draft, said = None, STALE
    if draft:
        _note_draft(agent, event.text, outcome)
    if draft and outcome == "sent":
        agent.act(Reply(draft.thread, draft.text))
    _put_away(event, agent, said)


def _put_away(event: Event, agent: Agent, said: str = "") -> None:
    """Take the draft off the screen of who decided about it, or put these words in its place."""
    if event.response_target:
        with suppress(ActionRejected):  # half an hour later Slack takes no answer any more
            agent.act(Whisper(event.response, said, replaces=True))


def _edit(event: Event, agent: Agent, how: str) -> None:
    """Fill the dialog with a draft, or send what somebody made of it."""
    form, desk = agent.desk(FormDesk), agent.desk(UnaskedDesk)
    if how == "opened":
        draft = desk.waiting(event.text)
        if draft is None:
            form.tell(OVER)
            return
        choice = Choice(event.text, "The answer that I drafted")
        form.fill({"draft": event.text, "text": draft.text}, {"draft": [choice]})
        return
    said, told = form.values, OVER
    draft = desk.decide(said["draft"], "edited")
    if draft and not agent.desk(KeptSources).stand(draft.sources):
        desk.withdraw(said["draft"])
        draft, told = None, STALE
    if draft:
        # From -1, nothing of it is left, to 1, all.
        left = 2 * edited(shape_of(draft.text), shape_of(said["text"])) - 1
        _note_draft(agent, said["draft"], "edited", left)
        agent.act(Reply(draft.thread, said["text"]))
    form.tell("Sent." if draft else told)
    _put_away(event, agent)


def _note_draft(agent: Agent, draft: str, outcome: Outcome, value: float | None = None) -> None:
    """Note what a person made of the draft, which bears the name of its run."""
    signals, run = agent.desk(SignalsDesk), draft.partition(":")[0]
    kind = DECIDED[outcome]
    signals.note(signals.said(kind, Caused(run=run), "draft", run, value=value, cause=outcome))


def _open_issue(event: Event, agent: Agent) -> None:
    """Open the issue that a person submitted, and tell it in the thread that it came from."""
    form, connected = agent.desk(FormDesk), agent.desk(ConnectedRepositories)
    said = form.values
    name, title = said["repository"], " ".join(said["title"].split())
    why = connected.why_not(name) if form.is_readable else "You do not read that channel."
    if why:
        offered = [Choice(one, one) for one in connected.offered or [name]]
        form.refuse({"repository": why}, {"repository": offered})
        return
    issue = agent.act(OpenIssue(Repository(name), title, said["body"]))
    form.tell(f"Opened {name}#{issue.id}: {issue.url}")
    if event.thread_target:
        opened = f"<@{event.actor.id}> opened [{name}#{issue.id}]({issue.url}): {title}"
        with suppress(ActionRejected):  # we are not in the channel; the dialog says it
            agent.act(Reply(event.thread, opened))


def _why_bad(agent: Agent) -> None:
    """Note why an answer does not help; how it should be said becomes a rule to accept."""
    said = agent.desk(FormDesk).values
    opinions = agent.desk(OpinionsDesk)
    noted = opinions.note(is_good=False, cause=said["kind"], words=said["reason"])
    if noted and said["kind"] == "style":
        agent.desk(ProposedRules).of_tone(said["reason"])


def _thumb(event: Event, agent: Agent) -> None:
    """Note a thumb under what the agent said, or that it was taken away."""
    is_up = THUMBS[event.need("event", "reaction").partition("::")[0]]
    is_added = event.need("event", "type") == "reaction_added"
    agent.desk(OpinionsDesk).note(is_good=is_up, holds=is_added)
