"""A server of embeddings that takes at most so many texts in one call, and one text never."""

import json
from collections.abc import Sequence

from tests.models.scripted_server import Fails, ScriptedServer, Seen, Sends, Turn

_SIZE = 8


class PickyEmbeddings(ScriptedServer):
    """`how` says what it does with calls of more than `most` texts, or with the text `bad` in
    them."""

    def __init__(self, *, most: int = 2048, bad: str = "\0", how: str = "400") -> None:
        super().__init__()
        self.most = most
        self.bad = bad
        self.how = how
        self.taken: list[int] = []

    def turn(self, seen: Seen) -> Turn:
        texts = seen.body["input"]
        if len(texts) > self.most or any(self.bad in text for text in texts):
            return self._refusal(texts)
        self.taken.append(len(texts))
        return _answer([_row(text) for text in texts])

    def _refusal(self, texts: list[str]) -> Turn:
        match self.how:
            case "too large":
                return Fails(429, message="Request too large for m on tokens per min (TPM)")
            case "an error inside":
                return _sent({"error": {"message": "too many", "code": "invalid_request_error"}})
            case "an error of the server inside":
                return _sent({"error": {"message": "NaN", "code": 500}})
            case "some":
                return _answer([_row(text) for text in texts if self.bad not in text][: self.most])
            case "nothing":
                return Sends(b"")
            case "null" | "NaN" | "zero":
                bad = {"null": None, "NaN": [float("nan")] * _SIZE, "zero": [0] * _SIZE}[self.how]
                return _answer([bad if self.bad in text else _row(text) for text in texts])
            case "all NaN":
                return _answer([[float("nan")] * _SIZE for _ in texts])
            case status:
                return Fails(int(status), message="batch size is invalid")


def _row(text: str) -> list[float]:
    return [float(len(text)), *[1.0] * (_SIZE - 1)]


def _answer(rows: Sequence[object]) -> Sends:
    return _sent({"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]})


def _sent(body: object) -> Sends:
    return Sends(json.dumps(body).encode())
