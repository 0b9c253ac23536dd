"""One start of a bench: what to ask, and how to ask it with calls that answer at once."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from infra.bench.budget import Budget
from infra.bench.crew import Crew
from infra.bench.jobs import Jobs, Wanted, chosen
from infra.bench.ledger import Ledger
from infra.bench.report import Throughput, report
from infra.bench.results import ResultsFile
from infra.bench.rows import BadRow, InputRow
from infra.bench.tasks import Job, Task, TaskResult
from shared.events import Json

#: Threads when the model layer's own limits decide how many calls are made at once.
AUTO = 32


@dataclass(frozen=True)
class Trial:
    """The questions and the models. `models` maps each name to the model that it stands for today;
    `rows` starts reading the input anew."""

    task: Task
    models: Mapping[str, str]
    rows: Callable[[], Iterable[InputRow | BadRow]]
    wanted: Wanted = field(default_factory=Wanted)
    out: Path | None = None
    sort: bool = False

    def jobs(self, ledger: Ledger, *, again: bool = False) -> Jobs:
        """Return the jobs to ask; `again` reads the input once more, for those still open."""
        rows = chosen(self.rows, self.wanted)
        rerun = "" if again else self.wanted.rerun
        return Jobs(rows, self.task, self.models, ledger, rerun)


@dataclass(frozen=True)
class TrialProgress:
    """The progress that `watch` gets."""

    finished: int
    spent: float
    seconds: float


def conduct(
    trial: Trial,
    ask: Callable[[Job], TaskResult],
    *,
    threads: int = AUTO,
    dollars: float | None = None,
    watch: Callable[[TrialProgress], None] = lambda _: None,
) -> Json:
    """Ask what is not done yet, and return the report.

    Raises SettingsError when the input, the results file or a setting is unusable.
    """
    with closing(Ledger()) as ledger, ResultsFile(trial.out, ledger) as results:
        began = time.monotonic()
        jobs = trial.jobs(ledger)
        budget = Budget(dollars, results.spent, results.dearest)
        crew = Crew(jobs, ask, results.append, budget)
        crew.work(
            threads,
            lambda: watch(TrialProgress(crew.finished, results.spent, time.monotonic() - began)),
        )
        if trial.sort:
            results.sort()
        pace = Throughput(time.monotonic() - began, crew.calls, crew.stopped)
        return report(ledger, list(trial.models), jobs.skipped, pace)
