"""The message of a proposal: what would be done, exactly, with two buttons; later what became of
it."""

from typing import NamedTuple

from shared.actions.slack.actions import Button, Card
from shared.events import Thread
from shared.patterns import lazily
from shared.planning.messages import NAMED, exactly, time_in_utc
from shared.proposals.proposal import MOST, Proposal, Proposed

_CLICK = lazily(r"(do|drop) (\w{1,64})/([0-9a-f]{64})")


class ProposalClick(NamedTuple):
    """The value of a pressed button."""

    is_yes: bool
    id: str
    digest: str


def proposal_click(value: str) -> ProposalClick | None:
    """Read the value of a button; None for a button of others."""
    found = _CLICK.fullmatch(value)
    return ProposalClick(found[1] == "do", found[2], found[3]) if found else None


def asking(proposal: Proposal, thread: Thread) -> Card:
    """Ask a person about exactly this, always in the same words."""
    short = proposal.payload.digest[:NAMED]
    how = (
        f"Press a button, or mention me here with `approve {short}` or `reject {short}`, until"
        f" {time_in_utc(proposal.expires_at)}; then nothing is done. It needs the word of somebody"
        " who may write here, and I do it as the app, in their name."
    )
    text = f"⏸ **{headline(proposal.payload)}?**\n\n{_body(proposal.payload)}{how}"
    buttons = (
        Button("Do it", f"do {proposal.name}", "primary"),
        Button("Drop", f"drop {proposal.name}", "danger"),
    )
    return Card(thread, proposal.name, text, buttons)


def answered(proposal: Proposal, thread: Thread, became: str) -> Card:
    """Show the same message without buttons, and what became of it."""
    text = f"{became}\n\n{_body(proposal.payload)}".strip()
    return Card(thread, proposal.name, text, ts=proposal.ts)


def headline(payload: Proposed) -> str:
    """Say what would be done, in few words."""
    target = payload.target
    match payload.deed:
        case "open issue":
            return f"Open an issue in {target}"
        case "add labels":
            return f"Add labels to {target}"
        case "comment":
            return f"Comment on {target}"
        case "review":
            return f"Review {target}"
        case "plan":
            return "Make a plan and begin with it"
        case "remind":
            return f"Remind {payload.arguments['whom']}"


def closed(proposal: Proposal | None) -> str:
    """Tell why a proposal takes no more answers; nothing when it still does."""
    if proposal is None:
        return "I know of no such proposal here."
    if proposal.state != "asked":
        return f"This was answered before, by {proposal.decided_by}. Your answer changed nothing."
    if proposal.expired:
        return "The time to answer this is over. Nothing was done."
    return ""


def _body(payload: Proposed) -> str:
    """Show all that is given; what begins with `_` says the same for programs."""
    given = {name: held for name, held in payload.arguments.items() if name[0] != "_"}
    return f"{shown}\n\n" if (shown := exactly(given, MOST)) else ""
