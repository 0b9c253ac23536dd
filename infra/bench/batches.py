"""A bench through the providers' batch interfaces: half the price, answered within a day."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from infra.bench.intake import Intake, Open, item_of
from infra.bench.jobs import Skipped
from infra.bench.ledger import Ledger
from infra.bench.report import Throughput, report
from infra.bench.results import ResultsFile
from infra.bench.tasks import Job, Task, TaskResult, failed, read
from infra.bench.trial import Trial, TrialProgress
from shared.errors import ModelRejected, ModelUnavailable, SettingsError
from shared.events import Json
from shared.models import ModelReply
from shared.models.batch import BatchItem, BatchProvider, BatchResult

#: The most that one batch carries, and that memory holds.
_MOST = 5_000
_MOST_CHARACTERS = 10_000_000
#: The tries of a row before it is a failure.
_ATTEMPTS = 3
#: Seconds between two looks at the batches: the first, the longest, and how they grow.
_PAUSE, _LONGEST_PAUSE, _GROWTH = 5.0, 60.0, 1.5


def conduct_batches(
    trial: Trial,
    out: Path,
    connect: Callable[[str], BatchProvider],
    ask: Callable[[Job], TaskResult],
    *,
    sleep: Callable[[float], None] = time.sleep,
    watch: Callable[[TrialProgress], None] = lambda _: None,
) -> Json:
    """Ask what is not done yet in batches, wait for them, and return the report.

    `connect` returns the batch interface of a model; rows that are too few for a batch go to `ask`
    at once. What is under way is kept beside `out`, so another start finds it. Raises SettingsError
    as `conduct` does, and when a provider refuses a batch.
    """
    with (
        closing(Ledger()) as ledger,
        ResultsFile(out, ledger) as results,
        closing(Intake(out.with_name(f"{out.name}.batches"))) as intake,
    ):
        began = time.monotonic()
        providers = {arm: connect(arm) for arm in trial.models}
        post = _Post(trial.task, intake, ledger, providers, write=results.append, ask=ask)
        skipped: Skipped | None = None
        stopped, pause = "", _PAUSE
        try:
            post.fetch()
            while True:
                jobs = trial.jobs(ledger, again=skipped is not None)
                post.send(jobs)
                skipped = skipped or jobs.skipped
                if not intake.open():
                    break
                while post.fetch() == 0 and intake.open():
                    watch(TrialProgress(post.finished, results.spent, time.monotonic() - began))
                    sleep(pause)
                    pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        except KeyboardInterrupt:
            stopped = "waiting" if intake.open() else "interrupted"
        if trial.sort:
            results.sort()
        pace = Throughput(time.monotonic() - began, {}, stopped)
        return report(ledger, list(trial.models), skipped or Skipped(), pace)


class _Post:
    """Takes jobs to the providers and brings back results."""

    def __init__(
        self,
        task: Task,
        intake: Intake,
        ledger: Ledger,
        providers: Mapping[str, BatchProvider],
        *,
        write: Callable[[TaskResult], None],
        ask: Callable[[Job], TaskResult],
    ) -> None:
        self.finished = 0
        self._began = time.time()
        self._task = task
        self._intake = intake
        self._ledger = ledger
        self._providers = providers
        self._write = write
        self._ask = ask

    def send(self, jobs: Iterable[Job]) -> None:
        """Submit what is not under way; give up what travelled too often."""
        waiting: dict[str, list[Job]] = defaultdict(list)
        sizes: Counter[str] = Counter()
        for job in jobs:
            travelled = self._intake.travelled(job, self._began)
            if travelled.under_way:
                continue
            if travelled.attempts >= _ATTEMPTS:
                self._keep(failed(job, ModelUnavailable(travelled.reason), [], None))
                continue
            arm = job.arm
            waiting[arm].append(job)
            sizes[arm] += len(job.request.messages[0].text)
            most = min(self._providers[arm].most, _MOST)
            if len(waiting[arm]) == most or sizes[arm] >= _MOST_CHARACTERS:
                self._submit(arm, waiting.pop(arm))
                del sizes[arm]
        for arm, rest in waiting.items():
            if len(rest) >= self._providers[arm].least:
                self._submit(arm, rest)
            else:
                for job in rest:
                    self._keep(self._ask(job))

    def fetch(self) -> int:
        """Look at every batch once; return for how many nothing more will come."""
        return sum(self._settled(batch) for batch in self._intake.open())

    def _submit(self, arm: str, jobs: list[Job]) -> None:
        batch = self._intake.name(arm, jobs)
        items = [BatchItem(item_of(job), job.request) for job in jobs]
        try:
            self._intake.record(batch, self._providers[arm].submit(batch.name, items))
        except ModelUnavailable:
            return  # Nobody knows if it was made: the next look finds it, or finds that it was not.
        except ModelRejected as err:
            self._intake.settle(batch, str(err))
            raise SettingsError(str(err)) from err

    def _settled(self, batch: Open) -> bool:
        provider = self._providers.get(batch.arm)
        if provider is None:  # of a model that is not asked this time
            return False
        try:
            handle = batch.handle or self._found(provider, batch)
            if not handle:
                self._intake.settle(batch, f"{provider.name}: a batch could not be submitted")
                return True
            progress = provider.poll(handle)
            if progress.state == "running":
                return False
            if progress.state == "ended":
                for result in provider.results(handle):
                    self._bring(batch, result)
        except ModelUnavailable:
            return False
        except ModelRejected as err:
            raise SettingsError(str(err)) from err
        reason = progress.reason or "the batch ended without an answer"
        self._intake.settle(batch, f"{provider.name}: {reason}")
        return True

    def _found(self, provider: BatchProvider, batch: Open) -> str | None:
        known = self._intake.handles()
        handle = provider.find(batch.name, since=batch.since, other=known)
        if handle:
            self._intake.record(batch, handle)
        return handle

    def _bring(self, batch: Open, result: BatchResult) -> None:
        """Write down the result of a row, unless a start that was killed did."""
        job, outcome = self._intake.job(batch, result.id), result.outcome
        if job is None:
            return
        before = self._ledger.find(job)
        if before and before.same and not before.failed:
            self._ledger.cover(job)
        elif isinstance(outcome, ModelReply):
            self._keep(read(self._task, job, outcome))
        elif outcome.retryable:
            self._intake.give_reason(batch, result.id, str(outcome))
        else:
            self._keep(failed(job, outcome, [], None))

    def _keep(self, result: TaskResult) -> None:
        self._write(result)
        self.finished += 1
