"""Long-term memory: its values, Entry and Memory.

store          MemoryStore, which remembers texts and recalls those nearest to a question
lexical        the terms that recall compares, BM25; stemming has the English stems
ranking        the weights of a score; near-duplicates are ranked lower
audience       which memories the readers of an event may see
attribution    who said something, where, and how far to trust it, as models and people see it
stored_text    prepares texts for Postgres and hashes them
embedding/     turns texts into vectors, here or by a vendor, with a cache
conversations/ short-term memory: turns, summaries, and the facts that are extracted from them
documents/     takes documents of folders and repositories into memory
control/       the commands: remember, forget, know, why, export
upkeep/        work in the background: extraction, re-embedding, consolidation, retention
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

#: Whose words a memory holds: of somebody who may write at its source, or of an outsider; or the
#: agent's own, made of trusted texts only, or of what outsiders said as well.
Trust = Literal["inside", "outside", "own", "own_outside"]


class By(StrEnum):
    """The comparison that a recall makes, and the meaning of its scores.

    BOTH: a quarter the cosine similarity and three quarters the score of LEXICAL, and a little for
    memories that are new or much used: 0 to 1. VECTOR: the cosine similarity, -1 to 1. LEXICAL: the
    weight of the common words (BM25) as a share of the most that the words of the question could
    have: 0 to 1.
    """

    BOTH = "both"
    VECTOR = "vector"
    LEXICAL = "lexical"


class Entry(NamedTuple):
    """A text to remember.

    `ref` names its subject (`acme/shop#7`); without one the text is its own subject. `source` is
    the place where it was said (`github:acme/shop`). With a `flow` only that flow recalls it.
    """

    text: str
    kind: str
    ref: str
    audience: str
    url: str = ""
    author: str = ""
    event: str = ""
    source: str = ""
    trust: Trust = "outside"
    flow: str = ""


class Memory(NamedTuple):
    """A text that was remembered.

    `ref` names its subject (`acme/shop#7`). `By` explains the `score`. `why` tells how it was
    found: `meaning 0.62; words: login, ERR_CONN_RESET`.
    """

    id: str
    kind: str
    ref: str
    text: str
    url: str
    score: float
    remembered_at: datetime
    author: str = ""
    trust: Trust = "outside"
    audience: str = ""
    why: str = ""
