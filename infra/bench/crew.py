"""A fixed number of threads that each take a job, ask, and write down the result."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator

from infra.bench.budget import Budget
from infra.bench.tasks import Job, TaskResult
from shared.errors import BudgetExceeded, SettingsError

#: Seconds between the main thread's looks; Ctrl-C works at once all the same.
_GLANCE = 0.1
#: So many failures in a row, from the first on and without one answer, are a wrong setting.
_HOPELESS = 50


class Crew:
    """Threads that empty an iterator of jobs.

    `stopped` says why they ended early: `interrupted`, `budget` or `hopeless`; else it is empty.
    """

    def __init__(
        self,
        jobs: Iterator[Job],
        ask: Callable[[Job], TaskResult],
        write: Callable[[TaskResult], None],
        budget: Budget,
    ) -> None:
        self.stopped = ""
        self.finished = 0
        self.calls: Counter[str] = Counter()
        self._answers = 0
        self._jobs = jobs
        self._ask = ask
        self._write = write
        self._budget = budget
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._working = 0
        self._problem: SettingsError | None = None

    def work(self, threads: int, glance: Callable[[], None]) -> None:
        """Empty the jobs, and call `glance` now and then.

        After Ctrl-C the calls under way are waited for; after a second one they are left. Raises
        SettingsError when a setting is wrong and no call can succeed.
        """
        self._working = threads
        for _ in range(threads):
            threading.Thread(target=self._run, daemon=True).start()
        # Not Thread.join: when Ctrl-C interrupts that, Python 3.11 takes the thread for dead.
        while not self._idle.is_set():
            try:
                self._idle.wait(_GLANCE)
                glance()
            except KeyboardInterrupt:
                if self._stop.is_set():
                    return
                self._halt("interrupted")
        if self._problem:
            raise self._problem

    def _run(self) -> None:
        ended = False
        try:
            while not self._stop.is_set() and self._one():
                pass
            ended = True
        except BudgetExceeded:
            self._halt("budget")
            ended = True
        except SettingsError as err:
            self._problem = err
        finally:
            # A defect ends all threads too; Python shows where it is.
            if not ended:
                self._halt("failed")
            with self._lock:
                self._working -= 1
                if not self._working:
                    self._idle.set()

    def _one(self) -> bool:
        """Do one job; False when there is none, or no money for it."""
        if not self._budget.admit():
            self._halt("budget")
            return False
        result = None
        try:
            job = next(self._jobs, None)
            result = self._ask(job) if job else None
            if result:
                self._write(result)
        finally:
            cost, model = (result.cost, result.answered) if result else (0.0, "")
            self._budget.settle(cost, model)
        if result:
            self._count(result)
        return result is not None

    def _count(self, result: TaskResult) -> None:
        with self._lock:
            self.finished += 1
            self.calls[result.model] += result.calls
            self._answers += not result.error
            if self.finished >= _HOPELESS and not self._answers:
                self._halt("hopeless")

    def _halt(self, why: str) -> None:
        self.stopped = self.stopped or why
        self._stop.set()
