"""Makes a model's text safe to post on GitHub: no pings, no forged marks, within the limits.

A zero-width space after the @ breaks a mention. It reads as before, in the page, in mail and in the
source, while code style would change the look of every name and fail inside a link. Code and
addresses keep their @, so that people can copy `@dataclass`; GitHub pings nobody from there. Text
counts as code only when that is certain, since a mistake would let a ping through.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.actions import Mark

#: The longest body that GitHub takes, in characters.
LIMIT = 65_536
#: The longest title, likewise.
_TITLE = 256

_BREAK = "\u200b"

#: An @ in any spelling of Markdown. After a letter or a digit it is part of an address.
_AT = re.compile(r"(?<![A-Za-z0-9])(@|&#0*64;|&#[xX]0*40;|&commat;)(?=\S)")
#: An address that GitHub turns into a link in any surroundings. The quantifiers are possessive
#: (`*+`), so that no text makes this slow.
_ADDRESS = re.compile(
    r"(?:(?<=[\s(])|\A)https?://[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++(?::\d++)?/"
    r"[A-Za-z0-9./@%?=+-]*+(?=[).,;:!?]*+(?:\s|\Z))"
)
_LINK = re.compile(r"\[[^\[\]`<\\$|]*+\]\([A-Za-z0-9:/.@%?=+#_-]*+\)")

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
#: A fence inside a list or a quotation: only a full parser could follow it to its end.
_NESTED_FENCE = re.compile(r"[ \t>*+\-0-9.)]+(?:`{3,}|~{3,})")
_HTML_LINE = re.compile(r"^[ \t>*+\-0-9.)]*<", re.MULTILINE)
#: HTML that a blank line does not end.
_LASTING_HTML = re.compile(r"<(?:[!?]|pre\b|script\b|style\b|textarea\b)", re.IGNORECASE)
#: Signs that can change the meaning of a backtick.
_TRAP = re.compile(r"[\\<\[|$]|://|www\.", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")

_MARK = re.compile(
    r"<!-- agent-flows effect=(?P<key>\S+) flow=(?P<flow>\S+) depth=(?P<depth>\d+) -->\s*\Z"
)
_STICKY = "<!-- agent-flows-sticky -->"
_FORGED = re.compile(r"<!--(?=\s*agent-flows)", re.IGNORECASE)


class Stamp(NamedTuple):
    """The mark at the end of a body."""

    mark: Mark
    sticky: bool


def compose(text: str, mark: Mark, *, sticky: bool) -> str:
    """Return the body to post for `text`: harmless, within GitHub's limit, stamped."""
    stamp = f"<!-- agent-flows effect={mark.key} flow={mark.flow} depth={mark.depth} -->"
    if sticky:
        stamp = f"{_STICKY}\n{stamp}"
    # GitHub refuses a NUL and half a surrogate pair; a model can write both.
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    # The text after the limit is cut off, so it needs no muting.
    harmless = mute(_FORGED.sub("&lt;!--", clean[: LIMIT + 1])).rstrip()
    return f"{shorten(harmless, LIMIT - len(stamp) - 2, len(clean))}\n\n{stamp}"


def read_stamp(body: str | None) -> Stamp | None:
    """Return the stamp that `compose` put at the end of `body`, if there is one."""
    found = _MARK.search(body or "")
    if not found:
        return None
    mark = Mark(found["key"], found["flow"], int(found["depth"]))
    return Stamp(mark, found.string[: found.start()].rstrip().endswith(_STICKY))


def mute(text: str) -> str:
    """Break every mention of a person or a team, so that nobody is notified."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(part if exact else _AT.sub(rf"\1{_BREAK}", part) for exact, part in _parts(unix))


def titled(title: str) -> str:
    """Return a title as one line that notifies nobody and fits GitHub's limit."""
    line = mute(" ".join(title.replace("\0", "").split())).encode("utf-8", "replace").decode()
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


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Split `text` into pieces, each with True if it must stay exactly as it is.

    After a construct that only a full parser could follow, all the rest counts as prose.
    """
    fence, paragraph, plain = "", "", True
    for line in _LINE.findall(text):
        if plain and not fence:
            plain = not (_NESTED_FENCE.match(line) or _LASTING_HTML.search(line))
        opened = fence
        fence = _after(line.rstrip("\n"), fence) if plain else ""
        if fence and not opened and _HTML_LINE.search(paragraph):
            plain, fence = False, ""
        if not opened and not fence and line.strip():
            paragraph += line
            continue
        yield from _spans(paragraph, plain)
        paragraph = ""
        yield bool(opened), line
    yield from _spans(paragraph, plain)


def _spans(paragraph: str, plain: bool) -> Iterator[tuple[bool, str]]:
    """Split a paragraph into prose, inline code and addresses."""
    done = 0
    for start, end in sorted(_exact(paragraph)) if plain else ():
        if start >= done:
            yield False, paragraph[done:start]
            yield True, paragraph[start:end]
            done = end
    yield False, paragraph[done:]


def _exact(paragraph: str) -> list[tuple[int, int]]:
    """Return the places of the inline code and the addresses, as far as they are certain."""
    if any(sign in paragraph for sign in "<\\$"):
        return []
    addresses = [found.span() for found in _ADDRESS.finditer(paragraph)]
    rest = _LINK.sub(_blank, _ADDRESS.sub(_blank, paragraph))
    return addresses if _TRAP.search(rest) else addresses + _code(rest)


def _blank(found: re.Match[str]) -> str:
    return "x" * len(found[0])


def _code(paragraph: str) -> list[tuple[int, int]]:
    """Return the code spans, if every backtick of every line has its partner in that line."""
    spans = []
    for line in _LINE.finditer(paragraph):
        opening: re.Match[str] | None = None
        for run in _BACKTICKS.finditer(paragraph, line.start(), line.end()):
            if opening is None:
                opening = run
            elif run[0] == opening[0]:
                spans.append((opening.start(), run.end()))
                opening = None
        if opening is not None:
            return []
    return spans
