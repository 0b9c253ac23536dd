"""The endpoints about checks and statuses.

https://docs.github.com/en/rest/checks, https://docs.github.com/en/rest/commits/statuses
"""

from functools import partial
from urllib.parse import urljoin

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.checks.statuses import combined
from infra.local.sandbox.github.checks.views import log_signature
from infra.local.sandbox.github.errors import GitHubError, forbidden, not_found
from shared.events import Json


def create_run(call: Call, owner: str, name: str) -> ApiReply:
    repository, app = call.repository(owner, name), _app(call, owner, name)
    row = call.site.checks.create(app, repository, call.fields)
    return ApiReply(call.site.checks.shown.run(row), 201)


def update_run(call: Call, owner: str, name: str, run: int) -> ApiReply:
    row, app = _run(call, owner, name, run), _app(call, owner, name)
    row = call.site.checks.update(app, row, call.fields)
    return ApiReply(call.site.checks.shown.run(row))


def get_run(call: Call, owner: str, name: str, run: int) -> ApiReply:
    return ApiReply(call.site.checks.shown.run(_run(call, owner, name, run)))


def list_annotations(call: Call, owner: str, name: str, run: int) -> ApiReply:
    row, repository = _run(call, owner, name, run), call.repository(owner, name)
    shown = partial(call.site.checks.shown.annotation, sha=row["sha"], repository=repository)
    return ApiReply(Listing(row["annotations"], shown))


def get_log(call: Call, owner: str, name: str, job: int) -> ApiReply:
    """Lead to the log of a job: the address is the permission to read it."""
    row = _run(call, owner, name, job)
    if "log" not in row:
        raise not_found()
    # Beside the API, wherever the pages for people are.
    at = urljoin(call.site.views.api, f"/logs/{row['id']}?sig={log_signature(row)}")
    return ApiReply(None, 302, {"Location": at})


def list_runs(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository = call.repository(owner, name)
    return _listed(call, call.site.checks.of(repository, _sha(call, repository, ref)))


def list_runs_of_suite(call: Call, owner: str, name: str, suite: int) -> ApiReply:
    row = _suite(call, owner, name, suite)
    return _listed(call, call.site.state.rows("check_runs", suite=row["id"]))


def list_suites(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository, query = call.repository(owner, name), call.query
    rows = call.site.checks.suites(repository, _sha(call, repository, ref))
    wanted = [row for row in rows if query.get("app_id") in {None, str(row["app"])}]
    return ApiReply(Listing(wanted, call.site.checks.shown.suite, under="check_suites"))


def get_suite(call: Call, owner: str, name: str, suite: int) -> ApiReply:
    return ApiReply(call.site.checks.shown.suite(_suite(call, owner, name, suite)))


def set_status(call: Call, owner: str, name: str, commit: str) -> ApiReply:
    repository = call.repository(owner, name)
    actor = call.write(owner, name, permission="statuses")
    row = call.site.statuses.set(actor, repository, commit, call.fields)
    return ApiReply(call.site.statuses.shown.status(row), 201)


def list_statuses(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository, statuses = call.repository(owner, name), call.site.statuses
    rows = statuses.of(repository, _sha(call, repository, ref))
    return ApiReply(Listing(rows, statuses.shown.status))


def get_status(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository, statuses = call.repository(owner, name), call.site.statuses
    sha = _sha(call, repository, ref)
    rows, url = (
        statuses.latest(repository, sha),
        f"{call.site.views.api}/repos/{repository['name']}",
    )
    return ApiReply(
        {
            "state": combined(rows),
            "sha": sha,
            "total_count": len(rows),
            "statuses": [statuses.shown.simple_status(row) for row in rows],
            "repository": call.site.views.repository(repository),
            "commit_url": f"{url}/commits/{sha}",
            "url": f"{url}/commits/{sha}/status",
        }
    )


def _app(call: Call, owner: str, name: str) -> Json:
    """Return the App that calls. Nobody else has checks, whatever a person may do."""
    app = call.site.state.app_of(call.who.login) if call.who.owner else None
    if app is None:
        raise GitHubError(403, "You must authenticate via a GitHub App.")
    if not call.who.may("checks", "write"):
        raise forbidden("checks=write")
    call.write(owner, name, permission="checks")
    return app


def _listed(call: Call, rows: list[Json]) -> ApiReply:
    """List the runs, unless `filter` is `all` only the newest of each name and app."""
    query = call.query
    if query.get("filter", "latest") != "all":
        rows = list({(row["app"], row["name"]): row for row in rows}.values())
    wanted = [
        row
        for row in rows
        if query.get("check_name") in {None, row["name"]}
        and query.get("status") in {None, row["status"]}
        and query.get("app_id") in {None, str(row["app"])}
    ]
    return ApiReply(Listing(wanted, call.site.checks.shown.run, under="check_runs"))


def _run(call: Call, owner: str, name: str, run: int) -> Json:
    row, repository = call.site.state.get("check_runs", run), call.repository(owner, name)
    if row is None or row["repository"] != repository["id"]:
        raise not_found()
    return row


def _suite(call: Call, owner: str, name: str, suite: int) -> Json:
    row, repository = call.site.state.get("check_suites", suite), call.repository(owner, name)
    if row is None or row["repository"] != repository["id"]:
        raise not_found()
    return row


def _sha(call: Call, repository: Json, ref: str) -> str:
    """Return the commit of a branch, or of a name."""
    ref = ref.removeprefix("heads/")
    try:
        return str(call.site.commits.get(repository, ref)["sha"])
    except GitHubError as err:
        raise GitHubError(422, f"No commit found for SHA: {ref}") from err
