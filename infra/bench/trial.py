"""One start of a bench: what is to be done, and how it is done with calls that answer at once."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from infra.bench.budget import Budget
from infra.bench.crew import Crew
from infra.bench.jobs import Jobs, Wanted, chosen
from infra.bench.ledger import Ledger
from infra.bench.report import Pace, report
from infra.bench.results import ResultsFile
from infra.bench.rows import BadRow, Row
from infra.bench.tasks import Job, Result, Task
from shared.events import Json

#: Threads when the model layer's own limits decide how many calls are made at once.
AUTO = 32


@dataclass(frozen=True)
class Trial:
    """What to ask of which models. `models` is what each is called, and what that stands for today;
    `rows` starts reading the input anew."""

    task: Task
    models: Mapping[str, str]
    rows: Callable[[], Iterable[Row | BadRow]]
    wanted: Wanted = field(default_factory=Wanted)
    out: Path | None = None
    sort: bool = False

    def jobs(self, ledger: Ledger, *, again: bool = False) -> Jobs:
        """Return what is to be asked; `again` reads the input once more, for what is still open."""
        rows = chosen(self.rows, self.wanted)
        rerun = "" if again else self.wanted.rerun
        return Jobs(rows, self.task, self.models, ledger, rerun)


@dataclass(frozen=True)
class Seen:
    """How far it is, for whoever watches."""

    finished: int
    spent: float
    seconds: float


def conduct(
    trial: Trial,
    ask: Callable[[Job], Result],
    *,
    threads: int = AUTO,
    dollars: float | None = None,
    watch: Callable[[Seen], None] = lambda _: None,
) -> Json:
    """Ask what is not yet done, and return the report.

    Raises SettingsError when the input, the results file or a setting cannot be used.
    """
    with closing(Ledger()) as ledger, ResultsFile(trial.out, ledger) as results:
        began = time.monotonic()
        jobs = trial.jobs(ledger)
        budget = Budget(dollars, results.spent, results.dearest)
        crew = Crew(jobs, ask, results.append, budget)
        crew.work(
            threads,
            lambda: watch(Seen(crew.finished, results.spent, time.monotonic() - began)),
        )
        if trial.sort:
            results.sort()
        pace = Pace(time.monotonic() - began, crew.calls, crew.stopped)
        return report(ledger, list(trial.models), jobs.skipped, pace)
