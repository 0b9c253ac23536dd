"""Secrets Manager in memory, as a function asks it, and a clock that a test moves."""

import json
from collections.abc import Mapping, Sequence

from shared.aws.secrets import FunctionSettings, Secrets
from shared.aws.signed_http import HttpResponse
from shared.errors import PublishError
from shared.settings import Settings

NAME = "agents/all"


def refusal(kind: str, status: int = 400) -> HttpResponse:
    """Return an answer such as AWS gives for an error."""
    return HttpResponse(status, json.dumps({"__type": kind, "Message": "no"}).encode())


MISSING = refusal("ResourceNotFoundException")
#: Stands for a service that does not answer.
AWAY = HttpResponse(0, b"")


class Vault:
    """One secret with all values. `answer`, while it is set, comes in place of each."""

    def __init__(self, **values: str) -> None:
        self.now = 1_800_000_000.0
        self.asked: list[str] = []
        self.answer: HttpResponse | None = None
        self._versions = [(values, self.now - 1e6)]
        self.secrets = Secrets([NAME], self.ask, lambda: self.now)

    def change(self, **values: str) -> None:
        """Store a new version."""
        self._versions.append(({**self._versions[-1][0], **values}, self.now))

    def ask(self, names: Sequence[str], stage: str) -> list[HttpResponse]:
        return [self._answer(stage) for _ in names]

    def _answer(self, stage: str) -> HttpResponse:
        self.asked.append(stage)
        if self.answer is AWAY:
            raise PublishError("secretsmanager: no answer")
        if self.answer is not None:
            return self.answer
        past = 1 if stage == "AWSCURRENT" else 2
        return held(*self._versions[-past]) if len(self._versions) >= past else MISSING

    def settings(self, **plain: str) -> Settings:
        """Return the settings of a function that reads this secret when it starts."""
        return FunctionSettings.over(Settings(**plain), self.secrets, at_once=False)


def held(values: Mapping[str, object], made: float = 0.0) -> HttpResponse:
    answer = {"SecretString": json.dumps(dict(values)), "CreatedDate": made}
    return HttpResponse(200, json.dumps(answer).encode())
