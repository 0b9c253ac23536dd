"""Sums up a thread or a channel: reads it as the person who asks may, sums it up, checks each
sentence at its messages, and says what is left out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.actions.slack.heard.queries import ReadSpan
from shared.agent.agent import Agent
from shared.events import Event, Json, SlackMessage
from shared.perception.commands import spoken
from shared.reminding.clocks import Clocks
from shared.summarising.asked import Asked, asked
from shared.summarising.desk import SummaryDesk
from shared.summarising.parts import CitedSentence, NumberedMessage, extracted, in_parts, summed_up

#: Seconds that are summed up of a channel when nobody says since when.
_USUAL = 86_400.0
#: Links of one sentence.
_LINKS = 3


class WrittenSummary(NamedTuple):
    """What to say; `alone` when only the person who asked may read it."""

    text: str
    alone: bool = False


def summary_of(event: Event, agent: Agent, words: str) -> WrittenSummary:
    """Sum up what a person asks for in `words`. The flow needs `SummaryDesk.READS`. Raises
    RequestUnclear for a time that nobody understands."""
    wanted = asked(event, words)
    oldest, told = _since(event, agent, wanted)
    return _summary(event, agent, wanted, oldest, told)


def summary_of_thread(event: Event, agent: Agent) -> WrittenSummary:
    """Sum up the thread of a message that a person picked."""
    return _summary(event, agent, Asked(event.thread.channel, event.thread.ts, ""), "", "")


def _summary(event: Event, agent: Agent, wanted: Asked, oldest: str, since: str) -> WrittenSummary:
    desk = agent.desk(SummaryDesk)
    _, team, here = event.scope.split(":")
    asking = event.message_target
    # What asks for it, and what is said later, is no part of it.
    is_picked = event.type.startswith("slack.shortcut.")
    latest = asking.ts if asking and asking.channel == here and not is_picked else ""
    span = ReadSpan(team, here, event.actor.id, wanted.channel, wanted.thread, oldest, latest)
    found = agent.read(span)
    if "note" in found:
        return WrittenSummary(found["note"])
    items = [one for one in found["items"] if not _is_order(one["text"])]
    alone = not desk.is_for_all(found)
    place = f"#{found['name']}" if found["name"] else "this channel"
    place = "our conversation" if found["channel"].startswith("D") else place
    place = "this thread" if wanted.thread and found["channel"] == here else place
    if not items:
        when = since.replace(" of the last ", " in the last ")
        return WrittenSummary(f"Nobody wrote anything in {place}{when}.", alone)
    parts = in_parts(NumberedMessage(place, said) for place, said in enumerate(items, 1))
    sentences = summed_up(agent, parts)
    read = [one for part in parts for one in part]
    kept = _standing(desk, span, found, items, sentences)
    lost = len(sentences) - len(kept)
    if not kept:
        kept = _standing(desk, span, found, items, extracted(read))
    head = f"**Summary of {place}{since}** ({_counted(len(read), 'message')})"
    stamps = [one["at"] for one in items]
    lines = [_line(team, found["channel"], stamps, one) for one in kept]
    left = _left_out(len(items) - len(read), lost, complete=found["complete"])
    if not lines:
        lines = ["What was said changed while I read it. Ask again."]
    return WrittenSummary(desk.named("\n".join([head, "", *lines, *left])), alone)


def _standing(
    desk: SummaryDesk,
    span: ReadSpan,
    found: Json,
    items: Sequence[Json],
    sentences: Iterable[CitedSentence],
) -> list[CitedSentence]:
    """Return the sentences all of whose messages stand."""
    given = [*sentences]
    stand = desk.standing(span, found, items, {n for one in given for n in one.messages})
    return [one for one in given if {*one.messages} <= stand]


def _since(event: Event, agent: Agent, wanted: Asked) -> tuple[str, str]:
    """Return the time stamp from which on it is summed up, and how that is said."""
    if not wanted.since:
        if wanted.thread:
            return "", ""
        return f"{event.received_at - _USUAL:.6f}", " of the last 24 hours"
    # The grammar of times takes a while to load.
    from shared.reminding.past import moment_since
    from shared.reminding.rules import zone_of

    clock = agent.desk(Clocks).of(event.actor.id)
    zone = zone_of(clock["zone"], clock["shift"])
    at = moment_since(wanted.since, event.received_at, zone)
    return f"{at:.6f}", f" since {datetime.fromtimestamp(at, zone):%a %d %b %Y, %H:%M}"


def _is_order(text: str) -> bool:
    """Is it a command to the agent, and nothing that people tell each other?"""
    mention, is_mention, rest = text.strip().partition(">")
    return bool(is_mention) and mention.startswith("<@") and spoken(rest) is not None


def _line(team: str, channel: str, stamps: Sequence[str], one: CitedSentence) -> str:
    from shared.actions.slack.session import link  # the SDK is there: the messages were read

    cited = list(dict.fromkeys(one.messages))[:_LINKS]
    urls = [link(SlackMessage(team, channel, stamps[number - 1])) for number in cited]
    links = " ".join(f"[{number}]({url})" for number, url in zip(cited, urls, strict=True))
    return f"- {' '.join(one.text.split())} {links}"


def _left_out(older: int, lost: int, *, complete: bool) -> list[str]:
    """Say what the summary does not hold."""
    said = []
    if older:
        said.append(f"the {_counted(older, 'oldest message')}")
    if not complete:
        said.append("what is more than I read at once (older messages, or replies in threads)")
    if lost:
        said.append(f"{_counted(lost, 'sentence')} whose messages changed or are gone")
    return ["", f"_Left out: {'; '.join(said)}._"] if said else []


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
