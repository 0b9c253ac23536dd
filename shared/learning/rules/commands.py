"""What `/learnings` does with rules: lists and explains them to everybody, and accepts, edits,
disables, widens and deletes them for who may write. What counts in a whole organisation is changed
by who has rights across it."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome
from shared.learning.rules.store import LONGEST, LearntRule, RuleStore
from shared.patterns import lazily
from shared.redaction.redacting import redacted

NOT_ALLOWED = "That needs write permission; somebody who has it must do it."
NOT_FOR_ALL = (
    "That counts in the whole organisation, so it needs somebody who may write in its repository"
    " `.github`, or in Slack an admin of the workspace."
)
_ORDER = lazily(
    r"\s*(?:(accept|disable|delete|edit|widen|why)\s+)?`?(r-[0-9a-f]{10})`?(?:\s+(.*))?",
    re.I | re.S,
)
_STATES = {"candidate": "waits to be accepted", "active": "accepted", "disabled": "disabled"}
_REACH = {
    "lines": "for this code",
    "file": "in its file",
    "repository": "everywhere here",
    "organisation": "in the whole organisation",
    "person": "for one person",
}


class RuleOrder(NamedTuple):
    """What somebody wants of one rule; `why` asks about it."""

    verb: str
    id: str
    words: str


def order_of(text: str) -> RuleOrder | None:
    """Read `accept r-1a2b3c4d5e`, `edit r-1a2b3c4d5e WORDS`, or the id alone."""
    found = _ORDER.fullmatch(text.strip())
    if not found:
        return None
    return RuleOrder((found[1] or "why").lower(), found[2].lower(), (found[3] or "").strip())


class RuleCommands:
    """The rules of a place and of what it works on."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._store = RuleStore(loan.run)
        repository = self._event.repository
        of_repository = f"github:{repository}" if repository else ""
        #: Where the rules that may be seen here are from.
        self.places = [*dict.fromkeys(filter(None, (of_repository, self._event.scope)))]

    def listed(self) -> str:
        """Return the rules as a list in Markdown; '' for none."""
        rows = [_row(one) for one in self._found("")]
        return "\n".join(["**Rules**", "", *rows]) if rows else ""

    def obey(self, order: RuleOrder) -> str:
        """Do what somebody wants of a rule, and return the answer."""
        found = self._found(order.id)
        if not found:
            return f"There is no rule `{order.id}` here."
        [rule] = found
        if order.verb == "why":
            return _explained(rule)
        if not self._loan.may_write():
            return NOT_ALLOWED
        is_for_all = rule.scope == "organisation" or (
            order.verb == "widen" and _reach_of(order.words) == "organisation"
        )
        if is_for_all and not self._loan.may_govern():
            return NOT_FOR_ALL
        return _VERBS[order.verb](self, rule, order.words)

    def _accept(self, rule: LearntRule, _: str) -> str:
        self._change("decide", rule, state="active")
        return f"Accepted: from now on I heed `{rule.id}`."

    def _disable(self, rule: LearntRule, _: str) -> str:
        self._change("decide", rule, state="disabled")
        again = f"`/learnings accept {rule.id}` undoes it."
        return f"Disabled: I do not heed `{rule.id}` any more. {again}"

    def _delete(self, rule: LearntRule, _: str) -> str:
        self._change("delete", rule)
        return f"Deleted `{rule.id}`."

    def _edit(self, rule: LearntRule, words: str) -> str:
        words = redacted(" ".join(words.split()))[:LONGEST]
        if not words:
            return f"Say what the rule is to be: `/learnings edit {rule.id} WORDS`."
        self._change("edit", rule, words=words)
        return f"`{rule.id}` now says: {_plain(words)}"

    def _widen(self, rule: LearntRule, scope: str) -> str:
        scope, platform = _reach_of(scope), rule.place.partition(":")[0]
        if scope not in {"file", "repository", "organisation"}:
            return "Say how far: `file`, `repository`, `channel` or `organisation`."
        here = next(one for one in self.places if one.startswith(f"{platform}:"))
        place = here if rule.scope == "organisation" else rule.place
        if scope == "organisation":
            place = place.rpartition("/" if platform == "github" else ":")[0]
        self._change("reach", rule, scope=scope, place=place)
        return f"`{rule.id}` now counts {_REACH[scope]}."

    def _found(self, id_: str) -> list[LearntRule]:
        about = {"places": self.places, "id": id_}

        def work() -> Outcome:
            return Outcome([one._asdict() for one in self._store.read("listed", **about)])

        rows: list[Json] = self._run.step("rules", about, work)
        mine = (LearntRule.of_row(row) for row in rows)
        return [one for one in mine if one.person in {"", self._event.actor.id} or id_]

    def _change(self, name: str, rule: LearntRule, **values: str) -> None:
        by = {"id": rule.id, "by": self._event.actor.name}
        statement = self._store.statement(name, **by, **values)
        about = {"what": name, "rule": rule.id, **values}
        self._run.step("rule", about, lambda: Outcome(None, statements=[statement]))


_VERBS: Mapping[str, Callable[[RuleCommands, LearntRule, str], str]] = {
    "accept": RuleCommands._accept,
    "disable": RuleCommands._disable,
    "delete": RuleCommands._delete,
    "edit": RuleCommands._edit,
    "widen": RuleCommands._widen,
}


def _reach_of(said: str) -> str:
    """Return the scope that somebody names."""
    said = said.strip().lower()
    return "repository" if said == "channel" else said


def _row(rule: LearntRule) -> str:
    heeded = "heeded" if rule.in_force else _STATES[rule.state]
    return f"- `{rule.id}` {_plain(rule.words)} ({_where(rule)}; {heeded}; {_voices(rule)})"


def _explained(rule: LearntRule) -> str:
    lines = [f"`{rule.id}`: {_plain(rule.words)}", "", f"- It counts {_where(rule)}."]
    lines += [f"- It came of this finding: {_plain(rule.about)}"] if rule.about else []
    lines.append(f"- {_voices(rule)}; it {_standing(rule)}.")
    others = [one for one in rule.wordings if one != rule.words]
    lines += [f"- Somebody put it so: {_plain(one)}" for one in others]
    if rule.uses:
        runs = f"the newest {rule.uses} runs that heeded it"
        lines.append(f"- What people made of {runs}: {rule.outcome:+.1f}.")
    lines.append(f"- `/learnings accept`, `edit`, `widen`, `disable` or `delete {rule.id}`")
    return "\n".join(lines)


def _standing(rule: LearntRule) -> str:
    by = f" by {_code(rule.decided_by)}" if rule.decided_by else ""
    if rule.state == "active" and not rule.in_force:
        return f"was accepted{by}, and is not heeded since what came of it was disliked"
    if rule.state == "candidate" and rule.in_force:
        return (
            "keeps such findings away, since so many said so independently; no model is shown its"
            " words until somebody accepts them"
        )
    return f"{'is ' if rule.state != 'candidate' else ''}{_STATES[rule.state]}{by}"


def _voices(rule: LearntRule) -> str:
    return f"{rule.supporters} {'person' if rule.supporters == 1 else 'people'} said so"


def _where(rule: LearntRule) -> str:
    place = rule.place.partition(":")[2]
    named = f" ({_code(rule.path)})" if rule.scope in {"lines", "file"} and rule.path else ""
    return f"{_REACH[rule.scope]}{named} in {_code(place)}" if place else _REACH[rule.scope]


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("@", "@\u200b")


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', chr(39)).split())}`"
