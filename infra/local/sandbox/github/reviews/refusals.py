"""What GitHub refuses of a review. It does not tell which of several comments is at fault.

https://github.com/warpdotdev/oz-for-oss/issues/310, https://github.com/max-sixty/tend/pull/252,
https://github.com/reviewdog/reviewdog/issues/434, https://github.com/octokit/octokit.rb/pull/1131
"""

from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.reviews.anchors import Unresolved
from shared.events import Json

_ANCHORS = {
    "path": "Path could not be resolved",
    "line": "Line could not be resolved",
    "start_line": "Start line could not be resolved",
    "order": "Pull request review thread start line must precede the end line.",
}


def unprocessable(*reasons: str) -> GitHubError:
    """Refuse a review, which takes plain sentences."""
    err = GitHubError(422, "Unprocessable Entity")
    err.body["errors"] = list(reasons)
    return err


def bad_anchors(found: list[Unresolved]) -> GitHubError:
    """Refuse a review because of the places of its comments."""
    return unprocessable(*dict.fromkeys(_ANCHORS[str(one)] for one in found))


def bad_anchor(found: Unresolved) -> GitHubError:
    """Refuse a single comment because of its place, which takes errors by field."""
    kind, thread = str(found), "pull_request_review_thread"
    if kind == "path":
        error = _error(f"{thread}.path", "invalid")
    elif kind == "order":
        words = f"{thread}.start_line must precede the end line."
        return GitHubError(422, "Validation Failed", [_error(f"{thread}.start_line", words)])
    else:
        part = f"{thread}.{kind}"
        error = _error(part, f"{part} must be part of the diff")
    missing = _error(f"{thread}.diff_hunk", "missing_field")
    return GitHubError(422, "Validation Failed", [error, missing])


def not_a_commit() -> GitHubError:
    words = "end_commit_oid is not part of the pull request"
    return GitHubError(422, "Validation Failed", [_error("end_commit_oid", words)])


def pending_exists() -> GitHubError:
    words = "user_id can only have one pending review per pull request"
    error = {**_error("user_id", words), "resource": "PullRequestReview"}
    return GitHubError(422, "Validation Failed", [error])


def _error(field: str, reason: str) -> Json:
    error: Json = {"resource": "PullRequestReviewComment", "field": field, "code": reason}
    return error | {"code": "custom", "message": reason} if " " in reason else error
