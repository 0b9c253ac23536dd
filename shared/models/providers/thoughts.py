"""Leaves out of a reply what a model thinks aloud between tags."""

import re

_OPENED = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSED = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_LONGEST = len("</thinking>")
_FENCES = ("```", "~~~")
#: Some servers open the thoughts in their prompt, so that the reply holds their end alone.
_UNOPENED = re.compile(r"\A.*?^[ \t]*</think(?:ing)?>[ \t]*$\s*", re.DOTALL | re.MULTILINE)


class Thoughts:
    """Passes on a reply in pieces, without `<think>…</think>` and `<thinking>…</thinking>` that
    begin a line outside of code. The beginning of a line is held back while it may become one."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._line_begins = True
        self._trims = False  # the blanks behind thoughts belong to them
        self._in_code = False

    def without(self, piece: str) -> str:
        """Return what a reader sees of this piece and of what was held back before."""
        self._held += piece
        shown = []
        while self._held:
            if self._inside:
                if not self._skipped():
                    break
            elif not self._begun():
                break
            elif not self._inside:
                line, newline, self._held = self._held.partition("\n")
                shown.append(line + newline)
                self._line_begins = bool(newline)
        return "".join(shown)

    def rest(self) -> str:
        """Return what was held back: the reply, or a part of it, has ended."""
        held, self._held = self._held, ""
        self._line_begins = True
        return "" if self._inside or (self._trims and not held.strip()) else held

    def _skipped(self) -> bool:
        """Drop thoughts. False when their end has not come yet."""
        end = _CLOSED.search(self._held)
        self._held = self._held[end.end() :] if end else self._held[-_LONGEST:]
        if end:
            self._inside, self._trims, self._line_begins = False, True, True
        return bool(end)

    def _begun(self) -> bool:
        """Look at the beginning of a line. False when too little of it has come yet."""
        if self._trims:
            self._held = self._held.lstrip()
        if not self._line_begins:
            return True
        line = self._held.lstrip(" \t")
        if not self._in_code and (opened := _OPENED.match(line)):
            self._inside, self._held = True, line[opened.end() :]
            return True
        if any(mark.startswith(line.lower()) for mark in ("<thinking>", "<think>", *_FENCES)):
            return False
        self._in_code ^= line.startswith(_FENCES)
        self._trims = self._line_begins = False
        return True


def without_unopened(text: str) -> str:
    """Leave out the thoughts that a whole reply begins with, when only their end is marked."""
    found = _UNOPENED.match(text) if "</think" in text.lower() else None
    if not found or any(found[0].count(fence) % 2 for fence in _FENCES):
        return text
    return text[found.end() :]
