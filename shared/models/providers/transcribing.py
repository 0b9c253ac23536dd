"""Turns speech into text at an OpenAI-compatible server.

https://developers.openai.com/api/docs/guides/speech-to-text: a file of up to 25 MB as multipart,
and a JSON object with its `text`; `usage` may tell the seconds.
"""

import hashlib
from typing import NamedTuple

from shared.errors import ModelUnavailable, SettingsError
from shared.models import Payer
from shared.models.deadline import Deadline
from shared.models.guards.budgets import Budgets
from shared.models.providers.http import shared_http
from shared.models.providers.reply_reader import fields
from shared.models.providers.servers import served_model
from shared.settings import Settings

#: Bytes and seconds of one recording, and the tokens that one of unknown price counts.
MOST_BYTES, MOST_SECONDS, _TOKENS = 25_000_000, 600.0, 5_000


class Transcript(NamedTuple):
    """What was said, the model that heard it, and what that cost in US dollars, if it is known."""

    text: str
    model: str
    cost: float | None


class Transcriber:
    """The model that MODEL_AUDIO names. Raises SettingsError when it is malformed."""

    def __init__(self, settings: Settings, budgets: Budgets | None) -> None:
        self._name = settings.model_audio
        self._settings = settings
        self._budgets = budgets
        self._price = price_of(settings.model_audio_price)

    @property
    def is_set(self) -> bool:
        return bool(self._name)

    def transcribe(
        self, body: bytes, kind: str, seconds: float, payer: Payer, timeout: float
    ) -> Transcript:
        """Return what is said in a recording of this kind, such as `m4a`, and of so many seconds, 0
        where that is unknown. Raises ModelUnavailable, ModelRejected, BudgetExceeded and
        SettingsError."""
        served = served_model(self._name, self._settings, "MODEL_AUDIO")
        most = self._cost(seconds or MOST_SECONDS)
        held = None
        if self._budgets is not None:
            held = self._budgets.reserve(payer, self._name, most, timeout + 60, tokens=_TOKENS)
        cost = most
        try:
            form, boundary = _form(served.model, body, kind)
            kind_of_body = f"multipart/form-data; boundary={boundary}"
            path, deadline = "/audio/transcriptions", Deadline(timeout)
            answer = shared_http().upload(served.server, path, form, kind_of_body, deadline)
            if not isinstance(answer.get("text"), str):
                raise ModelUnavailable(f"{self._name}: its answer holds no text")
            told = fields(answer.get("usage")).get("seconds")
            heard = float(told) if isinstance(told, int | float) else seconds
            cost = self._cost(heard or MOST_SECONDS)
        finally:
            if self._budgets is not None and held is not None:
                self._budgets.commit(held, cost, _TOKENS)
        return Transcript(answer["text"], self._name, cost)

    def _cost(self, seconds: float) -> float | None:
        return None if self._price is None else self._price * seconds / 60


def price_of(text: str) -> float | None:
    """Read dollars for a minute; raises SettingsError."""
    if not text.strip():
        return None
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price < 100:
        raise SettingsError(f"MODEL_AUDIO_PRICE={text!r}; expected US dollars a minute, as 0.006")
    return price


def _form(model: str, body: bytes, kind: str) -> tuple[bytes, str]:
    """Write the recording and the name of the model as a form."""
    boundary = hashlib.sha256(body).hexdigest()[:40]
    named = 'Content-Disposition: form-data; name="'
    parts = [
        f'--{boundary}\r\n{named}{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("model", model), ("response_format", "json"))
    ]
    file = f'--{boundary}\r\n{named}file"; filename="audio.{kind}"\r\n'
    parts += [f"{file}Content-Type: application/octet-stream\r\n\r\n".encode(), body]
    return b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()]), boundary
