"""Reads what somebody did without a text that could carry our mark: a label, an assignment, an
issue closed or locked, a milestone, a reaction, a branch, a section of a body. The worker compares
it with our recorded effects.

GitHub names the owner of GITHUB_TOKEN as its author, whether they or the agent did it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from shared.events import Event, Json
from shared.marks import branch_of, is_own_branch, own_mark, sections_of
from shared.perception import dig, items, string


class _Change(NamedTuple):
    """A change of an issue or pull request: the actions of ours that make it, and where the event
    names what was changed. What an issue `leaves` is what the action does not name."""

    tools: frozenset[str]
    path: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    leaves: bool = False


_MILESTONE = ("milestone", "title"), ("milestone", "number")
#: What takes any of them back.
_UNDO = "TakeBackOnGitHub"
#: By the name that events have for it.
_CHANGES = {
    "labeled": _Change(frozenset({"AddLabels", "OpenIssue", _UNDO}), ("label", "name")),
    "unlabeled": _Change(frozenset({"RemoveLabels", _UNDO}), ("label", "name")),
    "assigned": _Change(frozenset({"Assign"}), ("assignee", "login")),
    "unassigned": _Change(frozenset({_UNDO}), ("assignee", "login")),
    "closed": _Change(frozenset({"CloseIssue", _UNDO})),
    "reopened": _Change(frozenset({"ReopenIssue", _UNDO})),
    "milestoned": _Change(frozenset({"SetMilestone", _UNDO}), *_MILESTONE),
    "demilestoned": _Change(frozenset({"SetMilestone", _UNDO}), *_MILESTONE, leaves=True),
    "locked": _Change(frozenset({"LockIssue", _UNDO})),
    "unlocked": _Change(frozenset({"UnlockIssue", _UNDO})),
    "resolved": _Change(frozenset({"ResolveThread"}), ("thread", "node_id")),
    "unresolved": _Change(frozenset({_UNDO}), ("thread", "node_id")),
    # A reply on lines is a review of its own, without a text.
    "submitted": _Change(frozenset({"ReplyOnLines"}), ("review", "node_id"), ("review", "id")),
    "deleted": _Change(frozenset({_UNDO}), (), ("comment", "id")),
}
#: Where an event about a branch names it, and its commit.
_BRANCHES = (
    (("ref",), ("after",)),
    (("check_run", "check_suite", "head_branch"), ("check_run", "head_sha")),
    (("check_suite", "head_branch"), ("check_suite", "head_sha")),
    (("workflow_run", "head_branch"), ("workflow_run", "head_sha")),
    (("workflow_job", "head_branch"), ("workflow_job", "head_sha")),
    (("deployment", "ref"), ("deployment", "sha")),
)


class Deed(NamedTuple):
    """Something done to `target`, as effects name it: `value` was added or removed, or a branch of
    this name got a `commit`. `effect` is the key in the mark of what it was done to. `at` is in
    seconds since the epoch. Only an action of the `tools` did it; empty for any. `number` is
    another name of the value, which the action does not name if the target `leaves` it."""

    target: str
    value: str
    at: float
    commit: str = ""
    effect: str = ""
    tools: frozenset[str] = frozenset()
    number: str = ""
    leaves: bool = False

    def is_of(self, tool: str, key: str, arguments: Any, receipt: Json | None) -> bool:
        """Tell if the effect of this key, with these arguments, did it or may have."""
        if self.tools and tool not in self.tools:
            return False
        if tool == _UNDO and receipt is None:
            return True  # until it has ended nobody knows what it changes
        told = {branch_of(key), *_texts(arguments), *_texts(receipt)}
        values = {self.value.casefold(), self.number} - {""}
        is_named = not values.isdisjoint(_name(text) for text in told)
        is_named = not values or is_named is not self.leaves
        # A person may push to our branch too; until there is a receipt nobody knows our commit.
        return is_named and (not self.commit or receipt is None or self.commit in told)


def deed(event: Event) -> Deed | None:
    """Return what `event` tells, if an action of ours could have done it without a text."""
    _, kind, *rest = (*event.type.split("."), "", "")
    if kind == "command":  # such as one that a label gave
        rest = [string(event.payload, "action")]
    if event.source == "slack":
        return _reaction(event) if kind == "reaction_added" else None
    if event.source != "github":
        return None
    if kind == "pull_request" and rest[0] == "edited":
        return _written(event)
    change = _CHANGES.get(rest[0])
    return _changed(event, change) if change and event.issue_target else _of_branch(event)


def _changed(event: Event, change: _Change) -> Deed | None:
    payload = event.payload
    body = string(payload, "issue", "body") or string(payload, "pull_request", "body")
    mark = own_mark(body)
    key = mark["key"] if mark else ""
    value = string(payload, *change.path) if change.path else ""
    found = dig(payload, *change.number) if change.number else None
    number = next(_texts(found), "") if type(found) is int else ""
    if change.path and not (value or change.leaves):
        return None
    about = change.tools, number, change.leaves
    return Deed(event.issue.ref, value, _time(event), "", key, *about)


def _written(event: Event) -> Deed | None:
    """Return the section that an edit put into a body, or took out of it; a person's edit leaves
    those that are."""
    before = sections_of(string(event.payload, "changes", "body", "from"))
    now = sections_of(string(event.payload, "pull_request", "body"))
    if before == now or not event.issue_target:
        return None
    # The name of a branch stands for the key of an effect, also before there is a receipt; what
    # takes an effect back names its key.
    new, gone = min(now - before, default=""), min(before - now, default="")
    value = branch_of(new) if new else ""
    tools = frozenset({"WriteSection", _UNDO})
    return Deed(event.issue.ref, value, _time(event), tools=tools, number=gone)


def _reaction(event: Event) -> Deed | None:
    emoji = string(event.payload, "event", "reaction")
    named = emoji and event.message_target
    return Deed(event.message.ref, emoji, event.received_at) if named else None


def _of_branch(event: Event) -> Deed | None:
    payload = event.payload
    found = [(string(payload, *named), string(payload, *at)) for named, at in _BRANCHES]
    # A commit status names all branches with the commit.
    statuses = items(payload, "branches")
    found += [(string(one, "name"), string(payload, "sha")) for one in statuses]
    for name, at in found:
        branch = name.removeprefix("refs/heads/")
        if is_own_branch(branch):
            commit = "" if dig(payload, "created") is True else at
            return Deed(string(payload, "repository", "full_name"), branch, _time(event), commit)
    return None


def _time(event: Event) -> float:
    """Return when it happened, as far as GitHub says so; deliveries may come much later."""
    for kind in ("issue", "pull_request"):
        with suppress(ValueError):
            told = datetime.fromisoformat(string(event.payload, kind, "updated_at"))
            return min(told.timestamp(), event.received_at)
    return event.received_at


def _name(text: str) -> str:
    """Return a label, or a login that may have an @, as the platform compares it."""
    return text.strip().removeprefix("@").casefold()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif type(value) is int:
        yield f"#{value}"  # not a text of the same digits, such as the number of an issue
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
