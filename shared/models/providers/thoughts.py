"""Leaves out of a reply what a model thinks aloud between tags."""

import re

from shared.patterns import lazily

_NAME = r"(?:(?:seed:|ant)?think(?:ing)?|thoughts?|reasoning)"
_OPENED = lazily(
    rf"<{_NAME}(?:\s[^<>\n]*)?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>", re.IGNORECASE
)
_CLOSED = lazily(rf"</{_NAME}\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>", re.IGNORECASE)
_TAG = lazily(rf"(?P<opens>{_OPENED.pattern})|{_CLOSED.pattern}", re.IGNORECASE)
_FENCES = ("```", "~~~")
#: What may yet become a tag, or a fence of code.
_STARTS = (
    *("<thinking", "<thoughts", "<reasoning", "<seed:thinking", "<antthinking"),
    *("[think]", "◁think▷", "<|begin_of_thought|>", *_FENCES),
)
_BEGUN = lazily(rf"<{_NAME}\s[^<>\n]{{0,200}}\Z", re.IGNORECASE)
#: Hardly any tag is longer.
_LONGEST = 40
#: Some servers open the thoughts in their prompt, so that the reply holds their end alone, which
#: begins or ends a line.
_UNOPENED = lazily(rf"^[ \t]*(?:{_CLOSED.pattern})|(?:{_CLOSED.pattern})[ \t]*$", re.M | re.I)


class Thoughts:
    """Passes on a reply in pieces, without `<think>…</think>`, `<thinking>…</thinking>` and their
    like that begin a line outside of code. The beginning of a line is held back while it may become
    one."""

    def __init__(self) -> None:
        self._held = ""
        self._depth = 0  # of thoughts within thoughts
        self._after: str | None = None  # what followed the last end, while an outer one is missing
        self._line_begins = True
        self._trims = False  # the blanks behind thoughts belong to them
        self._in_code = False

    def without(self, piece: str) -> str:
        """Return what a reader sees of this piece and of what was held back before."""
        self._held += piece
        shown = []
        while self._held:
            if self._depth:
                if not self._skipped():
                    break
            elif not self._begun():
                break
            elif not self._depth:
                line, newline, self._held = self._held.partition("\n")
                shown.append(line + newline)
                self._line_begins = bool(newline)
        return "".join(shown)

    def rest(self) -> str:
        """Return what was held back: the reply, or a part of it, has ended.

        Thoughts may talk about a tag. So when the end of the outer ones never comes, the last end
        was theirs.
        """
        held, self._held = self._held, ""
        self._line_begins = True
        if self._after is not None:
            held, self._after, self._depth = (self._after + held).lstrip(), None, 0
            return held
        return "" if self._depth or (self._trims and not held.strip()) else held

    def _skipped(self) -> bool:
        """Drop thoughts up to the next tag. False when none has come yet."""
        tag = _TAG.search(self._held)
        end = tag.end() if tag else max(len(self._held) - _LONGEST, 0)
        if self._after is not None:
            self._after += self._held[:end]
        self._held = self._held[end:]
        if not tag:
            return False
        self._depth += 1 if tag["opens"] else -1
        if not tag["opens"]:
            self._after = "" if self._depth else None
            self._trims = self._line_begins = True
        return True

    def _begun(self) -> bool:
        """Look at the beginning of a line. False when too little of it has come yet."""
        if self._trims:
            self._held = self._held.lstrip()
        if not self._line_begins:
            return True
        line = self._held.lstrip(" \t\ufeff\u200b")
        if not self._in_code and (opened := _OPENED.match(line)):
            self._depth, self._held = 1, line[opened.end() :]
            return True
        if any(start.startswith(line.lower()) for start in _STARTS) or _BEGUN.match(line):
            return False
        self._in_code ^= line.startswith(_FENCES)
        self._trims = self._line_begins = False
        return True


def without_unopened(text: str) -> str:
    """Leave out the thoughts that a whole reply begins with, when only their end is marked."""
    found = _UNOPENED.search(text)
    if not found or any(text[: found.start()].count(fence) % 2 for fence in _FENCES):
        return text
    return text[found.end() :].lstrip()
