"""The endpoints about a repository: its labels, its people, its pull requests, and the search."""

import shlex
from functools import partial

from infra.local.sandbox.github.call import Call, Listing, Reply
from infra.local.sandbox.github.errors import GitHubError, invalid, not_found
from infra.local.sandbox.github.pulls import pull_request
from infra.local.sandbox.github.state import Json


def get_repository(call: Call, owner: str, name: str) -> Reply:
    repository = call.repository(owner, name)
    level = call.site.state.permission(repository, call.who.login)
    ladder = ["read", "triage", "write", "maintain", "admin"]
    names = ["pull", "triage", "push", "maintain", "admin"]
    permissions = {name: ladder.index(level) >= rung for rung, name in enumerate(names)}
    return Reply({**call.site.views.repository(repository), "permissions": permissions})


def list_labels(call: Call, owner: str, name: str) -> Reply:
    repository = call.repository(owner, name)
    rows = call.site.state.rows("labels", repository=repository["id"])
    return Reply(Listing(rows, call.site.views.label))


def create_label(call: Call, owner: str, name: str) -> Reply:
    repository = call.repository(owner, name)
    call.write(owner, name)
    label = call.fields.get("name")
    if not isinstance(label, str) or not label.strip():
        raise invalid("Label", "name", "missing_field")
    if call.site.state.label(repository, label):
        raise invalid("Label", "name", "already_exists")
    color, description = call.fields.get("color", "ededed"), call.fields.get("description")
    row = call.site.state.add_label(repository, label, str(color), description)
    return Reply(call.site.views.label(row), 201)


def get_label(call: Call, owner: str, name: str, label: str) -> Reply:
    return Reply(call.site.views.label(_label(call, owner, name, label)))


def delete_label(call: Call, owner: str, name: str, label: str) -> Reply:
    row = _label(call, owner, name, label)
    call.write(owner, name)
    call.site.state.remove("labels", row)
    return Reply(None, 204)


def get_permission(call: Call, owner: str, name: str, login: str) -> Reply:
    repository = call.repository(owner, name)
    if call.site.state.first("accounts", login=login) is None:
        raise GitHubError(404, f"{login} is not a user")
    level = call.site.state.permission(repository, login)
    # What has no name of its own here is shown as the next lower one.
    # https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    permission = {"maintain": "write", "triage": "read"}.get(level, level)
    user = {**call.site.views.account(login), "role_name": level}
    return Reply({"permission": permission, "role_name": level, "user": user})


def list_pulls(call: Call, owner: str, name: str) -> Reply:
    repository = call.repository(owner, name)
    state = call.query.get("state", "open")
    rows = call.site.state.rows("issues", repository=repository["id"])
    wanted = [row for row in rows if row["pull"] and state in {"all", row["state"]}]
    return Reply(Listing(wanted[::-1], partial(pull_request, call.site.views, repository)))


def open_pull(call: Call, owner: str, name: str) -> Reply:
    repository, actor = call.repository(owner, name), call.write(owner, name)
    fields = call.fields
    pull = {"sha": f"{len(call.site.state.rows('issues')) + 1:040x}", "draft": False}
    for branch in ("head", "base"):
        if not isinstance(fields.get(branch), str):
            raise invalid("PullRequest", branch, "missing_field")
        pull[branch] = fields[branch]
    pull["draft"] = bool(fields.get("draft"))
    row = call.site.changes.open_issue(
        actor, repository, fields.get("title"), fields.get("body"), pull=pull
    )
    return Reply(pull_request(call.site.views, repository, row), 201)


def get_pull(call: Call, owner: str, name: str, number: int) -> Reply:
    repository = call.repository(owner, name)
    return Reply(pull_request(call.site.views, repository, _pull(call, owner, name, number)))


def edit_pull(call: Call, owner: str, name: str, number: int) -> Reply:
    repository, row = call.repository(owner, name), _pull(call, owner, name, number)
    actor = call.write(owner, name, row["author"])
    row = call.site.changes.edit_issue(actor, row, call.fields)
    return Reply(pull_request(call.site.views, repository, row))


def search_issues(call: Call) -> Reply:
    """Find issues by repo:, is:, state:, label:, author: and words that they must contain."""
    if not (query := call.query.get("q", "").strip()):
        raise invalid("Search", "q", "missing")
    try:
        terms = shlex.split(query)
    except ValueError:
        terms = query.split()
    state, views = call.site.state, call.site.views
    found = []
    for row in reversed(state.rows("issues")):
        repository = state.get("repositories", row["repository"])
        if repository is None or state.permission(repository, call.who.login) == "none":
            continue
        issue = views.issue(row)
        if all(_matches(term, issue, repository["name"]) for term in terms):
            found.append({**issue, "score": 1.0})
    size = min(int(call.query.get("per_page", 30)), 100)
    start = (int(call.query.get("page", 1)) - 1) * size
    page = found[start : start + size]
    return Reply(
        {
            "total_count": len(found),
            "incomplete_results": False,
            "items": page,
            "search_type": "lexical",
        }
    )


def _matches(term: str, issue: Json, repository: str) -> bool:
    name, _, value = term.lower().partition(":")
    kind = "pr" if "pull_request" in issue else "issue"
    labels = {label["name"].lower() for label in issue["labels"]}
    known: dict[str, bool] = {
        "repo": value == repository.lower(),
        "is": value in {kind, issue["state"], "pull-request" if kind == "pr" else kind},
        "type": value == kind,
        "state": value == issue["state"],
        "label": value in labels,
        "author": value == issue["user"]["login"].lower(),
    }
    text = f"{issue['title']}\n{issue['body'] or ''}".lower()
    return known[name] if value and name in known else term.lower() in text


def _label(call: Call, owner: str, name: str, label: str) -> Json:
    found = call.site.state.label(call.repository(owner, name), label)
    if found is None:
        raise not_found()
    return found


def _pull(call: Call, owner: str, name: str, number: int) -> Json:
    row = call.issue(owner, name, number)
    if not row["pull"]:
        raise not_found()
    return row
