"""Long-term memory: what it holds and what it promises. The store is in store.py, the embedders
beside it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: Whether who wrote a memory may write at its source, or came from outside.
Trust = Literal["inside", "outside"]


@dataclass(frozen=True)
class Entry:
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


@dataclass(frozen=True)
class Memory:
    """One thing remembered. `ref` names its subject (`acme/shop#7`); `score` is the cosine
    similarity, -1 to 1."""

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
