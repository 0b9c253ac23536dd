"""Check runs of commits, and the suites that they are in: one by app and commit."""

from collections.abc import Sequence

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.checks.asked import FAILED, checked, missing, output
from infra.local.sandbox.github.checks.views import CheckViews
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.git.commits import CommitStore
from infra.local.sandbox.github.state import SandboxState, app_slug, now
from infra.local.sandbox.github.views import Views
from shared.events import Json


class Checks:
    """`app` is the App that checks. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, views: Views, commits: CommitStore, changes: Changes
    ) -> None:
        self._state = state
        self._commits = commits
        self._changes = changes
        self.shown = CheckViews(state, views, commits)

    def create(self, app: Json, repository: Json, fields: Json) -> Json:
        """Begin a run, or report one that is complete."""
        with self._state.lock:
            if lacking := [name for name in ("name", "head_sha") if not fields.get(name)]:
                raise missing(*lacking)
            sha, sent = str(fields["head_sha"]), output(fields, title=True)
            if (commit := self._commits.find(repository, sha)) is None:
                raise GitHubError(422, f"No commit found for SHA: {sha}")
            sha = commit["sha"]
            kept = {"status": "queued", "conclusion": None, **checked(fields)}
            row = self._state.add(
                "check_runs",
                repository=repository["id"],
                app=app["id"],
                suite=self._suite(app, repository, sha)["id"],
                sha=sha,
                output={},
                annotations=[],
                **{"details_url": None, "external_id": "", "started_at": now()} | kept,
            )
            row = self._said(row, sent)
            self._announce(app, row, "created")
            return self._ended(app, row) if row["status"] == "completed" else row

    def update(self, app: Json, row: Json, fields: Json) -> Json:
        """Go on with a run; annotations are added to those that it has."""
        with self._state.lock:
            if row["app"] != app["id"]:
                raise GitHubError(
                    403,
                    f"Invalid app_id `{row['app']}` - check run can only be modified by the"
                    " GitHub App that created it.",
                )
            sent = output(fields, title=not row["output"])
            kept, was = checked(fields), row["status"]
            if kept.get("status", "completed") != "completed":
                kept |= {"conclusion": None, "completed_at": None}
            row = self._said(self._state.change("check_runs", row, **kept, updated_at=now()), sent)
            ends = row["status"] == "completed" and (was != "completed" or "conclusion" in kept)
            return self._ended(app, row) if ends else row

    def of(self, repository: Json, sha: str) -> list[Json]:
        """Return the runs of a commit, oldest first."""
        return self._state.rows("check_runs", repository=repository["id"], sha=sha)

    def suites(self, repository: Json, sha: str) -> list[Json]:
        return self._state.rows("check_suites", repository=repository["id"], sha=sha)

    def _said(self, row: Json, sent: Json | None) -> Json:
        """Keep what a run says."""
        if sent is None:
            return row
        told = {name: sent[name] for name in ("title", "summary", "text") if name in sent}
        more = [*row["annotations"], *sent["annotations"]]
        return self._state.change(
            "check_runs", row, output={**row["output"], **told}, annotations=more
        )

    def _suite(self, app: Json, repository: Json, sha: str) -> Json:
        place = {"repository": repository["id"], "app": app["id"], "sha": sha}
        return self._state.first("check_suites", **place) or self._state.add(
            "check_suites", **place, status="queued", conclusion=None
        )

    def _ended(self, app: Json, row: Json) -> Json:
        """Announce a run that is complete, and its suite when all others are too."""
        if not row.get("completed_at"):
            row = self._state.change("check_runs", row, completed_at=now())
        self._announce(app, row, "completed")
        runs = self._state.rows("check_runs", suite=row["suite"])
        suite = self._state.get("check_suites", row["suite"])
        if suite and all(one["status"] == "completed" for one in runs):
            ended = {"status": "completed", "conclusion": _conclusion(runs), "updated_at": now()}
            suite = self._state.change("check_suites", suite, **ended)
            payload = {"action": "completed", "check_suite": self.shown.told_suite(suite)}
            self._changes.announce("check_suite", self._actor(app), self._home(row), payload)
        return row

    def _announce(self, app: Json, row: Json, action: str) -> None:
        payload = {"action": action, "check_run": self.shown.told(row)}
        self._changes.announce("check_run", self._actor(app), self._home(row), payload)

    def _actor(self, app: Json) -> str:
        return f"{app_slug(app)}[bot]"

    def _home(self, row: Json) -> Json:
        found = self._state.get("repositories", row["repository"])
        assert found is not None
        return found


def _conclusion(runs: Sequence[Json]) -> str:
    """Return the worst of the conclusions, success if nothing failed."""
    found = [run["conclusion"] for run in runs]
    calm = "success" if "success" in found else "neutral"
    return next((one for one in FAILED if one in found), calm)
