"""Long-term memory: what it holds and what it promises. The store is in store.py, the embedders
beside it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

#: Whether who wrote a memory may write at its source, or came from outside.
Trust = Literal["inside", "outside"]


class By(StrEnum):
    """What a recall compares, and with it what a score is.

    BOTH: a quarter the cosine similarity and three quarters what LEXICAL is, and a little for what
    is new or of use: 0 to 1. VECTOR: the cosine similarity, -1 to 1. LEXICAL: the share of the most
    that the words of the question could weigh (BM25): 0 to 1.
    """

    BOTH = "both"
    VECTOR = "vector"
    LEXICAL = "lexical"


class Entry(NamedTuple):
    """One thing to remember.

    `ref` names its subject (`acme/shop#7`); '' makes the text its own subject. `source` is where it
    was said (`github:acme/shop`); with a `flow` only that flow recalls it.
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
    """One thing remembered. `ref` names its subject (`acme/shop#7`); `score` is what `By` says;
    `why` says how it was found: `meaning 0.62; words: login, ERR_CONN_RESET`."""

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
