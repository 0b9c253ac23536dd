"""Long-term memory: what it holds and what it promises. The store is in store.py, the embedders
beside it."""

from dataclasses import dataclass
from datetime import datetime


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
