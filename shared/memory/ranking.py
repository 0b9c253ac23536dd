"""What recall makes of the rows it found: their weights, nearly equal ones last, and the why."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.memory import By, Memory

Row = Mapping[str, Any]

#: Half of what recency adds is gone after so many seconds: 30 days.
HALF_LIFE = 30 * 86_400
#: The cosine distance below which two memories say nearly the same.
NEARLY_EQUAL = 0.05
_WORDS_SHOWN = 5


class Weights(NamedTuple):
    """What the parts of a score count: the cosine similarity, the share that the common words have
    of the most that all words of the question could weigh, and recency and use."""

    meaning: float
    words: float
    prior: float


#: Found with the questions of a conversation benchmark, with MiniLM and with hashing: there the sum
#: of the two as they are was better than ranks, and than scaling to the best of each question.
WEIGHTS = {
    By.BOTH: Weights(0.25, 0.75, 0.02),
    By.VECTOR: Weights(1.0, 0.0, 0.0),
    By.LEXICAL: Weights(0.0, 1.0, 0.0),
}


def spread(rows: Sequence[Row], limit: int) -> list[Memory]:
    """Take `limit` of the rows, best first; one that nearly equals a better one only fills up."""
    first: list[Row] = []
    places: set[int] = set()
    rest: list[Row] = []
    for row in rows:
        if places.isdisjoint(row["near"]):
            first.append(row)
            places.add(row["place"])
        else:
            rest.append(row)
    return [_memory(row) for row in (first + rest)[:limit]]


def _memory(row: Row) -> Memory:
    reasons = []
    if row["meaning"] is not None:
        reasons.append(f"meaning {row['meaning']:.2f}")
    if row["words"]:
        reasons.append("words: " + ", ".join(row["words"][:_WORDS_SHOWN]))
    return Memory(
        id=row["id"],
        kind=row["kind"],
        ref=row["ref"],
        text=row["text"],
        url=row["url"],
        score=row["score"],
        remembered_at=row["remembered_at"],
        author=row["author"],
        trust=row["trust"],
        audience=row["audience"],
        why="; ".join(reasons),
    )
