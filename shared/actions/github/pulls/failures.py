"""Answers what of a pull request's head is red: check runs with their annotations, commit statuses,
and the logs of GitHub's own jobs."""

from shared.actions.github.queries import ReadChecks, ReadJobLog
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Json
from shared.patterns import lazily

#: How a check run ends when something is wrong, the clearest first.
#: https://docs.github.com/en/rest/checks/runs
_RED = ("failure", "startup_failure", "timed_out", "action_required")
#: How it ends when somebody or a newer run made it needless: neither red nor passed.
_NEEDLESS = frozenset({"cancelled", "stale"})
#: How a status ends then. https://docs.github.com/en/rest/commits/statuses
_WRONG = ("failure", "error")
#: The App of GitHub's workflows. Its runs are jobs, whose page names them.
_ACTIONS, _FORBIDDEN = "github-actions", 403
_JOB = lazily(r"/actions/runs/[0-9]+/job/([0-9]+)")


def read_checks(session: GitHubSession, query: ReadChecks) -> Json:
    commit, state = query.commit, ""
    if not commit:
        doing = f"read the checks of {query.repository}#{query.number}"
        pull = session.request(doing, query.repository, "GET", ("pulls", query.number)).data
        commit, state = pull["head"]["sha"], pull["state"]
    runs, are_all = _page(session, query, ("commits", commit, "check-runs"), "check_runs")
    states, are_too = _statuses(session, query, commit)
    red = [run for run in runs if run["conclusion"] in _RED]
    red.sort(key=lambda run: _RED.index(run["conclusion"]))
    failed = [_run(session, query, run) for run in red[: query.limit]]
    wrong = [one for one in states if one["state"] in _WRONG]
    failed += [_status(one) for one in wrong[: query.limit - len(failed)]]
    waiting = [run for run in runs if run["status"] != "completed"]
    waiting += [one for one in states if one["state"] == "pending"]
    needless = sum(run["conclusion"] in _NEEDLESS for run in runs)
    passed = len(runs) + len(states) - len(red) - len(wrong) - len(waiting) - needless
    return {
        "commit": commit,
        "state": state,
        "failed": failed,
        "red": len(red) + len(wrong),
        "waiting": len(waiting),
        "passed": passed,
        "complete": are_all and are_too,
    }


def read_job_log(session: GitHubSession, query: ReadJobLog) -> Json:
    """https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run"""
    doing, path = f"read a log of {query.repository}", ("actions", "jobs", query.job, "logs")
    tail = session.tail(doing, query.repository, path, query.most)
    return {"text": "" if tail is None else tail.decode("utf-8", "replace")}


def _page(
    session: GitHubSession, query: ReadChecks, path: tuple[str, ...], under: str
) -> tuple[list[Json], bool]:
    doing = f"read the checks of {query.repository}#{query.number}"
    found = session.request(doing, query.repository, "GET", path, per_page=100).data
    rows: list[Json] = found[under]
    return rows, found["total_count"] <= len(rows)


def _statuses(session: GitHubSession, query: ReadChecks, commit: str) -> tuple[list[Json], bool]:
    """Read the statuses; none where the credentials may not read them, as before an installation
    has accepted that."""
    try:
        return _page(session, query, ("commits", commit, "status"), "statuses")
    except ActionRejected as err:
        if err.status != _FORBIDDEN:
            raise
        return [], False


def _run(session: GitHubSession, query: ReadChecks, run: Json) -> Json:
    output, app = run["output"], (run["app"] or {}).get("slug", "")
    rows: list[Json] = []
    if output["annotations_count"] and query.annotations:
        doing = f"read the annotations of a check of {query.repository}"
        path = ("check-runs", run["id"], "annotations")
        asked = {"per_page": min(query.annotations, 100)}
        rows = session.request(doing, query.repository, "GET", path, **asked).data
    job = _JOB.search(run["details_url"] or "") if app == _ACTIONS else None
    return {
        "name": run["name"],
        "ended": run["conclusion"],
        "by": app,
        "url": run["html_url"] or "",
        "job": int(job[1]) if job else 0,
        "text": "\n".join(filter(None, (output[name] for name in ("title", "summary", "text")))),
        "annotations": [_annotation(row) for row in rows],
    }


def _annotation(row: Json) -> Json:
    names = ("path", "start_line", "annotation_level", "title", "message", "raw_details")
    return {name: row.get(name) for name in names}


def _status(row: Json) -> Json:
    return {
        "name": row["context"],
        "ended": row["state"],
        "by": "",
        "url": row["target_url"] or "",
        "job": 0,
        "text": row["description"] or "",
        "annotations": [],
    }
