"""A database in which nothing stays."""

from typing import Self

from shared.database import Database


class RolledBack(Database):
    """Runs statements as any database, and rolls each transaction back after they have answered."""

    _END = "rollback"

    @classmethod
    def beside(cls, database: Database) -> Self:
        """Connect to the same database, with the same login and role."""
        return cls(database._login, role=database._role, own_login=database._own_login)
