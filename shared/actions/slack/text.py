"""Markdown on its way to Slack: it notifies nobody, and no piece of it is too long."""

import re
from html import escape

#: The size of a piece. Slack takes 12,000 characters of Markdown in a message, but counts what it
#: made of them, and lists and code grow: a text of 11,341 has been refused.
#: https://docs.slack.dev/reference/block-kit/blocks/markdown-block
#: https://github.com/slackapi/bolt-js/issues/2867
PIECE = 9_000

#: Put inside a mention, it shows nothing and leaves no mention, in prose and in code.
_BREAK = "\u200b"

# Slack's own pages do not say whether a mention in the code of a markdown block notifies, nor what
# the block does with HTML entities; so both are taken for dangerous.
# https://docs.slack.dev/messaging/formatting-message-text
_LESS = r"(?:<|&lt;?|&#0*60;?|&#x0*3c;?)"
_AT = r"(?:[@＠]|&commat;|&#0*64;?|&#x0*40;?)"
_BANG = r"(?:!|&excl;|&#0*33;?|&#x0*21;?)"
_MARKUP = r"!(?:--|doctype\b|\[cdata\[)"
_CONTROL = re.compile(rf"({_LESS}\\*)(?!{_MARKUP})(?={_AT}|{_BANG})", re.IGNORECASE)
_BROADCAST = re.compile(
    rf"(?<![a-z0-9])({_AT}\\*)(?=(?:channel|here|everyone|group)(?![a-z0-9]))", re.IGNORECASE
)

#: The most that chat.update takes in `text`, which only notifications and search show.
#: https://docs.slack.dev/reference/methods/chat.update
_BRIEF = 4_000

_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})(.*)$", re.MULTILINE)
#: Room in each piece for the line that closes a code block; also the most that is kept of the line
#: that opens one.
_FENCE_ROOM = 40
#: What belongs to the character before it: accents, variation selectors, skin tones, joiners.
_JOINS = re.compile("[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
#: The first halves of what UTF-16 writes in two.
_HALVES = "".join(map(chr, range(0xD800, 0xDC00)))
#: Where to cut, the best first. Chinese has no spaces.
_BOUNDARIES = ("\n\n", "\n", "。", " ")


def harmless(markdown: str) -> str:
    """Break every mention of a person, a group or a whole channel, so that it reads the same and
    notifies nobody."""
    return _BROADCAST.sub(rf"\1{_BREAK}", _CONTROL.sub(rf"\1{_BREAK}", markdown))


def plain(markdown: str) -> str:
    """The same text for Slack's `text` field, where `&`, `<` and `>` are control characters."""
    return escape(markdown, quote=False)


def brief(markdown: str) -> str:
    """As `plain`, cut to what a change of a message may carry."""
    whole = plain(markdown)
    reach = _reach(whole, _BRIEF)
    if reach == len(whole):
        return whole
    return re.sub(r"&[a-z]*$", "", whole[: _reach(whole, _BRIEF - 1)]) + "…"


def unfinished(markdown: str) -> str:
    """What is shown of a text that still grows: its first piece, marked as not being all.

    A code block that is still open is closed, so that it reads as one.
    """
    # The other half of an emoji may be on its way.
    whole = markdown.rstrip().rstrip(_HALVES).rstrip()
    shown = pieces(whole, PIECE - _FENCE_ROOM)[0]
    if opening := _open_fence(shown):
        shown = f"{shown}\n{_marker(opening)}"
    last = shown.rpartition("\n")[2]
    return f"{shown}\n…" if _FENCE.fullmatch(last) else f"{shown} …"


def pieces(markdown: str, size: int = PIECE) -> list[str]:
    """Cut `markdown` into pieces of at most `size` UTF-16 units, at paragraphs where that is
    possible, and make each harmless.

    A code block that is cut is closed in one piece and opened again in the next. The same text
    always gives the same pieces, so that an interrupted reply can be completed.
    """
    # A model's answer may hold half an emoji; JSON could not carry it as UTF-8.
    rest = markdown.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip("\n")
    found = []
    while _reach(rest, size) < len(rest):
        at = _boundary(rest, _reach(rest, size - _FENCE_ROOM))
        head, rest = rest[:at].rstrip("\n"), rest[at:].lstrip("\n")
        if opening := _open_fence(head):
            head = f"{head}\n{_marker(opening)}"
            rest = f"{opening}\n{rest}"
        found.append(harmless(head))
    return [*found, harmless(rest)]


def _reach(text: str, units: int) -> int:
    """How many characters of `text` fit into `units` UTF-16 units, which is how Slack's clients
    count."""
    head = text[:units].encode("utf-16-le")[: units * 2]
    return len(head.decode("utf-16-le", "ignore"))


def _boundary(text: str, reach: int) -> int:
    """Where to cut `text` before `reach`: behind a paragraph outside of code, else behind a line,
    a sentence or a word in the second half, else between two characters."""
    half = reach // 2
    for boundary in _BOUNDARIES:
        at = text.rfind(boundary, half, reach)
        while boundary == "\n\n" and at != -1 and _open_fence(text[:at]):
            at = text.rfind(boundary, half, at)
        if at != -1:
            return at + len(boundary)
    at = reach
    while at > half and (_JOINS.match(text[at]) or text[at - 1] == "\u200d"):
        at -= 1
    return at


def _open_fence(text: str) -> str:
    """The line that opened the code block in which `text` ends, or the empty string."""
    opening = ""
    for fence in _FENCE.finditer(text):
        marker, info = fence.groups()
        if not opening:
            opening = fence.group().strip()[: _FENCE_ROOM - 1]
        elif marker.startswith(_marker(opening)) and not info.strip():
            opening = ""
    return opening


def _marker(opening: str) -> str:
    """The back-ticks or tildes of a line that opens a code block."""
    return opening[: len(opening) - len(opening.lstrip(opening[0]))]
