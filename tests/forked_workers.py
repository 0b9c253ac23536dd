"""A pytest plugin: `--workers N` collects the tests once and then forks processes that run them.

Collecting takes ten seconds and more, and each worker of pytest-xdist would do it again. A file's
tests stay together, since what a module sets up, such as a whole system, is set up once; files are
taken in the order in which they were collected.
"""

import atexit
import ctypes
import gc
import mmap
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple, cast

import pytest
from _pytest.capture import CaptureManager

#: Of linux/prctl.h: the signal that a process gets when the one that forked it ends.
_PR_SET_PDEATHSIG = 1


class _Told(NamedTuple):
    """What a worker sends: a report, a warning, that a test begins or ends, or how it ended."""

    kind: str
    what: Any


class Workers:
    """Forks the workers and tells pytest what they report."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self._session = session
        self._count = count
        self._files = _files(session.items)
        self._left = _Numbers(len(self._files))
        self._stop = mmap.mmap(-1, 1)  # the workers see it too
        self._running: dict[Connection, _Worker] = {}

    def run(self) -> None:
        """Run all tests; raises what pytest's own loop does when it is to stop."""
        try:
            for _ in range(min(self._count, len(self._files))):
                self._fork()
            while self._running:
                for connection in wait(list(self._running)):
                    assert isinstance(connection, Connection)
                    self._receive(connection)
                if self._session.shouldfail or self._session.shouldstop:
                    self._stop[0] = 1
        finally:
            self._stop[0] = 1
            for worker in self._running.values():
                worker.end()
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _fork(self) -> None:
        ours, theirs = Pipe(duplex=False)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        with warnings.catch_warnings():
            # What a library has started, such as numpy's threads, it starts again in the fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid:
            theirs.close()
            self._running[ours] = _Worker(pid)
            return
        for connection in (ours, *self._running):
            connection.close()
        _Fork(self._session, theirs, self._stop).end(self._left, self._files)

    def _receive(self, connection: Connection) -> None:
        worker = self._running[connection]
        try:
            told: _Told = connection.recv()
        except EOFError:
            del self._running[connection]
            self._ended(worker)
            return
        hook = self._session.config.hook
        if told.kind == "begin":
            worker.test = told.what
        elif told.kind == "end":
            hook.pytest_runtest_logfinish(nodeid=worker.test[0], location=worker.test[1])
        elif told.kind == "report":
            data = told.what
            report = hook.pytest_report_from_serializable(config=self._session.config, data=data)
            hook.pytest_runtest_logreport(report=report)
        elif told.kind == "warning":
            hook.pytest_warning_recorded.call_historic(kwargs=told.what)
        else:
            worker.said = told.what

    def _ended(self, worker: "_Worker") -> None:
        """Fail when a worker has not ended well; start another when it broke off a file."""
        if worker.wait() == 0:
            return
        nodeid, location = worker.test
        text = worker.said or "the process that ran this test ended; what followed it did not run"
        report = pytest.TestReport(nodeid, location, {}, "failed", text, "call")
        self._session.config.hook.pytest_runtest_logreport(report=report)
        if not self._stop[0] and not worker.said:
            self._fork()


class _Worker:
    """A forked process, as seen from the one that collected."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.test: tuple[str, tuple[str, int | None, str]] = ("", ("", None, ""))
        self.said = ""

    def wait(self) -> int:
        return os.waitpid(self._pid, 0)[1]

    def end(self) -> None:
        """Interrupt it, which lets it end what it has started."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGINT)
        self.wait()


class _Fork:
    """The forked process itself; a plugin that sends what is to be reported."""

    def __init__(self, session: pytest.Session, connection: Connection, stop: mmap.mmap) -> None:
        self._session = session
        self._config = session.config
        self._connection = connection
        self._stop = stop

    def end(self, left: "_Numbers", files: Sequence[Sequence[pytest.Item]]) -> None:
        """Run files until none is left, and end this process."""
        code = 1
        try:
            self._take_over()
            self._run(files[number] for number in left)
            self._config._ensure_unconfigure()
            atexit._run_exitfuncs()
            code = 0
        except KeyboardInterrupt:
            pass
        except BaseException:
            self._send("said", traceback.format_exc())
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)

    def _take_over(self) -> None:
        """Report to the other process, be interrupted when it ends, and capture output in files of
        this one's own."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        plugins = self._config.pluginmanager
        if terminal := plugins.get_plugin("terminalreporter"):
            plugins.unregister(terminal)
        plugins.register(self)
        capture = plugins.get_plugin("capturemanager")
        if isinstance(capture, CaptureManager):
            capture.stop_global_capturing()
            capture.start_global_capturing()
            capture.suspend_global_capture()
        gc.enable()

    def _run(self, files: Iterable[Sequence[pytest.Item]]) -> None:
        try:
            for items in files:
                # After a file's last test stays only what was set up for all tests.
                following = [*items[1:], cast(pytest.Item, self._session)]
                for item, then in zip(items, following, strict=True):
                    if self._stop[0]:
                        return
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=then)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would cut this off
            self._session._setupstate.teardown_exact(None)

    def _send(self, kind: str, what: object) -> None:
        with suppress(BrokenPipeError):  # the other process was killed
            self._connection.send(_Told(kind, what))

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._send("begin", (nodeid, location))

    def pytest_runtest_logfinish(self) -> None:
        self._send("end", None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        self._send("report", hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: object, when: str, nodeid: str, location: object
    ) -> None:
        told = {"warning_message": warning_message, "when": when, "nodeid": nodeid}
        self._send("warning", told | {"location": location})


class _Numbers:
    """The numbers below `count`, each of which one process gets."""

    _SIZE = 2

    def __init__(self, count: int) -> None:
        self._reader, writer = os.pipe()
        for number in range(count):
            os.write(writer, number.to_bytes(self._SIZE, "big"))
        os.close(writer)

    def __iter__(self) -> Iterator[int]:
        while number := os.read(self._reader, self._SIZE):
            yield int.from_bytes(number, "big")


def _files(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    return list(files.values())


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "fork so many processes that run the tests"
    parser.getgroup("agent flows").addoption("--workers", type=int, default=0, help=text)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    count = session.config.getoption("workers")
    if count < 2 or session.testsfailed or session.config.getoption("collectonly"):
        return None
    Workers(session, count).run()
    return True
