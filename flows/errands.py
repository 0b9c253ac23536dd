"""Run errands for people in Slack. Write an issue from a thread, label, comment, have a pull
request reviewed: each is proposed, and done once a person says yes (flows/plan.py). Remind them,
sum up threads and channels, and post the gaps each week."""

from collections.abc import Callable, Mapping

from shared.actions.slack.actions import Card, Channel, Post, ReadThread, Reply, Whisper
from shared.actions.slack.heard.queries import ReadSpan
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.errors import ActionRejected, RequestUnclear
from shared.events import Event, Thread
from shared.evidence.gaps import GapsDesk
from shared.perception.commands import command_of
from shared.proposals import requests
from shared.proposals.desk import Proposals
from shared.proposals.drafting import draft_issue
from shared.proposals.proposal import Proposed
from shared.proposals.where import WhichRepository
from shared.reminding import messages, serving
from shared.reminding.desk import Reminders
from shared.reminding.gaps_weekly import WeeklyGaps
from shared.team_settings.channels.desk import ChannelDesk

_NOT_IN = "I cannot write here. Invite me to the channel, or mention me where I am."
_NO_THREAD = "Here is no thread to write an issue from. Give me its title, or mention me in one."


@flow(
    "slack.command.issue",
    "slack.command.label",
    "slack.command.comment",
    "slack.command.review",
    "slack.command.remind",
    "slack.command.reminders",
    "slack.command.summarize",
    "slack.command.gaps",
    "proposal.approved.remind",
    "slack.block_actions",
    "proposal.done",
    "timer.remind",
    "timer.gaps",
    may=[
        Card.at_most(1),
        Reply.at_most(1),
        Whisper.at_most(1),
        Post.anywhere(2),
        SetTimer.at_most(1),
    ],
    reads=[*requests.READS, *serving.READS, ReadThread, ReadSpan],
    stoppable=False,
    reaches=True,
)
def errands(event: Event, agent: Agent) -> None:
    match event.type:
        case "timer.remind":
            serving.come(event, agent)
        case "timer.gaps":
            _post_gaps(event, agent)
        case "slack.block_actions":
            _pressed(event, agent)
        case "proposal.done":
            _say(event, agent, event.need("told"))
        case "proposal.approved.remind":
            _set_approved(event, agent)
        case _:
            _asked(event, agent)


def _asked(event: Event, agent: Agent) -> None:
    """Do what a command says, or propose it."""
    name = command_of(event.type)
    try:
        if name == "gaps":
            _say(event, agent, _gaps(event, agent))
        elif name == "summarize":
            _summarize(event, agent)
        elif name == "reminders":
            _say(event, agent, serving.list_or_cancel(event, agent))
        elif (wanted := _WISHES[name](event, agent)) is not None:
            _propose(event, agent, wanted)
    except requests.SeveralRepositories as err:
        if thread := event.thread_target or _opened(event, agent):
            agent.act(agent.desk(WhichRepository).asking(err.choices, thread))
    except RequestUnclear as err:
        _say(event, agent, err.public)


def _pressed(event: Event, agent: Agent) -> None:
    """Take the press of a button below a reminder, or of one that names a repository."""
    told = serving.pressed(event, agent) or agent.desk(WhichRepository).pressed(event.text)
    if isinstance(told, Card):
        agent.act(told)
    elif told:
        _say(event, agent, told)


def _propose(event: Event, agent: Agent, wanted: Proposed) -> None:
    if thread := event.thread_target or _opened(event, agent):
        desk = agent.desk(Proposals)
        desk.propose(wanted, None if event.thread_target else thread)
        for card in desk.cards(thread):
            agent.act(card)


def _remind(event: Event, agent: Agent) -> Proposed | None:
    """Set a reminder for who asks; propose one for others."""
    read, reminder, note = serving.wanted(event, agent, event.text)
    if read.where in ("person", "channel") and read.to != event.actor.id:
        from shared.proposals.reminders import reminder_wanted  # it takes a while to load

        return reminder_wanted(read, reminder, serving.called(event, agent, read))
    kept = agent.desk(Reminders).set(reminder)
    whom = "you" if read.where in ("me", "person") else "this conversation"
    _say(event, agent, messages.kept(kept, whom, note))
    return None


def _set_approved(event: Event, agent: Agent) -> None:
    """Set the reminder for others that a person said yes to."""
    from shared.proposals.reminders import reminder_of

    proposal = agent.desk(Proposals).approved(event.need("proposal"))
    reminder = reminder_of(proposal)._replace(conversation=event.conversation)
    try:
        kept = agent.desk(Reminders).set(reminder, key=proposal.id)
    except RequestUnclear as err:
        _say(event, agent, err.public)
        return
    _say(event, agent, messages.kept(kept, proposal.payload.arguments["whom"], ""))


def _issue(event: Event, agent: Agent) -> Proposed:
    """Write an issue: from the words, or else from what was said in the thread."""
    words, repository = requests.elsewhere(event.text.strip(" :,"))
    place = requests.placed(agent, repository)  # before a model is paid for
    if words:
        title, _, body = words.partition("\n")
        return requests.issue_wanted(agent, title, body, place)
    if event.thread_target is None:
        raise RequestUnclear(_NO_THREAD)
    draft = draft_issue(agent, event.thread, without=event.message.ts)
    return requests.issue_wanted(agent, draft.title, draft.recap, place)


def _label(event: Event, agent: Agent) -> Proposed:
    about = requests.reference(event.text)
    place = requests.placed(agent, about.repository, number=about.number)
    labels = requests.labels_in(about.rest, requests.known_labels(agent, place))
    return requests.labels_wanted(agent, about.number, labels, place)


def _comment(event: Event, agent: Agent) -> Proposed:
    about = requests.reference(event.text)
    return requests.comment_wanted(agent, about.number, about.rest, about.repository)


def _review(event: Event, agent: Agent) -> Proposed:
    words = event.text.strip()
    full = words.lower().startswith("full")
    about = requests.reference(words[4:] if full else words)
    return requests.review_wanted(agent, about.number, full=full, repository=about.repository)


_WISHES: Mapping[str, Callable[[Event, Agent], Proposed | None]] = {
    "issue": _issue,
    "label": _label,
    "comment": _comment,
    "review": _review,
    "remind": _remind,
}


def _summarize(event: Event, agent: Agent) -> None:
    """Sum up a conversation; what not everybody here may read comes to who asked."""
    from shared.summarising.summary import summary_of  # what other errands need not wait for

    text, alone = summary_of(event, agent, event.text)
    if alone and event.response_target is None and not event.audience.startswith("dm:"):
        agent.act(Post(Channel(serving.direct(event, agent, event.actor.id)), text))
        text = "Not everybody here may read that, so I sent it to you alone."
    _say(event, agent, text)


def _gaps(event: Event, agent: Agent) -> str:
    """List what found no answer, or let that come into the channel each week."""
    words, weekly = event.text.strip().lower(), agent.desk(WeeklyGaps)
    channel = agent.desk(ChannelDesk)
    if words in ("off", "weekly") and not channel.is_none and (why := channel.why_not):
        return why
    if words == "off":
        return weekly.switch_off()
    if words == "weekly":
        clock = serving.clock_of(agent, event.actor.id)
        return weekly.switch_on(clock["zone"], clock["shift"])
    return agent.desk(GapsDesk).shown(words)


def _post_gaps(event: Event, agent: Agent) -> None:
    """Post the gaps of the week, if there are any. Where the channel cannot be written to any more,
    they end."""
    if found := agent.desk(GapsDesk).found():
        try:
            agent.act(Post(Channel(event.channel), found))
        except ActionRejected:
            return
    agent.desk(WeeklyGaps).go_on(event.payload)


def _opened(event: Event, agent: Agent) -> Thread | None:
    """Begin a thread for a slash command, which is in none."""
    place, name = event.response, command_of(event.type)
    opening = Post(Channel(place.channel), f"{event.actor.name} wants: {name} {event.text}".strip())
    try:
        root = agent.act(opening)
    except ActionRejected:
        _say(event, agent, _NOT_IN)
        return None
    return Thread(place.team, place.channel, root.id)


def _say(event: Event, agent: Agent, words: str) -> None:
    if event.response_target:
        agent.act(Whisper(event.response_target, words))
    else:
        agent.act(Reply(event.thread, words))
