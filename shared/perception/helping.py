"""Answers `help`: which commands a person may give where they ask, and which one they meant. Tells
what was opened from the command that it was opened with."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.events import AS_OPENED, Event
from shared.perception import dig, string
from shared.perception.commands import (
    COMMANDS,
    Command,
    Order,
    Takes,
    command_of,
    event_type,
    labelled,
    mistaken,
    spoken,
)
from shared.perception.commands import meant as meant_of

#: What a command takes in Slack, where that differs: no message there is a pull request.
_IN_SLACK = {
    "review": ("review #12", "review a pull request, and link the result here"),
    "change": ("change TEXT", "in the thread of a plan: say what it should do instead"),
}
#: Commands that do what a flow does by itself with what is opened.
DONE_BY_ITSELF = frozenset({"review", "triage", "describe"})
OPENED = frozenset({"github.issues.opened", "github.pull_request.opened"})
#: Seconds from the moment of the opening in which a label belongs to it.
_TOGETHER = 60


def help_for(event: Event, takes: Takes, *, writes: bool) -> str:
    """List the commands that some flow `takes`, that make sense here, and that a person may give
    who `writes` or not: all, or the one that they ask about.

    After a mistyped command name the one that they meant; nothing if they may not give that.
    """
    place = "pull request" if is_pull_request(event) else "issue"
    may = [
        command
        for command in COMMANDS.values()
        if takes(event_type(event.source, Order(command.name, "")))
        and (event.source != "github" or place in command.on)
        and (writes or not command.writers)
    ]
    about, typed = spoken(event.text), mistaken(event.text)
    if typed and not about:
        near = meant_of(typed, (command.name for command in may))
        return f"No command `{typed.name}`. Did you mean `{near}`?" if near else ""
    asked = [one for one in may if about and one.name == about.name] or may
    return _listed(asked, _IN_SLACK if event.source == "slack" else {})


def _listed(commands: Iterable[Command], said: Mapping[str, tuple[str, str]]) -> str:
    rows = (said.get(one.name, (one.usage, one.summary)) for one in commands)
    return "\n".join(["You may ask me to:", *(f"- `{usage}` — {what}" for usage, what in rows)])


def is_pull_request(event: Event) -> bool:
    """Does the event of a command on GitHub stand on a pull request?"""
    is_pull = dig(event.payload, "issue", "pull_request") or dig(event.payload, "pull_request")
    return bool(is_pull)


def beside_opening(event: Event) -> tuple[Event | None, Event]:
    """Return what a person opened on GitHub beside the command, or the claim, that its text begins
    with: two events, of which each has a body of its own. Only what is opened has the first."""
    kind = "pull_request" if "pull_request" in event.payload else "issue"
    type_ = f"github.{'issues' if kind == 'issue' else kind}.opened"
    is_order = event.payload.get("action") == "opened" and not event.type.endswith(".opened")
    if not is_order or kind not in event.payload:
        return None, event
    said = (string(event.payload, kind, name) for name in ("title", "body"))
    opened = event._replace(type=type_, text="\n\n".join(filter(None, said)))
    end = AS_OPENED if command_of(event.type) in DONE_BY_ITSELF else ":order"
    digest = event.digest and event.digest + end
    return opened, event._replace(id=event.id + end, digest=digest)


def is_label_of_opening(event: Event) -> bool:
    """Does a label ask for what a flow does by itself with what was opened a moment before? GitHub
    tells each label in an event of its own."""
    if event.payload.get("action") != "labeled" or command_of(event.type) not in DONE_BY_ITSELF:
        return False
    kind = "pull_request" if "pull_request" in event.payload else "issue"
    try:
        made, changed = (
            datetime.fromisoformat(string(event.payload, kind, f"{at}_at"))
            for at in ("created", "updated")
        )
        return (changed - made).total_seconds() <= _TOGETHER
    except (ValueError, TypeError):
        return False


def commands_of_labels(event: Event, prefix: str) -> set[str]:
    """Return the commands, of those that a flow does by itself, that labels give with which an
    issue or a pull request was opened."""
    kind = "pull_request" if "pull_request" in event.payload else "issue"
    labels = dig(event.payload, kind, "labels")
    names = [string(one, "name") for one in labels if isinstance(one, dict)] if labels else []
    given = (labelled(name, prefix) for name in names)
    return {order.name for order in given if order} & DONE_BY_ITSELF
