"""Ranking: the weights of a score, near-duplicates last, and the reason for each hit.

The SQL function `recall_memories` (infra/migrations) adds the score up and orders by it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shared.database import Row
from shared.memory import By, Memory
from shared.memory.attribution import is_trusted

#: Seconds in which the part of recency halves: 30 days.
HALF_LIFE = 30 * 86_400
#: Two memories within this cosine distance are near-duplicates.
NEAR_DUPLICATE = 0.05
_WORDS_SHOWN = 8
#: The share of an outsider's score from which a trusted memory answers as well.
_COMPARABLE = 0.5


class Weights(NamedTuple):
    """The weights of a score's parts.

    `meaning` weighs the cosine similarity, `words` the weight of the common words as a share of the
    most that the words of the question could have, `prior` recency and use.
    """

    meaning: float
    words: float
    prior: float


#: Found with the questions of a conversation benchmark, with MiniLM and with hashing. There the
#: plain sum was better than ranks, and than scaling each part to the best hit of the question.
WEIGHTS = {
    By.BOTH: Weights(0.25, 0.75, 0.02),
    By.VECTOR: Weights(1.0, 0.0, 0.0),
    By.LEXICAL: Weights(0.0, 1.0, 0.0),
}


def ranked(rows: Sequence[Row], words: Sequence[str], limit: int) -> list[Memory]:
    """Return the best `limit` memories; near-duplicates of a better one are ranked lower.

    `words` are those of the question in the order of its terms. What an outsider said is left out
    where something trusted is on the same question.
    """
    trusted = [row for row in rows if is_trusted(row["trust"])]
    rows = [row for row in rows if not any(_outweighs(other, row) for other in trusted)]
    first: list[Row] = []
    places: set[int] = set()
    rest: list[Row] = []
    for row in rows:
        if places.isdisjoint(row["near"]):
            first.append(row)
            places.add(row["place"])
        else:
            rest.append(row)
    return [_memory(row, words) for row in (first + rest)[:limit]]


def _outweighs(trusted: Row, row: Row) -> bool:
    """Does a trusted memory say nearly the same as an outsider's, or hold all words of the question
    that it holds, with a comparable score?"""
    if is_trusted(row["trust"]):
        return False
    if row["place"] in trusted["near"] or trusted["place"] in row["near"]:
        return True
    covers = set(row["matched"]) <= set(trusted["matched"])
    return bool(row["matched"]) and covers and trusted["score"] >= _COMPARABLE * row["score"]


def _memory(row: Row, words: Sequence[str]) -> Memory:
    reasons = []
    if row["meaning"] is not None:
        reasons.append(f"meaning {row['meaning']:.2f}")
    if row["matched"]:
        matched = [words[place - 1] for place in row["matched"][:_WORDS_SHOWN]]
        reasons.append("words: " + ", ".join(dict.fromkeys(matched)))
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
