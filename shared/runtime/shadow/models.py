"""The models of a shadow: the changed step asks another one, or with another prompt."""

from dataclasses import replace
from typing import Any

from shared.database import Database, Statement
from shared.models import ModelReply, ModelRequest
from shared.models.prompts import system
from shared.models.routing import Models
from shared.runtime.shadow.run import change_now
from shared.settings import Settings


class ShadowModels(Models):
    """The models of the settings. Their calls are paid for, so what they cost is committed at once.
    Answers come whole: nobody watches."""

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__(settings, database)
        self._paid_in = database

    def reply(self, role: str, request: ModelRequest, **how: Any) -> ModelReply:
        """Ask as `Models.reply`, with the change of the step that this thread is in."""
        if change := change_now.get():
            role = change.model or role
            if change.prompt is not None:
                request = replace(request, system=system(change.prompt))
            if change.input is not None:
                last = replace(request.messages[-1], text=change.input)
                request = replace(request, messages=(*request.messages[:-1], last))
        return super().reply(role, request, **how | {"sink": None})

    def substitute(self, role: str) -> str:
        change = change_now.get()
        return super().substitute(change.model if change and change.model else role)

    def unsent(self, tenant: str) -> list[Statement]:
        return self._settled(tenant, super().unsent(tenant))

    def settlements(self, tenant: str) -> list[Statement]:
        return self._settled(tenant, super().settlements(tenant))

    def _settled(self, tenant: str, statements: list[Statement]) -> list[Statement]:
        if statements:
            self._paid_in.run(tenant, statements)
        return []
