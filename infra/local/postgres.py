"""The embedded Postgres with pgvector: one directory is one server; nothing to install, no port open.

Who owns the server: the process that holds `owner.lock` in the home. The first to start takes it, and
only the owner's stop() stops the server; everybody else attaches. A kill -9 of the owner frees the lock
and leaves the server running: the next start() takes over both.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from infra.local import postgres_files as files
from shared.errors import DatabaseUnavailable, SettingsError

DATABASE = "agent_flows"
_VECTOR_AT_LEAST = (0, 8)
#: Recovery after a crash replays at most max_wal_size; this is far more than it takes.
_START_SECONDS = 120
_STOP_SECONDS = 30
_PAUSE = 0.02
_COMPLAINT = re.compile(r"(?:FATAL|PANIC|error): +(.*)")

_SETTINGS = {
    "listen_addresses": "",  # no TCP
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is 64 MB in a container
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_LINUX = {"recovery_init_sync_method": "syncfs"}


class EmbeddedPostgres:
    """One Postgres server on the directory `home`, shared by all processes of one user.

    With `durable=False` it forgets what a power cut takes, and is faster: for tests.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self._home = home.resolve()
        self._durable = durable
        self._ownership: int | None = None
        self._account: files.Account | None = None
        self._place = self._home / "server"

    @property
    def owner(self) -> bool:
        """Whether stop() will stop the server."""
        return self._ownership is not None

    def start(self) -> str:
        """Start the server, or attach to it when it runs, and return the URL of its database.

        Raises SettingsError when this machine or `home` cannot carry a server, DatabaseUnavailable
        when the server does not come up.
        """
        try:
            self._settle()
            with files.locked(self._home / "start.lock"), ExitStack() as undo:
                if self._ownership is None:
                    self._ownership = files.take(self._home / "owner.lock", wait=False)
                undo.callback(self._stop)
                self._bring_up()
                url = self._prepare_database()
                undo.pop_all()
                return url
        except PermissionError as err:
            raise SettingsError(
                f"{err.filename or self._home} belongs to another user; start as that user or choose"
                " another directory"
            ) from err
        except psycopg.OperationalError as err:
            raise DatabaseUnavailable(
                f"Postgres in {self._home} took no connection: {err}"
            ) from err

    def stop(self) -> None:
        """Stop the server and wait until it is gone; when another process owns it, leave it alone."""
        if self._ownership is not None:
            with files.locked(self._home / "start.lock"):
                self._stop()

    def restart(self) -> str:
        """Stop and start the server; raises SettingsError when another process owns it."""
        if not self.owner:
            raise SettingsError(
                f"another process owns the Postgres in {self._home}; restart it there"
            )
        self.stop()
        return self.start()

    def erase(self) -> None:
        """Stop the server and remove all of it; when another process owns it, leave it alone."""
        with files.locked(self._home / "start.lock"):
            if self._ownership is None:
                self._ownership = files.take(self._home / "owner.lock", wait=False)
            if self._ownership is not None:
                self._place = (self._home / "server").resolve()
                self._stop()
                shutil.rmtree(self._place, ignore_errors=True)
                shutil.rmtree(self._home)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _settle(self) -> None:
        """Find out who runs the server and where its files lie."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._account = files.Account.for_home(self._home)
        if self._account and not any(self._home.iterdir()):
            self._home.chmod(0o711)
        self._place = files.ground(self._home, self._account)

    @property
    def _data(self) -> Path:
        return self._place / "cluster"

    def _bring_up(self) -> None:
        """Launch the server unless it runs, and wait until it answers. The caller holds start.lock."""
        log = self._place / "server.log"
        log.touch()
        told = log.stat().st_size
        launched = False
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._gone():
                if launched:
                    raise DatabaseUnavailable(self._complaint(log, told))
                self._launch(log)
                launched = True
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Postgres in {self._home} does not answer after {_START_SECONDS} s; see {log}"
                )
            time.sleep(_PAUSE)

    def _launch(self, log: Path) -> None:
        programs = files.binaries(self._place, self._account)
        if not self._data.exists():
            self._make_cluster(programs, log)
        (self._data / "postmaster.pid").unlink(
            missing_ok=True
        )  # nobody lives: it can name a stranger
        socket = files.socket_directory(self._place, self._account)
        for left in socket.iterdir():
            left.unlink()
        settings = _SETTINGS | ({} if self._durable else _NOT_DURABLE)
        if sys.platform == "linux":
            settings = settings | _LINUX
        options = [f"--{name}={value}" for name, value in settings.items()]
        with files.locked(self._place / "alive.lock", wait=False) as alive:
            # The shell leaves the server to init. The server and all its children inherit the lock,
            # so the lock is free only when the last of them is gone.
            files.run(
                self._account,
                ["/bin/sh", "-c", '"$@" &', "sh", str(programs / "postgres"), "-D", str(self._data)]
                + ["-k", str(socket), *options],
                log,
                keep=() if alive is None else (alive,),
            )

    def _make_cluster(self, programs: Path, log: Path) -> None:
        """Make the cluster beside its place and move it there: a half-made one never gets the name."""
        for left in self._place.glob("cluster-*"):
            shutil.rmtree(left, ignore_errors=True)
        half = Path(tempfile.mkdtemp(prefix="cluster-", dir=self._place))
        if self._account:
            os.chown(half, *self._account)
        told = log.stat().st_size
        options = [
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "-E",
            "UTF8",
        ]
        if not self._durable:
            options.append("--no-sync")
        elif sys.platform == "linux":
            options.append("--sync-method=syncfs")
        command = [
            str(programs / "initdb"),
            "-A",
            "trust",
            "-U",
            "postgres",
            *options,
            "-D",
            str(half),
        ]
        if files.run(self._account, command, log) != 0:
            raise DatabaseUnavailable(self._complaint(log, told))
        half.rename(self._data)

    def _prepare_database(self) -> str:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            query = "select 1 from pg_database where datname = %s"
            if not connection.execute(query, [DATABASE]).fetchone():
                connection.execute(f"create database {DATABASE}")
        url = self._url(DATABASE)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create extension if not exists vector")
            _check_vector(connection)
        return url

    def _stop(self) -> None:
        """Stop what this process owns, and give the ownership up. The caller holds start.lock."""
        if self._ownership is None:
            return
        for how, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 10)):
            if (postmaster := self._postmaster()) is not None:
                os.kill(postmaster, how)
            deadline = time.monotonic() + seconds
            while not (gone := self._gone()) and time.monotonic() < deadline:
                time.sleep(_PAUSE)
            if gone:
                break
        else:
            raise DatabaseUnavailable(f"Postgres in {self._home} does not stop; see {self._place}")
        os.close(self._ownership)
        self._ownership = None

    def _gone(self) -> bool:
        """Whether no process of this server is left, neither postmaster nor the children of a dead one."""
        with files.locked(self._place / "alive.lock", wait=False) as free:
            return free is not None and self._postmaster() is None

    def _postmaster(self) -> int | None:
        """The process id of this cluster's postmaster; None when the pid file is stale or names a stranger."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
            command = _command(pid)
            if Path(command[0]).name == "postgres" and str(self._data) in command[1:]:
                return pid
        return None

    def _answers(self) -> bool:
        if self._postmaster() is None:
            return False
        ping = psycopg.pq.PGconn.ping(self._url("postgres").encode())
        return ping == psycopg.pq.Ping.OK

    def _url(self, database: str) -> str:
        lines = (self._data / "postmaster.pid").read_text().splitlines()
        socket = quote(lines[4], safe="") if len(lines) > 4 else ""
        return f"postgresql://postgres@/{database}?host={socket}&port=5432"

    def _complaint(self, log: Path, told: int) -> str:
        with log.open("rb") as file:
            file.seek(told)
            text = file.read().decode("utf-8", "replace")
        reasons = _COMPLAINT.findall(text) or text.splitlines()[-1:]
        return f"Postgres in {self._home} does not start: {'; '.join(reasons)}; see {log}"


def _command(pid: int) -> list[str]:
    """The command line of a process; raises OSError when there is no such process."""
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    shown = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
    )
    return shown.stdout.split()


def _check_vector(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(
        "select extversion from pg_extension where extname = 'vector'"
    ).fetchone()
    version = str(row[0]) if row else "0"
    if tuple(int(part) for part in version.split(".")[:2]) < _VECTOR_AT_LEAST:
        raise SettingsError(f"pgvector {version} is too old; version 0.8 or newer is needed")
