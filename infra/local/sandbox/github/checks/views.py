"""Shows check runs, their suites and statuses as GitHub's JSON."""

import hashlib

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.git.commits import CommitStore
from infra.local.sandbox.github.git.views import CommitViews
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: The App that runs GitHub's own workflows.
ACTIONS: Json = {
    "id": 15368,
    "slug": "github-actions",
    "name": "GitHub Actions",
    "owner": "github",
    "permissions": {"checks": "write", "metadata": "read"},
    "events": [],
    "created_at": "2018-07-30T09:30:17Z",
    "updated_at": "2018-07-30T09:30:17Z",
}


def log_signature(row: Json) -> str:
    """Return what the address of a run's log ends in, which nobody guesses."""
    return hashlib.sha256(f"log of {row['id']} {row['created_at']}".encode()).hexdigest()


class CheckViews:
    def __init__(self, state: SandboxState, views: Views, commits: CommitStore) -> None:
        self._state = state
        self._views = views
        self._commits = commits

    def run(self, row: Json) -> Json:
        repository = self.home(row)
        url = f"{self._views.api}/repos/{repository['name']}/check-runs/{row['id']}"
        page = f"{self._views.web}/{repository['name']}/runs/{row['id']}"
        if row["app"] == ACTIONS["id"]:  # a run of its workflows is a job
            runs = f"{self._views.web}/{repository['name']}/actions/runs"
            page = f"{runs}/{row['suite']}/job/{row['id']}"
        output = {
            "annotations_count": len(row["annotations"]),
            "annotations_url": f"{url}/annotations",
        }
        said = {name: row["output"].get(name) for name in ("title", "summary", "text")}
        same = ("id", "name", "status", "conclusion", "external_id", "started_at")
        return {
            **{name: row[name] for name in same},
            "completed_at": row.get("completed_at"),
            "node_id": node_id("CR", row),
            "head_sha": row["sha"],
            "url": url,
            "html_url": page,
            "details_url": row["details_url"] or page,
            "output": {**said, **output},
            "check_suite": {"id": row["suite"]},
            "app": self._app(row),
            "pull_requests": self._pulls(row),
        }

    def told(self, row: Json) -> Json:
        """Show a run as webhooks do, with its suite."""
        suite = self._state.get("check_suites", row["suite"])
        assert suite is not None
        return {**self.run(row), "check_suite": self._suite(suite)}

    def annotation(self, row: Json, sha: str, repository: Json) -> Json:
        at = f"{self._views.web}/{repository['name']}/blob/{sha}/{row['path']}"
        return {**row, "blob_href": at}

    def suite(self, row: Json) -> Json:
        repository = self.home(row)
        return {
            **self._suite(row),
            "repository": self._views.repository(repository),
            "head_commit": self._commit(row, repository),
            **self._runs(row),
        }

    def told_suite(self, row: Json) -> Json:
        """Show a suite as webhooks do."""
        return {
            **self._suite(row),
            "head_commit": self._commit(row, self.home(row)),
            **self._runs(row),
        }

    def _runs(self, row: Json) -> Json:
        runs = self._state.rows("check_runs", suite=row["id"])
        url = self._suite(row)["url"]
        return {"latest_check_runs_count": len(runs), "check_runs_url": f"{url}/check-runs"}

    def status(self, row: Json) -> Json:
        creator = self._views.account(row["creator"])
        return {**self.simple_status(row), "creator": creator}

    def simple_status(self, row: Json) -> Json:
        repository = self.home(row)
        same = ("id", "state", "description", "target_url", "context", "created_at", "updated_at")
        return {
            **{name: row[name] for name in same},
            "node_id": node_id("SC", row),
            "url": f"{self._views.api}/repos/{repository['name']}/statuses/{row['sha']}",
            "avatar_url": self._views.account(row["creator"])["avatar_url"],
        }

    def home(self, row: Json) -> Json:
        found = self._state.get("repositories", row["repository"])
        assert found is not None
        return found

    def _suite(self, row: Json) -> Json:
        repository = self.home(row)
        commit = self._commits.get(repository, row["sha"])
        branches = repository.get("branches", {}).items()
        branch = next((name for name, head in branches if head == row["sha"]), None)
        return {
            "id": row["id"],
            "node_id": node_id("CS", row),
            "head_branch": branch,
            "head_sha": row["sha"],
            "status": row["status"],
            "conclusion": row["conclusion"],
            "url": f"{self._views.api}/repos/{repository['name']}/check-suites/{row['id']}",
            "before": commit["parent"] or "0" * 40,
            "after": row["sha"],
            "pull_requests": self._pulls(row),
            "app": self._app(row),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
        }

    def _commit(self, row: Json, repository: Json) -> Json:
        commit = self._commits.get(repository, row["sha"])
        shown = CommitViews(self._views, self._commits, repository).commit(commit)["commit"]
        same = ("author", "committer", "message")
        return {
            "id": row["sha"],
            "tree_id": commit["tree"],
            "timestamp": commit["created_at"],
            **{name: shown[name] for name in same},
        }

    def _app(self, row: Json) -> Json:
        app = ACTIONS if row["app"] == ACTIONS["id"] else self._state.get("app", row["app"])
        assert app is not None
        return self._views.app(app)

    def _pulls(self, row: Json) -> list[Json]:
        """Show the open pull requests of this repository that a commit is the head of."""
        repository = self.home(row)
        issues = self._state.rows("issues", repository=repository["id"], state="open")
        rows = [one for one in issues if one["pull"] and one["pull"]["sha"] == row["sha"]]
        url = f"{self._views.api}/repos/{repository['name']}"
        name = repository["name"].partition("/")[2]
        repo = {"id": repository["id"], "url": url, "name": name}
        return [
            {
                "id": one["id"],
                "number": one["number"],
                "url": f"{url}/pulls/{one['number']}",
                "head": {"ref": one["pull"]["head"], "sha": row["sha"], "repo": repo},
                "base": {
                    "ref": one["pull"]["base"],
                    "sha": one["pull"].get("base_sha", "0" * 40),
                    "repo": repo,
                },
            }
            for one in rows
            if one["pull"].get("source") in {None, repository["id"]}
        ]
