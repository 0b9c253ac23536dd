"""Reads what a Slack message carries besides its text: forwards, attachments, files, blocks.

It is written below the text, each under a line in brackets that names it. The words of a forward
are not those of who sent it, so `quotes_others` tells that they are there.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from shared.events import Event, Json
from shared.perception import dig, items, string

#: At most so many attachments and files, characters of each text, and levels of blocks.
_MOST, _LONGEST, _DEEPEST = 20, 3_000, 8
#: The fields of an attachment with words.
_WORDS = ("pretext", "title", "text")
#: The keys of blocks and their elements that hold others.
_PARTS = ("text", "fields", "elements", "accessory", "title", "columns")
#: Blocks that say nothing when they have no words.
_OF_WORDS = frozenset(
    {"divider", "section", "context", "header", "actions", "rich_text", "markdown", "table"}
)
#: Elements that name something, as Slack writes them in a text.
_NAMED = {
    "user": ("<@", "user_id", ">"),
    "channel": ("<#", "channel_id", ">"),
    "usergroup": ("<!subteam^", "usergroup_id", ">"),
    "broadcast": ("<!", "range", ">"),
    "emoji": (":", "name", ":"),
    "date": ("", "fallback", ""),
}
#: What ends a line.
_LINES = frozenset({"section", "rich_text_section", "header", "context", "rich_text_list"})
_LINES |= {"rich_text_quote", "rich_text_preformatted"}


def with_content(text: str, message: Json, mention: str) -> str:
    """Return the text, without any `mention` of us, with what else the message carries."""
    told = bool(string(message, "text").strip())
    said = text or re.sub(mention, "", "\n".join(_block_texts(message, told=told)))
    carried = [_attachment(one) for one in items(message, "attachments")[:_MOST]]
    carried += [_file(one) for one in items(message, "files")[:_MOST]]
    return "\n\n".join(filter(None, (said.strip(), *carried)))


def quotes_others(event: Event) -> bool:
    """Does the text hold words that somebody else wrote, such as those of a forward?"""
    inner = dig(event.payload, "event")
    written = [inner, dig(inner, "message"), dig(event.payload, "message")]
    return event.source == "slack" and any(items(one, "attachments") for one in written)


def _attachment(attachment: Any) -> str:
    if not isinstance(attachment, dict):
        return ""
    words = [string(attachment, name) for name in _WORDS]
    fields = (
        f"{string(one, 'title')}: {string(one, 'value')}".strip(": ")
        for one in items(attachment, "fields")
    )
    holders = [attachment, *(dig(one, "message") for one in items(attachment, "message_blocks"))]
    said = _undone("\n".join(filter(None, (*words, *fields))))
    said = said or "\n".join(line for holder in holders for line in _block_texts(holder))
    said = said or _undone(string(attachment, "fallback"))
    author = _name(string(attachment, "author_name") or string(attachment, "author_subname"))
    forwarded = any(attachment.get(name) is True for name in ("is_share", "is_msg_unfurl"))
    source = _name(string(attachment, "service_name") or string(attachment, "title_link"))
    what = "forwarded" if forwarded else "attachment"
    whose = f" from {author or source}" if author or source else ""
    image = attachment.get("image_url") or attachment.get("thumb_url")
    said = said or ("an image" if isinstance(image, str) else "")
    quoted = "\n".join(f"> {line}" for line in _cut(said).splitlines())
    files = [_file(one) for one in items(attachment, "files")[:_MOST]]
    return "\n".join(filter(None, (f"[{what}{whose}]", quoted, *files)))


def _file(file: Any) -> str:
    name = _name(string(file, "name") or string(file, "title") or string(file, "id"))
    size, mode = dig(file, "size"), string(file, "mode")
    gone = mode in {"tombstone", "hidden_by_limit"}
    about = "no longer there" if gone else _size(size) if type(size) is int and size > 0 else ""
    return f"[file: {', '.join(filter(None, (name or 'without a name', about)))}]"


def _block_texts(holder: Any, *, told: bool = False) -> list[str]:
    """Return the texts of blocks, a line for each block. What is `told` already has the words of
    its rich text."""
    blocks = [
        block
        for block in items(holder, "blocks")
        if not (told and string(block, "type") == "rich_text")
    ]
    lines = (_cut("".join(_texts(block, _DEEPEST))) or _bare(block) for block in blocks)
    return [line for line in lines if line]


def _bare(block: Any) -> str:
    """Name a block that has no words, such as a call."""
    kind = string(block, "type")
    return "" if kind in _OF_WORDS or not _name(kind) else f"[{_name(kind)}]"


def _texts(part: Any, left: int) -> Iterator[str]:
    if isinstance(part, list):
        for one in part[: 5 * _MOST]:
            yield from _texts(one, left)
    elif isinstance(part, str):
        yield _undone(part)
    elif isinstance(part, dict) and left:
        for name in _PARTS:
            yield from _texts(part.get(name), left - 1)
        for row in items(part, "rows")[: 5 * _MOST]:
            cells = row[:_MOST] if isinstance(row, list) else []
            yield " | ".join("".join(_texts(cell, left - 1)).strip() for cell in cells) + "\n"
        yield _element(part)


def _element(part: Json) -> str:
    """Return what an element says by itself, and the end of its line."""
    kind = string(part, "type")
    if kind == "link" and not part.get("text"):
        return string(part, "url")
    if kind == "image":
        return f"[image: {_name(string(part, 'alt_text')) or 'without a name'}]"
    if kind in _NAMED:
        before, name, after = _NAMED[kind]
        return f"{before}{string(part, name)}{after}"
    return "\n" if kind in _LINES else ""


def _undone(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _name(text: str) -> str:
    """Return a name as one short line that ends no bracket."""
    return re.sub(r"[\s\[\]<>]+", " ", unescape(text)).strip()[:80]


def _size(size: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.2g} {unit}" if size < 10 * least else f"{size // least} {unit}"
    return f"{size} bytes"
