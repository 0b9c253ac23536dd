"""Reads what a person points at: the id of a run, of a memory or of a delivery, or an address."""

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from shared.patterns import lazily

_RUN = lazily(r"[0-9a-f]{6,20}")
_MEMORY = lazily(r"m-[0-9a-f]{4,36}(?:-[0-9a-f-]+)?")
_DELIVERY = lazily(r"(?:github:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ISSUE = lazily(r"/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d{1,9})(?:/.*)?")
_PART = lazily(r"(?:issuecomment-|discussion_r|pullrequestreview-)(\d{1,20})")
_CONSOLE = lazily(r".*/console/runs/([0-9a-f]{6,20})")
_ARCHIVE = lazily(r"/archives/([A-Z0-9]+)/p(\d{10})(\d{6})")
_TS = lazily(r"(\d{10})\.(\d{6})")


class Pointer(NamedTuple):
    """What is pointed at: one of `run` (the begin of an id), `memory` (an id as it is shown),
    `event`, `target` with `part` (a comment's id, or '' for the whole issue), or `ts` (a message of
    Slack, in `channel`)."""

    run: str = ""
    memory: str = ""
    event: str = ""
    target: str = ""
    part: str = ""
    channel: str = ""
    ts: str = ""

    @classmethod
    def parse(cls, text: str) -> "Pointer | None":
        """Read it; None when it points at nothing that the journal could know."""
        text = text.replace("\0", "").strip().strip("<>`")[:500]
        if _RUN.fullmatch(text):
            return cls(run=text)
        if _MEMORY.fullmatch(text):
            return cls(memory=text)
        if found := _DELIVERY.fullmatch(text):
            return cls(event=f"github:{found[1]}")
        if text.startswith(("slack:", "api:", "github:")):
            return cls(event=text)
        if text.startswith(("https://", "http://")):
            return _address(text)
        return None


def _address(text: str) -> Pointer | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    path = unquote(parts.path)
    if found := _CONSOLE.fullmatch(path):
        return Pointer(run=found[1])
    if found := _ARCHIVE.fullmatch(path):
        return Pointer(channel=found[1], ts=f"{found[2]}.{found[3]}")
    fields = parse_qs(parts.query)
    ts = fields.get("message_ts", [""])[0]
    if _TS.fullmatch(ts):
        return Pointer(channel=fields.get("channel", [""])[0], ts=ts)
    if found := _ISSUE.fullmatch(path):
        part = _PART.fullmatch(parts.fragment)
        return Pointer(target=f"{found[1]}#{found[2]}", part=part[1] if part else "")
    return None
