"""Attribution: who said something, where, and how far that is to be trusted.

A name is shown as one word behind an `@`, so no name reads like a sentence, like the agent, or like
the mark of a block.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from shared.events import Event
from shared.memory import Trust
from shared.models.prompts import data
from shared.models.visible_characters import visible_characters
from shared.patterns import lazily
from shared.perception.slack_content import quotes_others
from shared.perception.writers import writer_of

#: The roles of people whose word counts as a member's.
_MEMBERS = frozenset({"owner", "member", "collaborator"})
#: From the least to the most that may be relied on.
_ORDER: tuple[Trust, ...] = ("outside", "own_outside", "own", "inside")
_LABELS = {
    "outside": "outsider",
    "own_outside": "agent, of outsiders",
    "own": "agent",
    "inside": "member",
}
_LONGEST_NAME, _LONGEST_PLACE, _MOST_READ = 40, 120, 400
#: What a name keeps beside letters and digits: accents and vowel signs, emoji with their joiners.
_IN_NAMES, _IN_NAMES_TOO = frozenset({"Mn", "Mc", "So", "Sk"}), frozenset("._-\u200d")
_NOT_IN_PLACES = lazily(r"[^\w./#: -]+")
_ISSUE = lazily(r"/([^/]+/[^/]+)/(?:issues|pull|discussions)/(\d+)")
_FILE = lazily(r"/([^/]+/[^/]+)/blob/[^/]+/(.+)")
_REPOSITORY = lazily(r"/([^/]+/[^/]+)(?:/.*)?")


class Attributed(Protocol):
    """A text with its author and its place: a memory, as it is stored or as it is listed."""

    @property
    def kind(self) -> str: ...
    @property
    def ref(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def trust(self) -> Any: ...


def trust_of(event: Event) -> Trust:
    """Return the trust of an event's text: that of who wrote it, whoever caused the event. Bots,
    and forwards, repeat what anybody says."""
    writer = writer_of(event)
    is_member = writer.role in _MEMBERS and not writer.is_bot
    return "inside" if is_member and not quotes_others(event) else "outside"


def lowest(found: Iterable[Trust]) -> Trust:
    """Return the trust of what was made of several texts; of none it is `inside`."""
    return min(found, key=_ORDER.index, default="inside")


def is_trusted(trust: str) -> bool:
    """May the text answer a question as a fact? What outsiders said, and what was made of it, is
    quoted as their words."""
    return trust in {"inside", "own"}


def standing(one: Attributed) -> str:
    """Return the trust of a memory in a word: member, document, outsider or agent."""
    is_document = one.kind == "document" and one.trust == "inside"
    return "document" if is_document else trust_label(one.trust)


def trust_label(trust: str) -> str:
    return _LABELS.get(trust, _LABELS["outside"])


def person(name: str) -> str:
    """Return the name of a person as it is shown: `@ada`."""
    plain = unicodedata.normalize("NFKC", visible_characters(name[:_MOST_READ]))
    word = "".join(sign if _is_in_names(sign) else " " for sign in plain)
    return f"@{'-'.join(word.split())[:_LONGEST_NAME].strip('-.') or 'unknown'}"


def _is_in_names(sign: str) -> bool:
    if sign.isalnum() or sign in _IN_NAMES_TOO:
        return True
    return not sign.isascii() and unicodedata.category(sign) in _IN_NAMES


def speaker(one: Attributed) -> str:
    """Return whose words a memory holds; '' for a document, which speaks for itself."""
    if one.trust in {"own", "own_outside"}:
        return "agent"
    return person(one.author) if one.author or not is_trusted(one.trust) else ""


def place(one: Attributed) -> str:
    """Return a short name of the place: `acme/shop#5`, `acme/shop:docs/deploy.md`, `Slack C1`,
    `direct messages`."""
    address = urlsplit(one.url)
    path = unquote(address.path)
    channel = parse_qs(address.query).get("channel", [""])[0]
    if channel:
        name = "direct messages" if channel.startswith("D") else f"Slack {channel}"
    elif found := _ISSUE.match(path) or _FILE.match(path):
        name = f"{found[1]}{'#' if found[2].isdigit() else ':'}{found[2]}"
    elif found := _REPOSITORY.fullmatch(path):
        name = found[1]
    else:
        name = one.ref.partition("#")[0] if one.kind == "document" else ""
    return _NOT_IN_PLACES.sub(" ", visible_characters(name)).strip()[:_LONGEST_PLACE]


def block(one: Attributed, cite: str = "") -> str:
    """Show a memory to a model, with the number by which an answer may `cite` it."""
    where = place(one)
    return data(
        f"memory of {one.kind} {one.ref}",
        one.text,
        author=speaker(one),
        trust=standing(one),
        place=one.url if where in one.ref else f"{where} {one.url}",
        cite=cite,
    )


def quoted(one: Attributed) -> str:
    """Return the text of a memory as people may be told it: what proves nothing is a quotation."""
    if is_trusted(one.trust):
        return one.text
    return f"{credit(one, place(one))}:{quotation(one.text)}"


def credit(one: Attributed, where: str) -> str:
    """Say who wrote it at `where`, such as `@eve wrote in acme/shop#5`."""
    of_others = one.trust == "own_outside"
    who = "I noted of what outsiders said" if of_others else f"{speaker(one)} wrote"
    return f"{who} in {where}" if where else who


def quotation(text: str) -> str:
    """Quote a text behind a colon. It cannot end the quotation, which is Markdown's if it has
    several lines."""
    lines = text.strip().splitlines()
    if len(lines) > 1:
        return "\n" + "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"
    return f" “{re.sub('[“”„‟＂″]', chr(34), text.strip())}”"
