"""The mark that our own writes carry: actions write it, perception reads it.

It is an HTML comment at the end of a body on GitHub, metadata in Slack, a prefix of a branch's
name. What carries it is never a command and never causes a run, whoever its author seems to be:
with GITHUB_TOKEN the agent and a person share a login.
"""

import hashlib
import re
from typing import NamedTuple

from shared.patterns import lazily

#: The event type of the metadata in our Slack messages.
EFFECT = "agent_flows_effect"

_BEGINS = "<!-- agent-flows effect="
_MARK = rf"{_BEGINS}(?P<key>[^\s>]+) flow=(?P<flow>[^\s>]+) depth=(?P<depth>\d{{1,4}}) -->"
_BRANCH = "agent-flows/"


def mark_of(key: str, flow: str, depth: int) -> str:
    """Write the mark; it belongs on a line of its own at the end of a body."""
    return f"{_BEGINS}{key} flow={flow} depth={depth} -->"


def own_mark(text: str) -> re.Match[str] | None:
    """Return the mark at the end of a text, alone on its line, where we put it: its `key`, `flow`
    and `depth`."""
    return re.search(rf"^{_MARK}\s*\Z", text, re.MULTILINE) if _BEGINS in text else None


def is_marked(text: str) -> bool:
    """Tell if a text carries our mark: also with more text behind it, as other bots add it.

    Who quotes us has the mark behind a `>`, and speaks for themselves.
    """
    if _BEGINS not in text:
        return False
    marks = re.finditer(rf"^(?P<before>.*?){_MARK}", text, re.MULTILINE)
    return any(not found["before"].lstrip().startswith(">") for found in marks)


def deepest(text: str) -> int | None:
    """Return the largest depth among all marks of a text, quoted ones too; None without a mark."""
    if _BEGINS not in text:
        return None
    return max((int(found["depth"]) for found in re.finditer(_MARK, text)), default=None)


def branch_of(key: str) -> str:
    """Name the branch of an effect."""
    return f"{_BRANCH}{key[:20]}"


def is_own_branch(name: str) -> bool:
    return name.startswith(_BRANCH)


#: The begin of our section in a text that a person writes, by its name and the key of the effect
#: that wrote it, and its end.
_SECTION = lazily(r"<!-- agent-flows-section (?P<name>[a-z-]+) (?P<key>\w+) -->")
#: What stands between it and the text around it.
_GAP = "\n\n"


def _end_of(name: str) -> str:
    return f"<!-- agent-flows-end {name} -->"


def with_section(text: str, name: str, key: str, said: str) -> str:
    """Return `text` with `said` as our section of this name. All around it stays as it is."""
    section = f"<!-- agent-flows-section {name} {key} -->\n{said}\n{_end_of(name)}"
    if place := _section_in(text, name):
        return f"{text[: place[0]]}{section}{text[place[1] :]}"
    # Our mark stays at the end.
    ours = own_mark(text)
    at = ours.start() if ours else len(text)
    before, mark = text[:at].removesuffix(_GAP) if ours else text, text[at:]
    return f"{before}{_GAP if before else ''}{section}{_GAP if mark else ''}{mark}"


def without_section(text: str, name: str) -> str:
    """Return what people wrote around our section, as it was before."""
    place = _section_in(text, name)
    if not place:
        return text
    before, behind = text[: place[0]].removesuffix(_GAP), text[place[1] :]
    return f"{before}{behind}" if before else behind.removeprefix(_GAP)


class OwnSection(NamedTuple):
    """Our section in a text: the key of the effect that wrote it, and a short digest of what it
    says, which tells if somebody edited it."""

    key: str
    fingerprint: str


def section_in(text: str, name: str) -> OwnSection | None:
    """Return our section of this name."""
    place = _section_in(text, name)
    if not place:
        return None
    begin, _, said = text[place[0] : place[1]].partition("\n")
    found = _SECTION.match(begin)
    fingerprint = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
    return OwnSection(found["key"], fingerprint) if found else None


def sections_of(text: str) -> frozenset[str]:
    """Return the keys of the effects that wrote the sections of a text."""
    return frozenset(found["key"] for found in _SECTION.finditer(text))


def _section_in(text: str, name: str) -> tuple[int, int] | None:
    """Return where our section begins and ends: the last one that has both."""
    end = _end_of(name)
    at = text.rfind(end)
    begins = [one.start() for one in _SECTION.finditer(text[: max(at, 0)]) if one["name"] == name]
    return (begins[-1], at + len(end)) if begins else None


#: Stands in a text for what people read there, and no journal may hold.
UNRECORDED = "{unrecorded}"
