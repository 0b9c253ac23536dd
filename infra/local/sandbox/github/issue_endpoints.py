"""The endpoints about issues: their comments, labels and reactions. A pull request is an issue."""

from collections.abc import Sequence

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import invalid, not_found
from infra.local.sandbox.github.history import IssueHistory
from shared.events import Json


def list_issues(call: Call, owner: str, name: str) -> ApiReply:
    repository = call.repository(owner, name)
    rows = call.site.state.rows("issues", repository=repository["id"])
    found = [row for row in rows if _is_wanted(call, repository, row)]
    if call.query.get("sort") == "updated":
        found.sort(key=lambda row: str(row["updated_at"]))
    if call.query.get("direction") != "asc":
        found.reverse()
    return ApiReply(Listing(found, call.site.views.issue))


def _is_wanted(call: Call, repository: Json, row: Json) -> bool:
    """https://docs.github.com/en/rest/issues/issues#list-repository-issues"""
    query, people = call.query, row.get("assignees", ())
    if not (row["pull"] or repository.get("has_issues", True)):
        return False  # where issues are off, pull requests are listed all the same
    labels = {label.lower() for label in query.get("labels", "").split(",") if label}
    names = {label["name"].lower() for label in call.site.views.labels(row)}
    return (
        query.get("state", "open") in {"all", row["state"]}
        and row["updated_at"] >= query.get("since", "")
        and labels <= names
        and _is_in(call, repository, query.get("milestone", ""), row.get("milestone"))
        and _is_assigned(query.get("assignee", ""), people)
    )


def _is_assigned(wanted: str, people: Sequence[str]) -> bool:
    if wanted in {"", "*", "none"}:
        return not wanted or bool(people) is (wanted == "*")
    return wanted.lower() in {person.lower() for person in people}


def _is_in(call: Call, repository: Json, wanted: str, milestone: int | None) -> bool:
    """Tell if an issue is in the wanted milestone, which has a number, or is `*` or `none`."""
    if wanted in {"", "*", "none"}:
        return not wanted or bool(milestone) is (wanted == "*")
    found = call.site.state.milestone(repository, int(wanted)) if wanted.isdecimal() else None
    if found is None:
        raise invalid("Issue", "milestone", "invalid")
    return bool(milestone == found["id"])


def open_issue(call: Call, owner: str, name: str) -> ApiReply:
    repository, actor = call.repository(owner, name), call.speak(owner, name)
    call.has_issues(repository["id"])
    labels = _names(call.fields.get("labels", []))
    if not call.site.state.may_write(repository, actor):
        labels = []  # GitHub drops them silently
    row = call.site.changes.open_issue(
        actor, repository, call.fields.get("title"), call.fields.get("body"), labels=labels
    )
    return ApiReply(call.site.views.issue(row), 201)


def get_issue(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return ApiReply(call.site.views.issue(call.issue(owner, name, number)))


def edit_issue(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = call.issue(owner, name, number)
    actor = call.write(owner, name, None if "labels" in call.fields else row["author"])
    fields = dict(call.fields)
    if not call.site.state.may_write(call.repository(owner, name), actor):
        fields.pop("milestone", None)  # GitHub drops it silently
    return ApiReply(call.site.views.issue(call.site.changes.edit_issue(actor, row, fields)))


def lock(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    reason = call.fields.get("lock_reason") if call.sent is not None else None
    call.site.changes.lock(actor, row, reason)
    return ApiReply(None, 204)


def unlock(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    call.site.changes.unlock(actor, row)
    return ApiReply(None, 204)


def check_assignee(call: Call, owner: str, name: str, assignee: str) -> ApiReply:
    if not call.site.state.assignable(call.repository(owner, name), assignee):
        raise not_found()
    return ApiReply(None, 204)


def assign(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    row = call.site.changes.assign(actor, row, _people(call))
    return ApiReply(call.site.views.issue(row), 201)


def unassign(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    row = call.site.changes.unassign(actor, row, _people(call))
    return ApiReply(call.site.views.issue(row))


def _people(call: Call) -> list[object]:
    people = call.fields.get("assignees", [])
    if not isinstance(people, list) or len(people) > 10:
        raise invalid("Issue", "assignees", "invalid")
    return people


def list_events(call: Call, owner: str, name: str, number: int) -> ApiReply:
    rows = call.site.state.rows("issue_events", issue=call.issue(owner, name, number)["id"])
    return ApiReply(Listing(rows, IssueHistory(call.site.state, call.site.views).shown))


def list_comments(call: Call, owner: str, name: str, number: int) -> ApiReply:
    rows = call.site.state.rows("comments", issue=call.issue(owner, name, number)["id"])
    since = call.query.get("since", "")
    newer = [row for row in rows if row["updated_at"] >= since]
    return ApiReply(Listing(newer, call.site.views.comment))


def list_all_comments(call: Call, owner: str, name: str) -> ApiReply:
    repository, state = call.repository(owner, name), call.site.state
    since = call.query.get("since", "")
    issues = {row["id"] for row in state.rows("issues", repository=repository["id"])}
    found = [
        row
        for row in state.rows("comments")
        if row["issue"] in issues and row["updated_at"] >= since
    ]
    if call.query.get("sort") == "created" and call.query.get("direction") != "asc":
        found.reverse()
    return ApiReply(Listing(found, call.site.views.comment))


def create_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.speak(owner, name)
    comment = call.site.changes.comment(actor, row, call.fields.get("body"))
    return ApiReply(call.site.views.comment(comment), 201)


def get_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return ApiReply(call.site.views.comment(call.comment(owner, name, number)))


def edit_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    comment = call.comment(owner, name, number)
    actor = call.write(owner, name, comment["author"])
    comment = call.site.changes.edit_comment(actor, comment, call.fields.get("body"))
    return ApiReply(call.site.views.comment(comment))


def delete_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    comment = call.comment(owner, name, number)
    call.site.changes.delete_comment(call.write(owner, name, comment["author"]), comment)
    return ApiReply(None, 204)


def list_labels(call: Call, owner: str, name: str, number: int) -> ApiReply:
    rows = call.site.views.label_rows(call.issue(owner, name, number))
    return ApiReply(Listing(rows, call.site.views.label))


def add_labels(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    return _relabelled(call, call.site.changes.add_labels(actor, row, _sent_labels(call)))


def set_labels(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    return _relabelled(call, call.site.changes.set_labels(actor, row, _sent_labels(call)))


def clear_labels(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    call.site.changes.set_labels(actor, row, [])
    return ApiReply(None, 204)


def remove_label(call: Call, owner: str, name: str, number: int, label: str) -> ApiReply:
    row, actor = call.issue(owner, name, number), call.write(owner, name)
    return _relabelled(call, call.site.changes.remove_label(actor, row, label))


def _relabelled(call: Call, row: Json) -> ApiReply:
    return ApiReply(call.site.views.labels(row))


def _sent_labels(call: Call) -> list[object]:
    """The labels to add: an object with `labels`, or, as GitHub takes too, the list alone."""
    return _names(call.sent if isinstance(call.sent, list) else call.fields.get("labels"))


def _names(labels: object) -> list[object]:
    if not isinstance(labels, list):
        raise invalid("Label", "labels", "invalid")
    return [label.get("name") if isinstance(label, dict) else label for label in labels]
