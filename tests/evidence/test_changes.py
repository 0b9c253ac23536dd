"""A thousand edits and changes of who may see what, between the reading and the answer: no reply
cites what is gone, has changed, or is not for all of its readers."""

import random
import re
from collections.abc import Callable
from typing import NamedTuple

from shared.database import Statement
from shared.models import ModelRequest
from tests import campaigns
from tests.evidence.team import SHOP, TENANT, Team, calls

SOURCES = ("memory", "issue", "comment", "file", "slack")


class Change(NamedTuple):
    """What happens to the sources of a round, and which of them are no longer what was read."""

    happens: Callable[["Round"], object]
    ends: frozenset[str]


def _sql(sql: str) -> Callable[["Round"], object]:
    def happens(one: "Round") -> object:
        given = {"text": one.token("memory")}
        return one.team.database.run(TENANT, [Statement(sql, given)])

    return happens


_MEMORY = "where text like '%%' || %(text)s || '%%'"
_ON_GITHUB = frozenset({"issue", "comment", "file"})

CHANGES: dict[str, Change] = {
    "a memory is replaced": Change(
        lambda one: one.team.knows("Nothing is so.", one.ref), frozenset({"memory"})
    ),
    "a memory is forgotten": Change(_sql(f"delete from memories {_MEMORY}"), frozenset({"memory"})),
    "a memory ends": Change(
        _sql(f"update memories set valid_until = now() {_MEMORY}"), frozenset({"memory"})
    ),
    "a memory becomes private": Change(
        _sql(f"update memories set audience = 'repo:acme/x' {_MEMORY}"), frozenset({"memory"})
    ),
    "an issue is edited": Change(
        lambda one: one.team.github.edit_issue(SHOP, one.number, body="Other."),
        frozenset({"issue"}),
    ),
    "its title is edited": Change(
        lambda one: one.team.github.edit_issue(SHOP, one.number, title="Other"),
        frozenset({"issue"}),
    ),
    "an issue is closed": Change(
        lambda one: one.team.github.edit_issue(SHOP, one.number, state="closed"),
        frozenset({"issue"}),
    ),
    "an issue is deleted": Change(
        lambda one: one.team.github.relocations.delete_issue(SHOP, one.number),
        frozenset({"issue", "comment"}),
    ),
    "an issue is transferred": Change(
        lambda one: one.team.github.relocations.transfer_issue(SHOP, one.number, "acme/other"),
        frozenset({"issue", "comment"}),
    ),
    "a comment is edited": Change(
        lambda one: one.team.github.edit_comment(one.comment, "Other."), frozenset({"comment"})
    ),
    "a comment is deleted": Change(
        lambda one: one.team.github.delete_comment(one.comment), frozenset({"comment"})
    ),
    "a file is edited": Change(
        lambda one: one.team.github.push(SHOP, {one.path: "Other.\n"}), frozenset({"file"})
    ),
    "the repository becomes private": Change(
        lambda one: one.team.github.set_private(SHOP, private=True), _ON_GITHUB
    ),
    "the repository is renamed": Change(
        lambda one: one.team.github.relocations.rename(SHOP, "store"), _ON_GITHUB
    ),
    "the repository is deleted": Change(
        lambda one: one.team.github.relocations.delete(SHOP), _ON_GITHUB
    ),
    "a message is edited": Change(
        lambda one: one.team.slack.edit(one.channel, one.ts, f"{one.word} is other"),
        frozenset({"slack"}),
    ),
    "a message is deleted": Change(
        lambda one: one.team.slack.delete(one.channel, one.ts), frozenset({"slack"})
    ),
    "a channel becomes shared": Change(
        lambda one: one.team.slack.workspace.add_channel(one.name, member=False, shared=True),
        frozenset({"slack"}),
    ),
    "a channel becomes private": Change(
        lambda one: one.team.slack.workspace.add_channel(one.name, member=False, private=True),
        frozenset({"slack"}),
    ),
    "the token ends": Change(lambda one: one.team.slack.searches.expire(), frozenset({"slack"})),
}
#: Changes of the same source that one round has at most one of: the first may remove it.
_KINDS = {
    "memory": [name for name in CHANGES if "memory" in name],
    "github": [name for name, one in CHANGES.items() if one.ends & _ON_GITHUB],
    "slack": [name for name, one in CHANGES.items() if "slack" in one.ends],
}


class Round:
    """One question, about something that stands in five places."""

    team: Team
    at: int
    changes: list[str]
    number: int
    comment: int
    channel: str
    ts: str
    word: str
    ref: str
    path: str
    name: str

    def __init__(self, team: Team, at: int) -> None:
        self.team, self.at, self.changes = team, at, []
        github, slack = team.github, team.slack
        self.word, self.ref = f"kangaroo{self.at}", f"acme/shop#{9000 + self.at}"
        self.path, self.name = f"docs/{self.word}.md", f"zoo{self.at}"
        self.team.knows(f"{self.word} says {self.token('memory')}.", self.ref, url="")
        self.number = github.open_issue(SHOP, self.word, f"It is {self.token('issue')}.")
        self.comment = github.comment(SHOP, self.number, f"It is {self.token('comment')}.")
        github.push(SHOP, {self.path: f"It is {self.token('file')}.\n"})
        self.channel = slack.workspace.add_channel(self.name, member=False)
        self.ts = slack.say(self.channel, f"{self.word} says {self.token('slack')}.")

    def token(self, source: str) -> str:
        return f"{source}x{self.at}"

    def reply(self) -> str:
        self.team.says(
            calls("read_issue", number=self.number),
            calls("read_file", path=self.path),
            calls("search_slack", words=self.word),
            self._answer,
        )
        return self.team.hears(self.team.asks(f"What about {self.word}?"))

    def _answer(self, request: ModelRequest) -> str:
        text = "\n".join(message.text for message in request.messages)
        numbers = {
            source: re.findall(rf'cite="(\d+)"[^>]*>[^<]*{self.token(source)}\b', text)[-1]
            for source in SOURCES
        }
        for name in self.changes:
            CHANGES[name].happens(self)
        return " ".join(f"It is {self.token(one)} [{n}]." for one, n in numbers.items())

    @property
    def standing(self) -> set[str]:
        return set(SOURCES).difference(*(CHANGES[name].ends for name in self.changes))


def test_no_reply_cites_what_changed_meanwhile(team: Team) -> None:
    team.github.add_repository("acme/other")
    chance, changed = random.Random(17), 0
    each = iter(sorted(CHANGES))  # each kind of change at least once, then as it comes
    wanted = campaigns.size(1_000, 20, 6)
    while changed < wanted:
        rewind = team.github.moment()
        one = Round(team, changed)
        if name := next(each, ""):
            one.changes = [name]
        else:
            some = [chance.choice(kind) for kind in _KINDS.values() if chance.random() < 0.7]
            one.changes = some
        reply = one.reply()
        said = {source for source in SOURCES if one.token(source) in reply}
        assert said == one.standing, (one.changes, said ^ one.standing)
        assert len(re.findall(r"^\d+\. ", reply, re.MULTILINE)) == len(said)
        changed += max(len(one.changes), 1)
        rewind()
