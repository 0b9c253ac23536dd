"""Brings a database to the current schema: the numbered .sql files here, each once, in order."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from infra.migrations.checking import Facts, check
from infra.migrations.logins import given_urls, kept_urls, make_logins
from shared.aws.secrets import function_settings
from shared.errors import SettingsError

#: Serialises migrations that start at the same moment; any constant will do.
_LOCK = 7_205_759_403_792
_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(NamedTuple):
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the migrations that ship with this code, in order."""
    found = []
    for file in Path(__file__).parent.iterdir():
        if match := _FILE.fullmatch(file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return sorted(found)


def migrate(url: str) -> list[str]:
    """Apply the missing migrations to the database at `url` and return their names.

    Each file is one transaction. Raises SettingsError when an applied file has changed since.
    """
    applied = []
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        connection.execute(
            "create table if not exists migrations (number int primary key, name text not null,"
            " digest text not null, applied_at timestamptz not null default now())"
        )
        rows = connection.execute("select number, digest from migrations").fetchall()
        done: dict[int, str] = dict(rows)
        for migration in migrations():
            if migration.number not in done:
                _apply(connection, migration)
                applied.append(f"{migration.number:04}_{migration.name}")
            elif done[migration.number] != migration.digest:
                raise SettingsError(
                    f"migration {migration.number:04}_{migration.name} was applied with other"
                    " content; add a new file instead of changing one"
                )
    return applied


def _apply(connection: psycopg.Connection[Any], migration: Migration) -> None:
    with connection.transaction():
        try:
            connection.execute(migration.sql.encode())
        except psycopg.errors.RaiseException as err:  # the file's own word, such as pgvector's age
            raise SettingsError(f"{err.diag.message_primary}; {migration.name} stopped") from err
        connection.execute(
            "insert into migrations (number, name, digest) values (%s, %s, %s)",
            [migration.number, migration.name, migration.digest],
        )


def handler(event: Mapping[str, object], context: object) -> Facts:
    """The Migrate function: `./scripts/deploy` invokes it after each deploy.

    It makes the other functions' logins too. `{"check": true}` lets it look only.
    """
    settings = function_settings()
    if event.get("check"):
        return check(settings.require("database_url"))
    applied = migrate(settings.require("database_url"))
    urls = kept_urls(settings.login_secrets) or given_urls(settings)
    return {"applied": applied, "logins": make_logins(settings.database_url, urls)}
