"""A Postgres of its own that asks for passwords and takes few connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from infra.local.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.migrations.logins import invented_urls, make_logins

#: It takes so many connections, of which superusers keep one for themselves.
CONNECTIONS = 8
_RULES = "local all postgres trust\nlocal all all scram-sha-256\n"
_OWNER = """
create role deployer login createrole password 'first';
alter database agent_flows owner to deployer;
alter schema public owner to deployer;
"""


class StrictServer(NamedTuple):
    """The URLs of its superuser, of the login that owns the database, and of the functions' logins,
    by kind."""

    admin: str
    owner: str
    logins: dict[str, str]


@contextmanager
def strict_server(home: Path) -> Iterator[StrictServer]:
    settings = {"max_connections": str(CONNECTIONS), "superuser_reserved_connections": "1"}
    server = EmbeddedPostgres(home, durable=False, settings=settings)
    try:
        admin = server.start()
        with psycopg.connect(admin, autocommit=True) as superuser:
            superuser.execute(_OWNER.encode())
            rules = superuser.execute("show hba_file").fetchone()
            assert rules
            Path(rules[0]).write_text(_RULES)
            superuser.execute("select pg_reload_conf()")
        owner = admin.replace("postgres@", "deployer:first@")
        migrate(owner)
        urls = invented_urls(owner)
        make_logins(owner, urls)
        yield StrictServer(admin, owner, urls)
    finally:
        server.erase()
