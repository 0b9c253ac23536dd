"""Shows a pull request of the sandbox as GitHub's JSON. What it changes is in commit_views."""

from infra.local.sandbox.github.views import Views
from shared.events import Json

#: The fields in which a pull request is shown as its issue is.
_OF_ISSUE = (
    *("title", "user", "labels", "body", "number", "state", "locked", "active_lock_reason"),
    *("assignee", "assignees", "milestone", "created_at", "updated_at", "closed_at", "html_url"),
    *("id", "node_id", "author_association", "comments", "draft", "comments_url"),
)
_COUNTS = ("commits", "additions", "deletions", "changed_files")
_UNSET = ("auto_merge", "merge_commit_sha", "merged_by", "mergeable")


def pull_request(views: Views, repository: Json, row: Json) -> Json:
    """Show an issue row that is a pull request as the pulls API does."""
    issue, pull = views.issue(row), row["pull"]
    links = _links(issue, f"{views.api}/repos/{repository['name']}", pull["sha"])
    return {
        **{name: issue[name] for name in _OF_ISSUE},
        **{name: pull.get(name, 0) for name in _COUNTS},
        "review_comments": views.review_comments(row),
        **dict.fromkeys(_UNSET),
        "url": links["self"],
        "issue_url": links["issue"],
        "diff_url": f"{issue['html_url']}.diff",
        "patch_url": f"{issue['html_url']}.patch",
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "statuses_url": links["statuses"],
        "head": _head(views, repository, pull),
        "base": _branch(views, repository, pull["base"], pull.get("base_sha", "0" * 40)),
        "_links": {name: {"href": address} for name, address in links.items()},
        "requested_reviewers": [*map(views.account, pull.get("reviewers", ()))],
        "requested_teams": [],
        "merged": "merged_at" in pull,
        "merged_at": pull.get("merged_at"),
        "mergeable_state": "unknown",
        "maintainer_can_modify": False,
    }


def _links(issue: Json, api: str, sha: str) -> dict[str, str]:
    """Return where a pull request and what belongs to it are, in a repository at `api`."""
    url = issue["pull_request"]["url"]
    return {
        "self": url,
        "html": issue["html_url"],
        "issue": issue["url"],
        "comments": issue["comments_url"],
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{sha}",
    }


def _head(views: Views, repository: Json, pull: Json) -> Json:
    """Show where the commits are; their repository may have been deleted since."""
    source = views.source(repository, pull)
    if source is None:
        owner = pull["owner"]
        shown = {"ref": pull["head"], "sha": pull["sha"], "user": views.account(owner)}
        return {**shown, "label": f"{owner}:{pull['head']}", "repo": None}
    return _branch(views, source, pull["head"], pull["sha"])


def _branch(views: Views, repository: Json, name: str, sha: str) -> Json:
    owner = repository["name"].partition("/")[0]
    return {
        "label": f"{owner}:{name}",
        "ref": name,
        "sha": sha,
        "user": views.account(owner),
        "repo": views.repository(repository),
    }
