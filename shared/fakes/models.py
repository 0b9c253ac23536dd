"""A model that says what a test wants."""

from collections import deque
from typing import Any

from shared.canonical import canonical
from shared.database import Database
from shared.models import ModelReply, ModelRequest, ToolCall, Usage
from shared.models.routing import Models
from shared.settings import Settings


class ScriptedModels(Models):
    """Answers each call with the next of `answers`: a text, a value of the type that is asked for,
    a ToolCall, an exception to raise, or a function of the request that returns one of these. When
    there are none left, `rule` answers if it is set, and else the offline model.

    `asked` are the requests, with the prompt and all that the model was shown, and `replies` what
    came of those that were answered.
    """

    def __init__(self, settings: Settings, database: Database | None = None) -> None:
        super().__init__(settings, database)
        self.answers: deque[object] = deque()
        self.rule: object = None
        self.asked: list[ModelRequest] = []
        self.replies: list[ModelReply] = []

    def reply(self, role: str, request: ModelRequest, **how: Any) -> ModelReply:
        self.asked.append(request)
        self.replies.append(reply := self._reply(role, request, **how))
        return reply

    def _reply(self, role: str, request: ModelRequest, **how: Any) -> ModelReply:
        answer = self.answers.popleft() if self.answers else self.rule
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if answer is None:
            return super().reply(role, request, **how)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, ToolCall):
            return ModelReply("", "tools", Usage(), "scripted", (answer,), cost=0.0)
        text = answer if isinstance(answer, str) else canonical(answer)
        return ModelReply(text, "stop", Usage(), "scripted", cost=0.0)
