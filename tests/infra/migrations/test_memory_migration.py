"""The memory's migration says what is wrong with a Postgres that cannot carry it."""

import psycopg
import pytest

from infra.migrations import migrate
from shared.errors import SettingsError


def before_memory(url: str, version: str) -> None:
    """Take the memory back out of a migrated database, and let its pgvector claim `version`."""
    with psycopg.connect(url) as connection:
        connection.execute("drop table memories cascade")
        connection.execute("delete from migrations where name = 'memory'")
        connection.execute(
            "update pg_extension set extversion = %s where extname = 'vector'", [version]
        )


@pytest.mark.parametrize("version", ["0.6.2", "0.7.4"])
def test_an_old_pgvector_is_refused_with_what_to_do(database_url: str, version: str) -> None:
    before_memory(database_url, version)
    with pytest.raises(SettingsError, match=rf"pgvector {version} is too old; update it to 0\.8"):
        migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass('memories')").fetchone() == (None,)


@pytest.mark.parametrize("version", ["0.8.0", "0.10.1", "1.0"])
def test_versions_are_compared_as_numbers(database_url: str, version: str) -> None:
    before_memory(database_url, version)
    assert migrate(database_url) == ["0002_memory"]
