"""A real PgBouncer in transaction mode, in front of a test's Postgres."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from psycopg import conninfo
from psycopg.pq import PGconn, Ping

from tests.waiting import wait_for

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ABSENT = "PgBouncer is not installed; Debian's package is pgbouncer"


class Pooler:
    """Pools the logins `users` of the server at `url`; at most `size` connections for each login
    and database, and `clients` in all. A context manager."""

    def __init__(self, url: str, users: Collection[str], size: int, clients: int = 200) -> None:
        self._server = conninfo.conninfo_to_dict(url)
        self._users = users
        self._size = size
        self._clients = clients
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]

    def url(self, user: str, database: str) -> str:
        place = f"{quote(user)}@127.0.0.1:{self._port}/{quote(database)}"
        return f"postgresql://{place}?sslmode=disable&gssencmode=disable"

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="agent-flows-pooler-"))
        users = self._home / "users.txt"
        users.write_text("".join(f'"{name}" ""\n' for name in self._users))
        file = self._home / "pgbouncer.ini"
        file.write_text(self._settings(users))
        place = Path(str(self._server["host"])).stat()
        as_root = os.geteuid() == 0  # PgBouncer refuses that, and the server's socket is private
        for path in (self._home, users, file) if as_root else ():
            os.chown(path, place.st_uid, place.st_gid)
        assert PROGRAM, ABSENT
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(file)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=place.st_uid if as_root else None,
                group=place.st_gid if as_root else None,
                extra_groups=[] if as_root else None,
            )
        wait_for(self._answers, 20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        print((self._home / "log").read_text())  # pytest shows it beside a failure
        shutil.rmtree(self._home)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._home / "log").read_text()
        return PGconn.ping(self.url("nobody", "nothing").encode()) == Ping.OK

    def _settings(self, users: Path) -> str:
        server = self._server
        return f"""\
[databases]
* = host={server["host"]} port={server["port"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self._port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {self._size}
server_lifetime = 3600
max_client_conn = {self._clients}
server_login_retry = 0.1
"""
