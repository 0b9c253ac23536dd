"""An answer as people may see it: without the units whose citations failed, renumbered, with its
sources.

A unit stays if all that it cites stands. One without a citation may rest on the one before, so it
shares that one's fate. When the question asks for facts, what comes before the first citation that
stands waits for it; without one, nothing of the answer is shown.
"""

import re
from collections.abc import Callable, Collection, Mapping

from shared.evidence.kinds import declared, may_declare
from shared.evidence.passages import GivenPassage
from shared.evidence.units import Unit, units
from shared.models.found_text import linked
from shared.patterns import lazily

#: Returns which of these numbers stand.
Standing = Callable[[Collection[int]], Collection[int]]

_SOURCES = lazily(
    r"[#*_\s]*(?:sources?|references?|quellen?|来源|参考(?:资料|文献)?)[*_\s]*(?:[:：][*_\s]*(?:\[|$)|$)",
    re.IGNORECASE,
)


class CheckedAnswer:
    """Takes a growing answer and keeps what may be shown of it."""

    def __init__(
        self,
        given: Mapping[int, GivenPassage],
        stand: Standing,
        *,
        asks: bool,
        is_free: Callable[[str], bool] = lambda text: False,
        is_talk: Callable[[str], bool] = lambda text: False,
    ) -> None:
        """`asks` for facts, which need sources, unless the whole answer `is_talk`; a sentence that
        `is_free` needs none."""
        self._given, self._stand, self._asks = given, stand, asks
        self._is_free, self._is_talk = is_free, is_talk
        self._read = ""
        self._begun, self._open = False, True
        self.kind = ""
        self._fate: bool | None = None
        self._kept: list[str] = []
        self._plain: list[str] = []
        self._held: list[Unit] = []
        self._space = ""
        self._said_freely = False
        #: The new numbers, by what the list of sources shows once.
        self._renumbered: dict[str, int] = {}
        self._first: dict[int, GivenPassage] = {}
        #: How many units stay without a number of their own.
        self.bare = 0
        #: How many units were dropped, and the numbers that failed.
        self.dropped = 0
        self.failed: set[int] = set()

    def take(self, text: str, *, ended: bool) -> None:
        """Take the whole text so far, which goes on from the one before."""
        if not self._read:
            if not ended and may_declare(text):
                return
            self.kind, start = declared(text)
            self._read = text[:start]
        if not text.startswith(self._read):
            return  # another model began again; what is shown stays until the end
        rest, first = text[len(self._read) :], not self._begun
        for unit in units(rest, ended=ended, first=first):
            self._read, self._begun = text[: len(self._read) + unit.length], True
            self._take(unit)
        if ended and not self.kind and not self.cited and not self.dropped:
            self._let_talk()
        if ended and self._fate is None:
            self._release(free_only=True)

    @property
    def shown(self) -> str:
        """The text so far, without its sources."""
        return "".join(self._kept)

    @property
    def plain(self) -> str:
        """The text so far without numbers, which mean nothing in another answer."""
        return "".join(self._plain)

    @property
    def cited(self) -> dict[int, GivenPassage]:
        """The passages that it cites, by their new numbers."""
        return dict(self._first)

    @property
    def is_silent(self) -> bool:
        """Is nothing left of an answer that needed sources?"""
        needs = self._asks and self.kind not in {"talk", "general"}
        return (
            self.kind == "unknown"
            or not self._kept
            or (needs and not self._renumbered and not self._said_freely)
        )

    def _take(self, unit: Unit) -> None:
        self._open = self._open and not (not unit.is_code and _SOURCES.match(unit.text))
        if not self._open or self.kind == "unknown":
            return
        numbers = self._cited_by(unit)
        if numbers:
            self._fate = set(numbers) <= set(self._stand([n for n in numbers if n in self._given]))
            if self._fate:
                self._release()
        free = not numbers and self._is_free(unit.text)
        if free and not self._held:
            self._said_freely = True
            self._keep(unit, ())
        elif self._fate is False:
            self.dropped += 1
            self.failed |= set(numbers) & set(self._given)
            self._space = max(self._space, unit.space, key=_breadth)
        elif self._fate is None and self._asks and self.kind not in {"talk", "general"}:
            self._held.append(unit)
        else:
            self._keep(unit, numbers)

    def _cited_by(self, unit: Unit) -> list[int]:
        """Return the numbers that it cites. What follows a word at once may be code: it counts only
        if there is such a passage."""
        return [n for n in unit.numbers if n in self._given or not _is_index(unit.text, n)]

    def _let_talk(self) -> None:
        """Let an answer through that declares and cites nothing, and states nothing either."""
        if self._held and self._is_talk("".join(one.space + one.text for one in self._held)):
            self.kind = "talk"
            self._release()

    def _release(self, *, free_only: bool = False) -> None:
        held, self._held = self._held, []
        for unit in held:
            free = self._is_free(unit.text)
            self._said_freely = self._said_freely or free
            if free or not free_only:
                self._keep(unit, ())

    def _keep(self, unit: Unit, numbers: Collection[int]) -> None:
        self.bare += not numbers
        for number in numbers:
            passage = self._given[number]
            new = self._renumbered.setdefault(passage.source, len(self._renumbered) + 1)
            self._first.setdefault(new, passage)
        space = max(self._space, unit.space, key=_breadth) if self._kept else ""
        self._space = ""
        self._kept.append(space + unit.marked(self._mark))
        self._plain.append(space + unit.marked(lambda _: ""))

    def _mark(self, number: int) -> str:
        known = self._given.get(number)
        return f"[{self._renumbered[known.source] if known else number}]"


def sources(cited: Mapping[int, GivenPassage], heading: str) -> str:
    """Return the list of the sources, each once, with linked titles."""
    lines = [f"{number}. {_linked(cited[number])}" for number in sorted(cited)]
    return "\n".join([f"**{heading}**", *lines]) if lines else ""


def _linked(passage: GivenPassage) -> str:
    return linked(passage.name, passage.url) if passage.url else passage.name


def _breadth(space: str) -> tuple[int, int]:
    return (space.count("\n"), len(space))


def _is_index(text: str, number: int) -> bool:
    return re.search(rf"\w\[{number}\]", text) is not None
