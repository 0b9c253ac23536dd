"""What a request may say of a check run; GitHub checks it against its schema.

https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Collection

from infra.local.sandbox.github.errors import GitHubError
from shared.events import Json

STATES = ("queued", "in_progress", "completed")
#: What makes a suite fail, the worst first.
FAILED = ("failure", "timed_out", "startup_failure", "cancelled", "action_required", "stale")
CONCLUSIONS = (*FAILED, "neutral", "skipped", "success")
_LEVELS = ("notice", "warning", "failure")
#: https://docs.github.com/en/rest/checks/runs#create-a-check-run
_ANNOTATIONS, _ACTIONS, _LONGEST = 50, 3, 65_535
_NEEDED = ("path", "start_line", "end_line", "annotation_level", "message")


def checked(fields: Json) -> Json:
    """Return what a run becomes by these fields; raises GitHubError."""
    same = ("name", "details_url", "external_id", "started_at", "completed_at")
    kept: Json = {name: fields[name] for name in same if fields.get(name) is not None}
    for name, known in (("status", STATES), ("conclusion", CONCLUSIONS)):
        if fields.get(name) is not None:
            _one_of(name, fields[name], known)
            kept[name] = fields[name]
    if "conclusion" in kept or "completed_at" in kept:
        kept["status"] = "completed"
    if kept.get("status") == "completed" and "conclusion" not in kept:
        raise missing("conclusion")
    if len(fields.get("actions") or ()) > _ACTIONS:
        raise _too_many(_ACTIONS, len(fields["actions"]))
    return kept


def output(fields: Json, *, title: bool) -> Json | None:
    """Return the output that was sent, with all of its annotations; a new one needs a title.
    Raises GitHubError."""
    sent = fields.get("output")
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise bad_request("The output is not an object.")
    needed = ("title", "summary") if title else ("summary",)
    if lacking := [name for name in needed if not sent.get(name)]:
        raise missing(*lacking)
    for name in ("summary", "text"):
        if len(str(sent.get(name) or "")) > _LONGEST:
            raise bad_request(f"Only {_LONGEST} characters are allowed; more were supplied.")
    return {**sent, "annotations": _annotations(sent)}


def _annotations(sent: Json) -> list[Json]:
    rows = sent.get("annotations") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_request("The annotations are not a list of objects.")
    if len(rows) > _ANNOTATIONS:
        raise _too_many(_ANNOTATIONS, len(rows))
    for row in rows:
        if lacking := [name for name in _NEEDED if row.get(name) is None]:
            raise missing(*lacking)
        _one_of("annotation_level", row["annotation_level"], _LEVELS)
        lines = (row["start_line"], row["end_line"])
        if not all(isinstance(line, int) for line in lines) or not 0 < lines[0] <= lines[1]:
            raise bad_request("The lines are not numbers from 1 on, in their order.")
        columns = row.get("start_column") is not None or row.get("end_column") is not None
        if columns and row["start_line"] != row["end_line"]:
            raise bad_request("Columns are for annotations on one line.")
    optional = ("start_column", "end_column", "title", "raw_details")
    names = (*_NEEDED, *optional)
    return [{name: row.get(name) for name in names} for row in rows]


def missing(*names: str) -> GitHubError:
    words = ", ".join(f'"{name}"' for name in names)
    return bad_request(f"{words} {'wasn' if len(names) == 1 else 'weren'}'t supplied.")


def bad_request(reason: str) -> GitHubError:
    return GitHubError(422, f"Invalid request.\n\n{reason}")


def _one_of(name: str, value: object, known: Collection[str]) -> None:
    if value not in known:
        words = ", ".join(known)
        raise bad_request(f"For 'properties/{name}', {value} is not a member of [{words}].")


def _too_many(most: int, count: int) -> GitHubError:
    return bad_request(f"No more than {most} items are allowed; {count} were supplied.")
