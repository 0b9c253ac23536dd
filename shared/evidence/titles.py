"""Names sources in Slack as people do: a channel by its name, direct messages as ours; no id."""

from collections.abc import Callable, Mapping

from shared.actions.asking import AskName
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.evidence.passages import GivenPassage
from shared.log import log
from shared.patterns import lazily

#: The channel in the address of a message, as we and as Slack write it.
_CHANNEL = lazily(r"[?&]channel=([CDG]\w+)|/archives/([CDG]\w+)/")


def titled(
    cited: Mapping[int, GivenPassage], name_of: Callable[[str, str], str]
) -> dict[int, GivenPassage]:
    """Return the passages with titles for people; `name_of` names a channel whose messages have an
    audience, and may not know it."""
    return {number: one._replace(title=_title(one, name_of)) for number, one in cited.items()}


def _title(one: GivenPassage, name_of: Callable[[str, str], str]) -> str:
    found = _CHANNEL.search(one.url)
    channel = (found[1] or found[2]) if found else ""
    if not channel or not (one.kind == "memory" or channel in one.title):
        return one.title
    first = one.text.strip().partition("\n")[0]
    name = name_of(channel, one.audience)
    return f"{name}: {first}" if name else one.title.replace(f" {channel}", "")


def named_place(loan: Loan, ours: str, channel: str, audience: str) -> str:
    """Return what people call a channel; `ours` are the direct messages that the run answers in."""
    event = loan.run.event
    if channel.startswith("D"):
        return ours if audience in {"", event.audience} else "direct messages"
    if event.source != "slack":
        return ""
    here = event.thread
    try:
        return str(loan.read(AskName(here.team, channel, here.channel))["name"])
    except AgentFlowsError as err:
        log("channel not named", run=loan.run.id, error=type(err).__name__)
        return ""
