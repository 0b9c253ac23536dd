"""Makes Markdown safe for Slack: it notifies nobody, shows where its links lead, loads no picture,
and no piece of it is too long."""

import re
from collections.abc import Collection
from html import escape

from shared.actions.links import known_address
from shared.patterns import lazily

#: The size of a piece. Slack takes 12,000 characters of Markdown in a message, but counts after a
#: conversion in which lists and code grow: it has refused a text of 11,341.
#: https://docs.slack.dev/reference/block-kit/blocks/markdown-block
#: https://github.com/slackapi/bolt-js/issues/2867
PIECE = 9_000

#: Invisible, and breaks a mention in prose and in code.
_BREAK = "\u200b"

# Slack's pages do not say whether mentions in code notify, nor how HTML entities are read; so both
# count as dangerous.
# https://docs.slack.dev/messaging/formatting-message-text
_LESS = r"(?:<|&lt;?|&#0*60;?|&#x0*3c;?)"
_AT = r"(?:[@＠]|&commat;|&#0*64;?|&#x0*40;?)"
_BANG = r"(?:!|&excl;|&#0*33;?|&#x0*21;?)"
_MARKUP = r"!(?:--|doctype\b|\[cdata\[)"
_CONTROL = lazily(rf"({_LESS}\\*)(?!{_MARKUP})(?={_AT}|{_BANG})", re.IGNORECASE)
_BROADCAST = lazily(
    rf"(?<![a-z0-9])({_AT}\\*)(?=(?:channel|here|everyone|group)(?![a-z0-9])|&#)", re.IGNORECASE
)

#: A command to a bot that reads along.
_COMMAND = lazily(r"^[ \t>*_~+-]*(?=/[a-z])", re.IGNORECASE | re.MULTILINE)

#: What would show a picture, hide the address of a link behind a text, or define such a link. Code
#: such as `handlers[0](event)` stays: an address has a scheme, a host, or signs that hide these.
_ADDRESS = r"(?:[a-z][a-z0-9+.-]*:|[^\s()<>]{0,200}?[&\\]|//|[a-z0-9-]{1,63}\.[a-z0-9.-]*[a-z]{2})"
_MASK = lazily(
    rf"!(?=\[)|\](?=\(\s*<?\s*(?P<target>{_ADDRESS}))|\](?=:\s*<?\s*{_ADDRESS})"
    rf"|{_LESS}(?=[a-z][a-z0-9+.-]*:[^<>\s|]*+\|)",
    re.IGNORECASE,
)

#: The most that chat.update takes in `text`, which only notifications and search show.
#: https://docs.slack.dev/reference/methods/chat.update
_BRIEF = 4_000

#: Stands for the sign of bold letters until the italics are written.
_BOLD = "\ue000"
_HEADING = lazily(r" {0,3}#{1,6}[ \t]+([^\n]*?)[ \t#]*\Z")
_ITEM = lazily(r"\A([ \t]*)[-*+][ \t]+(?=\S)")
_DELIMITER = lazily(r"(?=[^|\n]*\|)[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CODE = lazily(r"(`[^`\n]+`)")
_LINK = lazily(r"\[([^\[\]\n]{1,300})\]\(<?([^\s()<>]{1,2000})>?\)")
_STRONG = lazily(r"(\*\*|(?<!\w)__(?!_))(?=[^\s*_])([^\n]{1,300}?)(?<=\S)\1")
_SLANTED = lazily(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s*])\*(?![\w*])")
_STRUCK = lazily(r"~~(?=[^\s~])([^~\n]{1,300}?)(?<=\S)~~")

_FENCE = lazily(r"^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})(.*)$", re.MULTILINE)
#: Room in each piece for the line that closes a code block; also the longest line that opens one
#: again.
FENCE_ROOM = 40
#: Signs that belong to the character before: accents, variation selectors, skin tones, joiners.
_JOINS = lazily("[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
#: Places to cut, the best first. Chinese has no spaces.
_BOUNDARIES = ("\n\n", "\n", "。", " ")


def harmless(markdown: str, hosts: Collection[str] = ()) -> str:
    """Break every mention of a person, a group or a whole channel, and every command that opens a
    line, so that it reads the same and acts on nobody. Only links to `hosts` may hide their
    addresses behind a text."""

    def unmasked(found: re.Match[str]) -> str:
        target = found.start("target")
        address = known_address(markdown, target, hosts) if target >= 0 else 0
        known = address and markdown[address : address + 1] == ")"
        return found[0] if known else found[0] + _BREAK

    shown = _COMMAND.sub(rf"\g<0>{_BREAK}", _MASK.sub(unmasked, markdown))
    return _BROADCAST.sub(rf"\1{_BREAK}", _CONTROL.sub(rf"\1{_BREAK}", shown))


def plain(markdown: str) -> str:
    """Write the text for Slack's `text` field, which notifications show: in mrkdwn, where `&`, `<`
    and `>` are control characters and so are escaped."""
    return escape(harmless(_mrkdwn(markdown)), quote=False)


def _mrkdwn(markdown: str) -> str:
    """Write Markdown in Slack's own signs, which have no headings, tables or lists. Links name
    their addresses. Code stays.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    shown: list[str] = []
    opening = ""
    for line in markdown.split("\n"):
        fence = _FENCE.match(line)
        if fence and (not opening or fence[1].startswith(_marker(opening))):
            opening = "" if opening else line.strip()
            shown.append(line[: fence.end(1)])
        elif opening:
            shown.append(line)
        elif not _DELIMITER.fullmatch(line):
            shown.append(_in_signs(line))
    return "\n".join(shown)


def _in_signs(line: str) -> str:
    """Write a line of prose, a heading, or a row of a list or a table."""
    heading = _HEADING.match(line)
    if heading:
        line = heading[1].replace("**", "").strip()
    elif line.lstrip().startswith("|"):
        line = " | ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
    parts = _CODE.split(_ITEM.sub(r"\1• ", line))
    parts[::2] = [_emphasised(part) for part in parts[::2]]
    whole = "".join(parts)
    return f"*{whole}*" if heading and whole else whole


def _emphasised(prose: str) -> str:
    named = _LINK.sub(lambda of: of[2] if of[1] == of[2] else f"{of[1]} ({of[2]})", prose)
    strong = _STRONG.sub(rf"{_BOLD}\2{_BOLD}", named)
    return _STRUCK.sub(r"~\1~", _SLANTED.sub(r"_\1_", strong)).replace(_BOLD, "*")


def brief(markdown: str) -> str:
    """Escape the text as `plain` does, and cut it to the limit of chat.update."""
    whole = plain(markdown)
    reach = _reach(whole, _BRIEF)
    if reach == len(whole):
        return whole
    return re.sub(r"&[a-z]*$", "", whole[: _reach(whole, _BRIEF - 1)]) + "…"


def closed(markdown: str) -> str:
    """Close the code block in which `markdown` ends, if any."""
    opening = _open_fence(markdown)
    return f"{markdown}\n{_marker(opening)}" if opening else markdown


def ends_in_fence(markdown: str) -> bool:
    return bool(_FENCE.fullmatch(markdown.rpartition("\n")[2]))


def pieces(markdown: str, size: int = PIECE, hosts: Collection[str] = ()) -> list[str]:
    """Cut `markdown` into harmless pieces of at most `size` UTF-16 units, at paragraphs if it can.

    A cut code block is closed in one piece and opened again in the next, and a cut table repeats
    its header. The same text always gives the same number of pieces, so that an interrupted reply
    can be completed.
    """
    # A model's answer may hold half an emoji; JSON could not carry it as UTF-8.
    rest = markdown.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip("\n")
    found = []
    while _reach(rest, size) < len(rest):
        at = _boundary(rest, _reach(rest, size - FENCE_ROOM))
        head, rest = rest[:at], rest[at:].lstrip("\n")
        if opening := _open_fence(head):
            rest = f"{opening}\n{rest}"
        elif header := _open_table(head, rest, size // 8):
            rest = f"{header}\n{rest}"
        found.append(harmless(closed(head.rstrip("\n")), hosts))
    return [*found, harmless(rest, hosts)]


def _reach(text: str, units: int) -> int:
    """Return the number of characters that fit into `units` UTF-16 units, which Slack's clients
    count."""
    head = text[:units].encode("utf-16-le")[: units * 2]
    return len(head.decode("utf-16-le", "ignore"))


def _boundary(text: str, reach: int) -> int:
    """Return the place to cut `text` before `reach`: after a paragraph outside of code, else in the
    second half after a line, a sentence or a word, else between two characters."""
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
    """Return the line that opened the code block in which `text` ends, or nothing."""
    opening = ""
    for fence in _FENCE.finditer(text):
        marker, info = fence.groups()
        if not opening:
            opening = fence.group().strip()[: FENCE_ROOM - 1]
        elif marker.startswith(_marker(opening)) and not info.strip():
            opening = ""
    return opening


def _marker(opening: str) -> str:
    """Return the back-ticks or tildes of a line that opens a code block."""
    return opening[: len(opening) - len(opening.lstrip(opening[0]))]


def _open_table(head: str, rest: str, most: int) -> str:
    """Return the header of the table that is cut between two rows, with the line below it; nothing
    where none is, or of a header of more than `most` characters."""
    if not head.endswith("\n") or head.endswith("\n\n") or "|" not in rest.partition("\n")[0]:
        return ""
    rows: list[str] = []
    for line in reversed(head[:-1].split("\n")):
        if "|" not in line:
            break
        rows.append(line)
    header = "\n".join(reversed(rows[-2:]))
    is_table = len(rows) > 2 and _DELIMITER.fullmatch(rows[-2])
    return header if is_table and len(header) <= most else ""
