"""Subjects: how a person names what to list or forget."""

import re
from typing import Literal, NamedTuple

from shared.memory.stored_text import storable
from shared.patterns import lazily

#: A person names all but the last; by `told`, what was told at an address goes, or in an issue.
SubjectKind = Literal["text", "ref", "author", "source", "id", "finding", "told"]

#: How many words of a subject count; more would make the comparison slow.
_WORDS = 20
#: How many characters of a word are compared.
_LONGEST = 200
#: The longest name that exists: longer refs are cut, see REF_CHARACTERS.
_LONGEST_NAME = 540
_ARTICLES = frozenset({"the", "a", "an", "my", "our", "your"})
_ID = lazily(r"(?:id:|m-)?([0-9a-f]{8}-[0-9a-f-]{27})|(?:id:|m-)([0-9a-f]{8}[0-9a-f-]{0,28})")
_FINDING = lazily(r"f-[0-9a-f]{12}")
_REF = lazily(r"ref:(\S+)|([\w.-]+/[\w.-]+#\d+)")
_PERSON = lazily(r"author:(\S+)|@([\w-]+)|<@(\w+)(?:\|[^>]*)?>")


class Subject(NamedTuple):
    """The words of a text, a memory's subject, persons, a place, one memory, or one finding of a
    review."""

    by: SubjectKind
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Subject | None":
        """Read `acme/shop#7`, `@ada`, `source:github:acme/shop`, `m-1a2b3c4d`,
        `f-1a2b3c4d5e6f`, or words.

        Returns None when `text` holds no word, or a name that is longer than any.
        """
        text = storable(text).strip()
        found = _named(text)
        if found is None:
            return cls("text", tuple(words)) if (words := _words(text)) else None
        return found if len(found.names[0]) <= _LONGEST_NAME else None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters `by`, `names` and `patterns` of a statement.

        Words become patterns: a text matches when it holds each as a whole word.
        """
        if self.by != "text":
            return {"by": self.by, "names": list(self.names), "patterns": []}
        # The longest word goes first: the statement looks for it alone to rule most texts out.
        names = sorted((n[:_LONGEST].lower() for n in self.names), key=len, reverse=True)
        patterns = [_pattern(name).lower() for name in self.names]
        return {"by": self.by, "names": names, "patterns": patterns}


def _named(text: str) -> Subject | None:
    """Read a subject that has the form of a name; None when it is words."""
    if found := _ID.fullmatch(text):
        return Subject("id", (found[1] or found[2],))
    if _FINDING.fullmatch(text):
        return Subject("finding", (text,))
    if found := _REF.fullmatch(text):
        return Subject("ref", (found[1] or found[2],))
    if found := _PERSON.fullmatch(text):
        return Subject("author", (found[1] or found[2] or found[3],))
    if text.startswith("source:") and len(text.split()) == 1 and text != "source:":
        return Subject("source", (text.removeprefix("source:"),))
    return None


def _words(text: str) -> list[str]:
    """Return the words to look for, without articles and surrounding punctuation."""
    bare = [word.strip("\"'“”‘’`.,;:!?()") for word in text.split()]
    words = [word for word in bare if re.search(r"\w", word)]
    return ([word for word in words if word.lower() not in _ARTICLES] or words)[:_WORDS]


def _pattern(word: str) -> str:
    """Return a Postgres pattern for `word` as a whole; scripts without spaces need no bounds."""
    left = r"(^|[^a-z0-9_])" if re.match(r"[A-Za-z0-9_]", word) else ""
    right = r"($|[^a-z0-9_])" if re.search(r"[A-Za-z0-9_]$", word) else ""
    return left + re.sub(r"([^\w])", r"\\\1", word[:_LONGEST]) + right
