"""Reminders for others as proposals. Few runs need it, and it takes a while to load."""

from shared.proposals.proposal import Proposal, Proposed
from shared.reminding.desk import Reminder
from shared.reminding.messages import often
from shared.reminding.wishes import Wish


def reminder_wanted(read: Wish, reminder: Reminder, whom: str) -> Proposed:
    """Return a reminder for `whom`, as people call them."""
    given = {"whom": whom, "when": often(reminder), "text": read.text, "_kept": [*reminder]}
    return Proposed("remind", "", given)


def reminder_of(proposal: Proposal) -> Reminder:
    """Return the reminder that was proposed."""
    return Reminder(*proposal.payload.arguments["_kept"])
