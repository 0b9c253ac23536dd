"""The table of GitHub's REST endpoints that the sandbox has.

https://docs.github.com/en/rest
"""

from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Map, Rule

from infra.local.sandbox.github import app_endpoints as app
from infra.local.sandbox.github import issue_endpoints as issues
from infra.local.sandbox.github import reaction_endpoints as reactions
from infra.local.sandbox.github import repository_endpoints as repositories
from infra.local.sandbox.github import search_endpoints as search
from infra.local.sandbox.github.call import ApiReply, Call
from infra.local.sandbox.github.checks import endpoints as checks
from infra.local.sandbox.github.git import contents
from infra.local.sandbox.github.git import endpoints as commits
from infra.local.sandbox.github.pulls import endpoints as pulls
from infra.local.sandbox.github.reviews import comment_endpoints as remarks
from infra.local.sandbox.github.reviews import endpoints as reviews

Endpoint = Callable[..., ApiReply]

#: The address of the GraphQL API, as on GitHub Enterprise Server.
GRAPHQL = "/api/graphql"


def _graphql(call: Call) -> ApiReply:
    # graphql-core takes as long to load as all the rest.
    from infra.local.sandbox.github.graphql.execution import answer

    return answer(call)


_APP: Mapping[str, Endpoint] = {
    f"POST {GRAPHQL}": _graphql,
    "GET /user": app.get_user,
    "GET /user/repos": app.list_own,
    "GET /installation/repositories": app.list_reached,
    "GET /rate_limit": app.get_rate_limit,
    "GET /app": app.get_app,
    "POST /app-manifests/<code>/conversions": app.convert_manifest,
    "GET /app/hook/config": app.get_hook,
    "PATCH /app/hook/config": app.set_hook,
    "GET /app/installations": app.list_installations,
    "POST /app/installations/<int:number>/access_tokens": app.create_token,
    "GET /app/hook/deliveries": app.list_deliveries,
    "GET /app/hook/deliveries/<int:number>": app.get_delivery,
    "POST /app/hook/deliveries/<int:number>/attempts": app.redeliver,
    "GET /search/issues": search.search_issues,
    "GET /search/code": search.search_code,
}

_REPOSITORY: Mapping[str, Endpoint] = {
    "GET ": repositories.get_repository,
    "GET /installation": app.get_installation,
    "GET /labels": repositories.list_labels,
    "POST /labels": repositories.create_label,
    "GET /labels/<label>": repositories.get_label,
    "DELETE /labels/<label>": repositories.delete_label,
    "GET /milestones": repositories.list_milestones,
    "POST /milestones": repositories.create_milestone,
    "GET /milestones/<int:number>": repositories.get_milestone,
    "GET /collaborators/<login>/permission": repositories.get_permission,
    "GET /git/ref/<path:ref>": commits.get_reference,
    "GET /git/trees/<tree>": commits.get_tree,
    "GET /git/blobs/<sha>": commits.get_blob,
    "POST /git/refs": commits.create_reference,
    "DELETE /git/refs/<path:ref>": commits.delete_reference,
    "GET /contents": contents.get_contents,
    "GET /contents/<path:path>": contents.get_contents,
    "PUT /contents/<path:path>": commits.put_contents,
    "GET /commits": commits.list_commits,
    "GET /commits/<path:ref>": commits.get_commit,
    "GET /commits/<path:ref>/check-runs": checks.list_runs,
    "GET /commits/<path:ref>/check-suites": checks.list_suites,
    "GET /commits/<path:ref>/pulls": pulls.list_of_commit,
    "GET /commits/<path:ref>/status": checks.get_status,
    "GET /commits/<path:ref>/statuses": checks.list_statuses,
    "POST /statuses/<commit>": checks.set_status,
    "POST /check-runs": checks.create_run,
    "GET /check-runs/<int:run>": checks.get_run,
    "PATCH /check-runs/<int:run>": checks.update_run,
    "GET /check-runs/<int:run>/annotations": checks.list_annotations,
    "GET /actions/jobs/<int:job>/logs": checks.get_log,
    "GET /check-suites/<int:suite>": checks.get_suite,
    "GET /check-suites/<int:suite>/check-runs": checks.list_runs_of_suite,
    "GET /compare/<path:base>...<path:head>": commits.compare,
    "GET /pulls": pulls.list_pulls,
    "POST /pulls": pulls.open_pull,
    "GET /pulls/<int:number>": pulls.get_pull,
    "PATCH /pulls/<int:number>": pulls.edit_pull,
    "GET /pulls/<int:number>/files": pulls.list_files,
    "GET /pulls/<int:number>/commits": pulls.list_commits,
    "PUT /pulls/<int:number>/update-branch": pulls.update_branch,
    "GET /pulls/<int:number>/requested_reviewers": pulls.list_reviewers,
    "POST /pulls/<int:number>/requested_reviewers": pulls.request_reviews,
    "DELETE /pulls/<int:number>/requested_reviewers": pulls.withdraw_requests,
    "GET /pulls/<int:number>/reviews": reviews.list_reviews,
    "POST /pulls/<int:number>/reviews": reviews.create_review,
    "GET /pulls/<int:number>/reviews/<int:review>": reviews.get_review,
    "PUT /pulls/<int:number>/reviews/<int:review>": reviews.edit_review,
    "DELETE /pulls/<int:number>/reviews/<int:review>": reviews.discard_review,
    "GET /pulls/<int:number>/reviews/<int:review>/comments": reviews.list_comments,
    "PUT /pulls/<int:number>/reviews/<int:review>/dismissals": reviews.dismiss_review,
    "POST /pulls/<int:number>/reviews/<int:review>/events": reviews.submit_review,
    "GET /pulls/<int:number>/comments": remarks.list_comments,
    "POST /pulls/<int:number>/comments": remarks.create_comment,
    "POST /pulls/<int:number>/comments/<int:comment>/replies": remarks.reply,
    "GET /pulls/comments": remarks.list_all,
    "GET /pulls/comments/<int:number>": remarks.get_comment,
    "PATCH /pulls/comments/<int:number>": remarks.edit_comment,
    "DELETE /pulls/comments/<int:number>": remarks.delete_comment,
    "GET /pulls/comments/<int:number>/reactions": reactions.list_review_reactions,
    "POST /pulls/comments/<int:number>/reactions": reactions.react_to_review,
    "DELETE /pulls/comments/<int:number>/reactions/<int:reaction>": reactions.unreact_to_review,
    "GET /issues": issues.list_issues,
    "POST /issues": issues.open_issue,
    "GET /issues/<int:number>": issues.get_issue,
    "PATCH /issues/<int:number>": issues.edit_issue,
    "PUT /issues/<int:number>/lock": issues.lock,
    "DELETE /issues/<int:number>/lock": issues.unlock,
    "GET /assignees/<assignee>": issues.check_assignee,
    "POST /issues/<int:number>/assignees": issues.assign,
    "DELETE /issues/<int:number>/assignees": issues.unassign,
    "GET /issues/<int:number>/events": issues.list_events,
    "GET /issues/<int:number>/comments": issues.list_comments,
    "POST /issues/<int:number>/comments": issues.create_comment,
    "GET /issues/<int:number>/labels": issues.list_labels,
    "POST /issues/<int:number>/labels": issues.add_labels,
    "PUT /issues/<int:number>/labels": issues.set_labels,
    "DELETE /issues/<int:number>/labels": issues.clear_labels,
    "DELETE /issues/<int:number>/labels/<label>": issues.remove_label,
    "GET /issues/<int:number>/reactions": reactions.list_issue_reactions,
    "POST /issues/<int:number>/reactions": reactions.react_to_issue,
    "DELETE /issues/<int:number>/reactions/<int:reaction>": reactions.unreact_to_issue,
    "GET /issues/comments": issues.list_all_comments,
    "GET /issues/comments/<int:number>": issues.get_comment,
    "PATCH /issues/comments/<int:number>": issues.edit_comment,
    "DELETE /issues/comments/<int:number>": issues.delete_comment,
    "GET /issues/comments/<int:number>/reactions": reactions.list_comment_reactions,
    "POST /issues/comments/<int:number>/reactions": reactions.react_to_comment,
    "DELETE /issues/comments/<int:number>/reactions/<int:reaction>": reactions.unreact_to_comment,
}


def _rules() -> list[Rule]:
    rules = []
    for prefix, endpoints in (("", _APP), ("/repos/<owner>/<name>", _REPOSITORY)):
        for line, endpoint in endpoints.items():
            method, _, path = line.partition(" ")
            rules.append(Rule(prefix + path, methods=[method], endpoint=endpoint))
    return rules


_MAP = Map(_rules(), strict_slashes=False)


#: The permission that reading needs, by the first word of the path in a repository.
#: https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
_NEEDS = {
    **dict.fromkeys(("commits", "compare", "contents", "git", "search/code"), "contents"),
    **dict.fromkeys(("assignees", "issues", "labels", "milestones", "search/issues"), "issues"),
    "actions": "actions",
    **dict.fromkeys(("check-runs", "check-suites"), "checks"),
    "pulls": "pull_requests",
    **dict.fromkeys(("status", "statuses"), "statuses"),
}


def needs(path: str) -> str:
    """Return the permission that an installation token needs to read at `path`."""
    words = path.strip("/").split("/")
    subject = words[3] if words[0] == "repos" and len(words) > 3 else "/".join(words)
    if subject == "commits" and len(words) > 5:  # of a commit, what the last word says
        subject = words[-1]
    return _NEEDS.get(subject, "contents" if words[3:4] == ["commits"] else "metadata")


def find(method: str, path: str) -> tuple[Endpoint, Mapping[str, Any]]:
    """Return the endpoint for a request and the values in its path; raises werkzeug's NotFound or
    MethodNotAllowed when there is none."""
    endpoint, values = _MAP.bind("").match(path, method)
    return endpoint, values


def operations() -> list[tuple[str, str]]:
    """Return the method and the path of each endpoint as GitHub's own description writes them."""
    written = {
        "commits/<path:ref>/pulls": "commits/{commit_sha}/pulls",
        "<owner>/<name>": "{owner}/{repo}",
        "installations/<int:number>": "installations/{installation_id}",
        "deliveries/<int:number>": "deliveries/{delivery_id}",
        "comments/<int:number>": "comments/{comment_id}",
        "pulls/<int:number>": "pulls/{pull_number}",
        "milestones/<int:number>": "milestones/{milestone_number}",
        "issues/<int:number>": "issues/{issue_number}",
        "<int:reaction>": "{reaction_id}",
        "<commit>": "{sha}",
        "<int:job>": "{job_id}",
        "<int:run>": "{check_run_id}",
        "<int:suite>": "{check_suite_id}",
        "<int:review>": "{review_id}",
        "<int:comment>": "{comment_id}",
        "app-manifests/<code>": "app-manifests/{code}",
        "<label>": "{name}",
        "<path:ref>": "{ref}",
        "<tree>": "{tree_sha}",
        "<sha>": "{file_sha}",
        "<path:path>": "{path}",
        "<path:base>...<path:head>": "{basehead}",
        "<login>": "{username}",
        "<assignee>": "{assignee}",
    }
    found = []
    for rule in _MAP.iter_rules():
        path = rule.rule
        # GraphQL has a schema of its own, and contents are described with a path.
        if path == GRAPHQL or path.endswith("/contents"):
            continue
        for ours, theirs in written.items():
            path = path.replace(ours, theirs)
        found += [(method, path) for method in rule.methods or () if method != "HEAD"]
    return found
