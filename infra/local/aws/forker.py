"""Forks functions' processes from one that has loaded their code: a start takes hundredths of a
second of CPU, not a whole one.

Run as `python -P -m infra.local.aws.forker MODULE…`. It imports the modules and then forks a
process for each order from the socket that is its standard input. A fork is what a new process
would be that has imported the same: it gets an environment, a folder, standard streams and a
session of its own, and it builds its handler itself.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from infra.local.aws.bootstrap import run


class Order(NamedTuple):
    """Asks for a process. Its length comes first, with three files: the standard input and output
    of the process, and where its number and then its exit code are told, a line each."""

    handler: str
    folder: str
    environment: Mapping[str, str]

    def to_json(self) -> bytes:
        return json.dumps(self).encode()


class _Fork(BaseException):
    """Carries the order into the fork, out of everything that the forker was at."""

    def __init__(self, order: Order, files: Sequence[int]) -> None:
        self.order = order
        self.files = files


class _Forker:
    def __init__(self) -> None:
        self._orders = socket.socket(fileno=os.dup(0))
        self._children: dict[int, int] = {}  # with where their end is told
        self._woken, self._wakes = socket.socketpair()
        for end in (self._woken, self._wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Fork for each order until nobody can send one; raises _Fork in each fork."""
        while True:
            ready, _, _ = select.select([self._orders, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(4096)
                self._tell_ends()
            if self._orders in ready:
                head, files, _, _ = socket.recv_fds(self._orders, 4, 3)
                if not head:
                    return
                order = self._orders.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
                self._fork(Order(*json.loads(order)), files)

    def _fork(self, order: Order, files: Sequence[int]) -> None:
        if not (pid := os.fork()):
            self._forget()
            raise _Fork(order, files)
        *streams, told = files
        for file in streams:
            os.close(file)
        self._children[pid] = told
        self._tell(told, pid)

    def _forget(self) -> None:
        """Close what is the forker's alone, and take signals as a new process does."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._orders, self._woken, self._wakes):
            end.close()
        for told in self._children.values():
            os.close(told)

    def _tell_ends(self) -> None:
        with contextlib.suppress(ChildProcessError):  # there are none
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                told = self._children.pop(ended[0])
                self._tell(told, os.waitstatus_to_exitcode(ended[1]))
                os.close(told)

    def _tell(self, told: int, number: int) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(told, b"%d\n" % number)


def _become(order: Order, files: Sequence[int]) -> None:
    """Make this fork a process of its own."""
    os.setsid()
    given, said, told = files
    for file, stream in ((given, 0), (said, 1), (said, 2)):
        os.dup2(file, stream)
    for file in (given, said, told):
        os.close(file)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    os.chdir(order.folder)
    sys.argv[1:] = [order.handler]


def _main() -> None:
    # Not awslambdaric, which reads the address of its Runtime API when it is imported.
    for module in sys.argv[1:]:
        with contextlib.suppress(Exception):  # the function that needs it says what is wrong
            importlib.import_module(module)
    gc.freeze()
    gc.enable()
    try:
        _Forker().serve()
    except _Fork as fork:
        order = fork.order
        _become(order, fork.files)
    else:
        return
    run(order.handler)


if __name__ == "__main__":
    _main()
