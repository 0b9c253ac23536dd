"""Makes a model's text safe to post on GitHub: it pings nobody, closes nothing, commands nobody,
loads no picture, links to no strange host, forges no mark, and fits the limits.

`shared.actions.breaks` finds where a zero-width space takes each of these powers away. Code
keeps its characters, so that people can copy `@dataclass`, and so do the addresses of links that
stay. Text counts as code only when that is certain, since a mistake would let a ping through.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from shared.actions import Mark
from shared.actions.breaks import BREAK, Kind, across_paragraphs, broken
from shared.canonical import digest
from shared.events import Json
from shared.marks import mark_of, own_mark
from shared.patterns import lazily

#: The longest body that GitHub takes, in characters.
LIMIT = 65_536
#: The longest title, likewise.
_TITLE = 256

_LINE = lazily(r"[^\n]*\n|[^\n]+")
_FENCE = lazily(r" {0,3}(`{3,}|~{3,})(.*)$")
#: A fence inside a list or a quotation: only a full parser could follow it to its end.
_NESTED_FENCE = lazily(r"[ \t>*+\-0-9.)]+(?:`{3,}|~{3,})")
_HTML_LINE = lazily(r"^[ \t>*+\-0-9.)]*<", re.MULTILINE)
#: HTML that a blank line does not end.
_LASTING_HTML = lazily(r"<(?:[!?]|pre\b|script\b|style\b|textarea\b)", re.IGNORECASE)
#: Code that GitHub draws as a picture, a map or a formula.
_DRAWN = lazily(r"[ \t]*(?:mermaid|geojson|topojson|stl|math)\b", re.IGNORECASE)

_STICKY = "<!-- agent-flows-sticky -->"
_FORGED = lazily(r"<!--(?=\s*agent-flows)", re.IGNORECASE)


class Stamp(NamedTuple):
    """The mark at the end of a body."""

    mark: Mark
    sticky: bool


def compose(text: str, mark: Mark, *, sticky: bool, about: str = "") -> str:
    """Return the body to post for `text`: harmless, within GitHub's limit, stamped, with the commit
    that it is about."""
    stamp = mark_of(mark.key, mark.flow, mark.depth)
    if sticky:
        stamp = f"{_STICKY}\n{stamp}"
    if re.fullmatch(r"[0-9a-f]{40,64}", about):
        stamp = f"<!-- agent-flows commit={about} -->\n{stamp}"
    return f"{harmless(text, LIMIT - len(stamp) - 2, mark.hosts)}\n\n{stamp}"


def harmless(text: str, limit: int, hosts: Collection[str]) -> str:
    """Return the text without any power but to be read, in at most `limit` characters."""
    # GitHub refuses a NUL and half a surrogate pair; a model can write both.
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    return _fitted(_FORGED.sub(f"<{BREAK}!--", clean), limit, hosts)


def _fitted(text: str, limit: int, hosts: Collection[str]) -> str:
    """Return `text`, harmless and cut to `limit`. It is cut first: half a code span is none."""
    room = limit
    while True:
        harmless = mute(shorten(text[: LIMIT + 1], room, len(text)), hosts).rstrip()
        if len(harmless) <= limit:
            return harmless
        room = room * limit // len(harmless) - 1


def read_stamp(body: str | None) -> Stamp | None:
    """Return the stamp that `compose` put at the end of `body`, if there is one."""
    found = own_mark(body or "")
    if not found:
        return None
    mark = Mark(found["key"], found["flow"], int(found["depth"]))
    return Stamp(mark, found.string[: found.start()].rstrip().endswith(_STICKY))


def fingerprint(row: Json) -> str:
    """Return a short digest of what an issue or a comment says, which tells later if it was
    edited."""
    return digest([row.get("title") or "", row["body"] or ""])[:16]


def mute(text: str, hosts: Collection[str] = ()) -> str:
    """Take from a text the power to do more than to be read. Links to `hosts` stay links."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = (broken(part, kind, hosts) for kind, part in _parts(unix))
    return across_paragraphs("".join(parts))


def titled(title: str, body: str = "") -> str:
    """Return a title as one line that does nothing but to be read and fits GitHub's limit.

    A merge puts the `body` behind it: `Fixes`, and then `#12`.
    """
    line = " ".join(title.replace("\0", "").split())
    line = broken(f"{line}\n\n{body[:_TITLE]}", Kind.TITLE).partition("\n")[0]
    line = line.encode("utf-8", "replace").decode()
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def shorten(text: str, limit: int, whole: int) -> str:
    """Cut `text` to `limit` characters at a boundary and note that the original has `whole`.

    An open fence is closed in any case, since it would swallow the rest of the body.
    """
    closing = _closing(text)
    if len(text) + len(closing) <= limit:
        return text + closing
    note = f"\n\n_Shortened: the whole text has {whole:,} characters._"
    room = limit - len(note) - len("\n" + "`" * 60)
    boundaries = (text.rfind(boundary, room * 4 // 5, room) for boundary in ("\n\n", "\n", " "))
    kept = text[: next((cut for cut in boundaries if cut > 0), room)].rstrip()
    return kept + _closing(kept)[:61] + note


def _closing(text: str) -> str:
    """Return the line that closes the open fence of `text`, or nothing."""
    fence = ""
    for line in text.split("\n"):
        fence = _after(line, fence)
    return f"\n{fence}" if fence else ""


def _after(line: str, fence: str) -> str:
    """Return the fence that is open after `line`, given the one that was open before it."""
    found = _FENCE.match(line)
    if not found:
        return fence
    marker, rest = found[1], found[2]
    if fence:
        return "" if marker.startswith(fence) and not rest.strip() else fence
    return "" if "`" in marker and "`" in rest else marker


def _parts(text: str) -> Iterator[tuple[Kind, str]]:
    """Split `text` into blocks of code, paragraphs, and what only a full parser could follow: after
    such a construct all the rest."""
    fence, paragraph, plain, drawn = "", "", True, False
    for line in _LINE.findall(text):
        if plain and not fence:
            plain = not (_NESTED_FENCE.match(line) or _LASTING_HTML.search(line))
        opened = fence
        fence = _after(line.rstrip("\n"), fence) if plain else ""
        if fence and not opened and _HTML_LINE.search(paragraph):
            plain, fence = False, ""
        if not opened and not fence and line.strip(" \t\n"):
            paragraph += line
            continue
        yield _kind(paragraph, plain), paragraph
        paragraph = ""
        if fence and not opened:
            drawn = _DRAWN.match(line.strip(" \t").lstrip("`~")) is not None
        is_code = bool(opened) and not drawn
        yield (Kind.CODE if is_code else Kind.UNCERTAIN if opened else Kind.BLANK), line
    yield _kind(paragraph, plain), paragraph


def _kind(paragraph: str, plain: bool) -> Kind:
    """HTML ends with its paragraph; until then it has no code, and `$` can make a formula."""
    if not plain or "$" in paragraph or _HTML_LINE.search(paragraph):
        return Kind.UNCERTAIN
    return Kind.PARAGRAPH
