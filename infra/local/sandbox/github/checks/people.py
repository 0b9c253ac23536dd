"""What other systems do in the sandbox GitHub: they check commits."""

from infra.local.sandbox.github.checks.checks import Checks
from infra.local.sandbox.github.checks.statuses import Statuses
from infra.local.sandbox.github.checks.views import ACTIONS
from infra.local.sandbox.github.reviews.people import SandboxReviews
from shared.events import Json


class SandboxChecks(SandboxReviews):
    """A part of GitHubSandbox."""

    _checks: Checks
    _statuses: Statuses

    def check(
        self,
        repository: str,
        sha: str,
        name: str,
        conclusion: str = "success",
        *,
        log: str | None = None,
        **fields: object,
    ) -> int:
        """Let GitHub Actions report a check of a commit, with `output` and what else the REST API
        takes; returns the run's id. Without a conclusion, '', it is still under way. The run is a
        job, which may have a `log`."""
        ended = {"conclusion": conclusion} if conclusion else {"status": "in_progress"}
        asked = {"name": name, "head_sha": sha, **ended, **fields}
        with self._state.lock:
            row = self._checks.create(ACTIONS, self._repository(repository), asked)
            if log is not None:
                self._state.change("check_runs", row, log=log)
        return int(row["id"])

    def set_status(
        self, repository: str, sha: str, state: str, author: str = "li", **fields: object
    ) -> None:
        """Set a status of a commit."""
        asked = {"state": state, **fields}
        self._statuses.set(author, self._repository(repository), sha, asked)

    def checks(self, repository: str, sha: str) -> list[Json]:
        """Return the check runs of a commit as the API shows them."""
        with self._state.lock:
            rows = self._checks.of(self._repository(repository), sha)
            return [self._checks.shown.run(row) for row in rows]

    def check_runs(self, repository: str, suite: int, run: int) -> list[Json]:
        """Return a check run, or with 0 all of a suite, as the API shows them, each with its
        log."""
        with self._state.lock:
            home = self._repository(repository)["id"]
            wanted = {"suite": suite} if suite else {}
            rows = self._state.rows("check_runs", repository=home, **wanted)
            kept = [row for row in rows if not run or row["id"] == run]
            return [self._checks.shown.run(row) | {"log": row.get("log", "")} for row in kept]

    def annotations(self, check: int) -> list[Json]:
        """Return what a check run says of single lines."""
        with self._state.lock:
            row = self._state.get("check_runs", check)
            return list(row["annotations"]) if row else []

    def statuses(self, repository: str, sha: str) -> list[Json]:
        """Return the newest status of each context of a commit, as the API shows it."""
        with self._state.lock:
            rows = self._statuses.latest(self._repository(repository), sha)
            return [self._statuses.shown.status(row) for row in rows]
