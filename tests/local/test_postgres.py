"""The embedded Postgres: it starts, is shared, and survives what machines do to it."""

import psycopg


def test_a_fresh_database_is_migrated_and_empty(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from events").fetchone() == (0,)
        connection.execute("insert into events values ('t', 'e', 'x', 'c', '{}')")


def test_what_another_test_wrote_is_not_seen(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from events").fetchone() == (0,)


def test_vectors_can_be_compared(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("create extension if not exists vector")
        row = connection.execute("select '[1,0]'::halfvec(2) <=> '[0,1]'").fetchone()
        assert row == (1.0,)
