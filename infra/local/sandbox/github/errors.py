"""The refusals of GitHub's API."""

from collections.abc import Mapping

from shared.events import Json

_DOCUMENTATION = "https://docs.github.com/rest"


class GitHubError(Exception):
    """An answer with this status and, as GitHub does, a message in JSON."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: Json = {
            "message": message,
            "documentation_url": _DOCUMENTATION,
            "status": str(status),
        }
        if errors:
            self.body["errors"] = errors


def not_found() -> GitHubError:
    return GitHubError(404, "Not Found")


def forbidden(needed: str = "") -> GitHubError:
    """`needed` is the permission that would suffice, as in `issues=write`."""
    headers = {"X-Accepted-GitHub-Permissions": needed} if needed else {}
    return GitHubError(403, "Resource not accessible by integration", headers=headers)


def archived() -> GitHubError:
    return GitHubError(403, "Repository was archived so is read-only.")


def invalid(resource: str, field: str, reason: str) -> GitHubError:
    """Refuse a missing or wrong field. `reason` is one of GitHub's codes, or its own sentence.

    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    """
    error: Json = {"resource": resource, "field": field, "code": reason}
    if " " in reason:
        error |= {"code": "custom", "message": reason}
    return GitHubError(422, "Validation Failed", [error])
