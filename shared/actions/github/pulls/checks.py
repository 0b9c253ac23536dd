"""Reports checks of commits, and finds each by its mark, which is its external id.

https://docs.github.com/en/rest/checks/runs
"""

from shared.actions import Mark, Receipt
from shared.actions.github.actions import ReportCheck
from shared.actions.github.markdown import compose
from shared.actions.github.session import GitHubSession
from shared.events import Json

#: GitHub takes no more annotations in one request.
_ANNOTATIONS = 50


def report_check(
    session: GitHubSession, action: ReportCheck, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Report it as complete. A run of the same commit is left behind: GitHub shows the newest."""
    body = {
        "name": action.name,
        "head_sha": action.commit,
        "external_id": mark.key,
        "status": "completed",
        "conclusion": "neutral",
        "output": {
            "title": action.title,
            "summary": compose(action.summary, mark, sticky=False),
            "annotations": [
                {
                    "path": one.path,
                    "start_line": one.line,
                    "end_line": one.line,
                    "annotation_level": "warning",
                    "message": one.text,
                }
                for one in action.annotations[:_ANNOTATIONS]
            ],
        },
    }
    repository = action.issue.repository
    made = session.request(_doing(action), repository, "POST", ("check-runs",), body).data
    return _receipt(made)


def find_check(session: GitHubSession, action: ReportCheck, mark: Mark) -> Receipt | None:
    """Look for it among the runs of its name for the commit."""
    path, asked = ("commits", action.commit, "check-runs"), {"check_name": action.name}
    found = session.request(
        _doing(action), action.issue.repository, "GET", path, filter="all", per_page=100, **asked
    ).data
    mine = (run for run in found["check_runs"] if run["external_id"] == mark.key)
    return next(map(_receipt, mine), None)


def _receipt(run: Json) -> Receipt:
    return Receipt(str(run["id"]), run["html_url"] or "")


def _doing(action: ReportCheck) -> str:
    return f"report a check of {action.issue.ref}"
