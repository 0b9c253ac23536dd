"""The embedded Postgres with pgvector: one directory is one server; nothing to install, no port.

The process that holds `owner.lock` in the home owns the server. The first to start takes it, and
only the owner's stop() stops the server; everybody else attaches. A kill -9 of the owner frees the
lock and leaves the server running: the next start() attaches to it and owns it from then on.

The server and all its children inherit `alive.lock`. While it is taken, one of them lives; once it
is free the pid file is stale, whatever process has that number now.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

from infra.local import postgres_files as files
from shared.errors import DatabaseUnavailable, SettingsError

DATABASE = "agent_flows"
_VECTOR_AT_LEAST = (0, 8)
_START_SECONDS = 120  # a recovery after a crash takes seconds; a slow disk may need more
_STOP_SECONDS = ((signal.SIGINT, 30), (signal.SIGQUIT, 10))  # fast, then at once
_PAUSE = 0.02
_REASON = re.compile(r"(?:FATAL|PANIC|error): +(.*)")

_SETTINGS = {
    "listen_addresses": "",  # no TCP
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "dynamic_shared_memory_type": "mmap",  # a container's /dev/shm is 64 MB
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_LINUX = {"recovery_init_sync_method": "syncfs"}
_NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class _Postmaster(NamedTuple):
    """The pid file of a living server; `socket` is empty until the server listens."""

    pid: int
    socket: str

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(self.socket, safe='')}&port=5432"

    def answers(self) -> bool:
        return bool(self.socket) and PGconn.ping(self.url("postgres").encode()) == Ping.OK


class EmbeddedPostgres:
    """One Postgres server on the directory `home`, shared by all processes of one user.

    With `durable=False` it is faster and a power cut may destroy it: for tests. `settings` are
    Postgres's own, such as shared_buffers.
    """

    def __init__(
        self, home: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
    ) -> None:
        self._home = home.resolve()
        self._durable = durable
        self._settings = settings or {}
        self._ownership: BinaryIO | None = None
        self._user: files.OsUser | None = None
        self._place = self._home / "server"
        self._last_pid = 0

    @property
    def owner(self) -> bool:
        """True when stop() will stop the server."""
        return self._ownership is not None

    @property
    def alive(self) -> bool:
        """True while the server runs, whoever started it."""
        return self._postmaster() is not None

    @property
    def is_made(self) -> bool:
        """True when there is a database, whether or not its server runs."""
        return self._cluster.exists()

    def start(self) -> str:
        """Start the server, or attach to it when it runs, and return the URL of its database.

        Raises SettingsError when this machine or `home` cannot carry a server, DatabaseUnavailable
        when the server does not come up.
        """
        try:
            self._settle()
            with self._turn(), ExitStack() as undo:
                self._own()
                undo.callback(self._stop)
                url = _prepare(self._bring_up())
                undo.pop_all()
                return url
        except OSError as err:
            raise SettingsError(
                f"Postgres cannot live in {self._home}: {err.strerror} ({err.filename});"
                " choose another directory, or start as the user who owns it"
            ) from err
        except psycopg.OperationalError as err:
            raise DatabaseUnavailable(f"Postgres in {self._home} fails: {err}") from err

    def stop(self) -> None:
        """Stop the server and wait until it is gone; leave one that another process owns."""
        if self._ownership is not None:
            self._home.mkdir(parents=True, exist_ok=True)  # it may have been deleted under us
            with self._turn():
                self._stop()
            _sweep()

    def restart(self) -> str:
        """Stop and start the server; raises SettingsError when another process owns it."""
        if not self.owner:
            raise SettingsError(f"another process owns the Postgres in {self._home}; restart there")
        self.stop()
        return self.start()

    def erase(self) -> None:
        """Stop the server and delete its files; leave one that another process owns."""
        with self._turn():
            self._own()
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

    @property
    def _cluster(self) -> Path:
        return self._place / "cluster"

    @property
    def _log(self) -> Path:
        return self._place / "server.log"

    @property
    def _socket(self) -> Path:
        return files.socket_directory(self._place, self._user)

    def _turn(self) -> AbstractContextManager[None]:
        """Let one process at a time start or stop the server."""
        return files.locked(self._home / "start.lock")

    def _own(self) -> None:
        if self._ownership is None:
            self._ownership = files.take(self._home / "owner.lock")

    def _settle(self) -> None:
        """Find out who runs the server, and the folder of its files."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._user = files.OsUser.for_home(self._home)
        _sweep()
        if self._user and self._home.stat().st_uid == 0 and not any(self._home.iterdir()):
            self._home.chmod(0o711)  # ours and new; its parents stay as they are
        self._place = files.ground(self._home, self._user)
        self._log.touch()
        if self._user:
            os.chown(self._log, *self._user)

    def _bring_up(self) -> _Postmaster:
        """Launch the server unless it lives, and wait until it answers."""
        told = self._log.stat().st_size
        launched = False
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            postmaster = self._postmaster()
            if postmaster and postmaster.answers():
                self._last_pid = postmaster.pid
                return postmaster
            if self._gone():
                if launched:
                    raise DatabaseUnavailable(self._reason(told))
                self._launch()
                launched = True
            time.sleep(_PAUSE)
        raise DatabaseUnavailable(
            f"Postgres in {self._home} does not answer for {_START_SECONDS} s; see {self._log}"
        )

    def _launch(self) -> None:
        programs = files.programs(self._place, self._user)
        if not self._cluster.exists():
            self._make_cluster(programs)
        # Nobody is left, so this file may name a stranger by now and would keep the server down.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        socket = files.own(self._socket, self._user)
        for left in socket.iterdir():
            left.unlink()
        settings = _SETTINGS | (_LINUX if sys.platform == "linux" else {})
        settings |= {} if self._durable else _NOT_DURABLE
        settings |= self._settings
        server = [str(programs / "postgres"), "-D", str(self._cluster), "-k", str(socket)]
        server += [f"--{name}={value}" for name, value in settings.items()]
        if alive := files.take(self._home / "alive.lock"):
            with alive:
                # The shell hands the server over to init, so nobody has to wait for it.
                shell = ["/bin/sh", "-c", '"$@" &', "sh"]
                files.run(self._user, shell + server, self._log, keep=(alive.fileno(),))

    def _make_cluster(self, programs: Path) -> None:
        """Make the cluster aside and rename it, so that a half-made one never gets the name."""
        for left in self._place.glob("cluster-*"):
            shutil.rmtree(left, ignore_errors=True)  # an initdb that lost its parent may still run
        half = Path(tempfile.mkdtemp(prefix="cluster-", dir=self._place))
        if self._user:
            os.chown(half, *self._user)
        told = self._log.stat().st_size
        command = [str(programs / "initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            command.append("--no-sync")
        elif sys.platform == "linux":
            command.append("--sync-method=syncfs")
        if files.run(self._user, [*command, "-D", str(half)], self._log) != 0:
            raise DatabaseUnavailable(self._reason(told))
        half.rename(self._cluster)

    def _stop(self) -> None:
        """Stop the server and give up its ownership; do nothing when another process owns it."""
        if self._ownership is None:
            return
        for how, seconds in _STOP_SECONDS:
            if postmaster := self._postmaster():
                os.kill(postmaster.pid, how)
            deadline = time.monotonic() + seconds
            while not (gone := self._gone()) and time.monotonic() < deadline:
                time.sleep(_PAUSE)
            if gone:
                break
        else:
            raise DatabaseUnavailable(f"Postgres in {self._home} does not stop; see {self._log}")
        if self._socket.parent != self._place:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._ownership.close()
        self._ownership = None

    def _gone(self) -> bool:
        """Return True when neither the postmaster nor a child of a dead one is left."""
        free = files.take(self._home / "alive.lock")
        if free is None:
            return False
        with free:
            return self._postmaster() is None

    def _postmaster(self) -> _Postmaster | None:
        """Return the living postmaster, or None, whatever the pid file says."""
        lines = [str(self._last_pid)]  # the file may have been deleted under the server
        with suppress(OSError):
            lines = (self._cluster / "postmaster.pid").read_text().splitlines() or lines
        pid = int(lines[0]) if lines[0].isdigit() else 0
        if not files.serves(pid, self._cluster):
            return None
        return _Postmaster(pid, lines[4] if len(lines) > 4 else "")

    def _reason(self, told: int) -> str:
        """Return the log after its first `told` bytes, as an error's message."""
        with self._log.open("rb") as file:
            file.seek(told)
            text = file.read().decode("utf-8", "replace")
        reasons = _REASON.findall(text) or text.splitlines()[-1:]
        return f"Postgres in {self._home} does not start: {'; '.join(reasons)}; see {self._log}"


def _sweep() -> None:
    """Stop and delete the servers outside of their home whose home was deleted."""
    for place in files.deserted():
        cluster = place / "cluster"
        with suppress(OSError, ValueError, IndexError):
            pid = int((cluster / "postmaster.pid").read_text().split()[0])
            for _ in range(round(10 / _PAUSE)):
                if not files.serves(pid, cluster):
                    break
                os.kill(pid, signal.SIGQUIT)
                time.sleep(_PAUSE)
        shutil.rmtree(files.socket_directory(place, None), ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)


def _prepare(postmaster: _Postmaster) -> str:
    """Make the database and its extension when they are missing, and return the database's URL."""
    with psycopg.connect(postmaster.url("postgres"), autocommit=True) as connection:
        query = "select 1 from pg_database where datname = %s"
        if not connection.execute(query, [DATABASE]).fetchone():
            connection.execute(f"create database {DATABASE}")
    url = postmaster.url(DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists vector")
        query = "select extversion from pg_extension where extname = 'vector'"
        version = "".join(connection.execute(query).fetchone() or ())
    if tuple(int(part) for part in version.split(".")[:2]) < _VECTOR_AT_LEAST:
        raise SettingsError(f"pgvector {version} is too old; 0.8 or newer is needed")
    return url
