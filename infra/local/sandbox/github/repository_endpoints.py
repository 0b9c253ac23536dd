"""The endpoints about a repository: its labels, milestones and people."""

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import GitHubError, invalid, not_found
from shared.events import Json


def get_repository(call: Call, owner: str, name: str) -> ApiReply:
    repository = call.repository(owner, name)
    level = call.level(repository)
    ladder = ["read", "triage", "write", "maintain", "admin"]
    names = ["pull", "triage", "push", "maintain", "admin"]
    permissions = {name: ladder.index(level) >= rung for rung, name in enumerate(names)}
    return ApiReply({**call.site.views.repository(repository), "permissions": permissions})


def list_labels(call: Call, owner: str, name: str) -> ApiReply:
    repository = call.repository(owner, name)
    rows = call.site.state.rows("labels", repository=repository["id"])
    return ApiReply(Listing(rows, call.site.views.label))


def create_label(call: Call, owner: str, name: str) -> ApiReply:
    repository = call.repository(owner, name)
    call.write(owner, name)
    label = call.fields.get("name")
    if not isinstance(label, str) or not label.strip():
        raise invalid("Label", "name", "missing_field")
    if call.site.state.label(repository, label):
        raise invalid("Label", "name", "already_exists")
    color, description = call.fields.get("color", "ededed"), call.fields.get("description")
    row = call.site.state.add_label(repository, label, str(color), description)
    return ApiReply(call.site.views.label(row), 201)


def get_label(call: Call, owner: str, name: str, label: str) -> ApiReply:
    return ApiReply(call.site.views.label(_label(call, owner, name, label)))


def delete_label(call: Call, owner: str, name: str, label: str) -> ApiReply:
    row = _label(call, owner, name, label)
    call.write(owner, name)
    call.site.state.remove("labels", row)
    return ApiReply(None, 204)


def list_milestones(call: Call, owner: str, name: str) -> ApiReply:
    """In the order of their numbers, since none here is due at a date."""
    repository, state = call.repository(owner, name), call.query.get("state", "open")
    rows = call.site.state.rows("milestones", repository=repository["id"])
    wanted = [row for row in rows if state in {"all", row["state"]}]
    return ApiReply(Listing(wanted, call.site.views.milestone))


def create_milestone(call: Call, owner: str, name: str) -> ApiReply:
    repository, actor, fields = call.repository(owner, name), call.write(owner, name), call.fields
    more = {key: fields[key] for key in ("description", "state") if key in fields}
    row = call.site.changes.add_milestone(actor, repository, fields.get("title"), **more)
    return ApiReply(call.site.views.milestone(row), 201)


def get_milestone(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = call.site.state.milestone(call.repository(owner, name), number)
    if row is None:
        raise not_found()
    return ApiReply(call.site.views.milestone(row))


def get_permission(call: Call, owner: str, name: str, login: str) -> ApiReply:
    repository = call.repository(owner, name)
    if call.site.state.first("accounts", login=login) is None:
        raise GitHubError(404, f"{login} is not a user")
    level = call.site.state.permission(repository, login)
    # What has no name of its own here is shown as the next lower one.
    # https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    permission = {"maintain": "write", "triage": "read"}.get(level, level)
    user = {**call.site.views.account(login), "role_name": level}
    return ApiReply({"permission": permission, "role_name": level, "user": user})


def _label(call: Call, owner: str, name: str, label: str) -> Json:
    found = call.site.state.label(call.repository(owner, name), label)
    if found is None:
        raise not_found()
    return found
