"""The short-term memory: the turns of one conversation, in order."""

from typing import Literal, NamedTuple

from shared.database import Database, Statement, queries
from shared.memory.text import storable

SQL = queries(__file__, "conversations.sql")

Role = Literal["user", "assistant"]


class Turn(NamedTuple):
    """What one side said."""

    role: Role
    author: str
    text: str


class Conversations:
    """What was said in the conversations of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def turns(self, tenant: str, conversation: str, limit: int) -> list[Turn]:
        """Return the newest `limit` turns, oldest first; raises DatabaseUnavailable."""
        key = {"tenant": tenant, "conversation": conversation, "limit": max(limit, 0)}
        [rows] = self._database.run(tenant, [Statement(SQL["newest"], key)])
        return [Turn(**row) for row in rows]

    def append(self, tenant: str, conversation: str, turn: Turn, event: str) -> Statement:
        """Return the statement that appends `turn`; the same event and role replace its text."""
        row = {
            "tenant": tenant,
            "conversation": conversation,
            "role": turn.role,
            "author": storable(turn.author),
            "text": storable(turn.text),
            "event": event,
        }
        return Statement(SQL["append"], row)
