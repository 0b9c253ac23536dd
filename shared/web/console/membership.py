"""What a person who signed in with GitHub is in each tenant, and which repositories they may read.

GitHub says so: of which organisations with the App they are a member or an owner, of which teams,
and which of the App's repositories they can open. Nobody else gets in.
https://docs.github.com/en/rest/apps/installations#list-app-installations-accessible-to-the-user-access-token
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from shared.errors import ActionRejected
from shared.settings import Settings
from shared.web.console.access import Role
from shared.web.oauth.github import asked_as

#: The pages of a hundred that are read of a list; who has more repositories sees the first ones.
_PAGES = 20


class Membership(NamedTuple):
    """What somebody is in one tenant, and the audiences that they belong to there."""

    tenant: str
    role: Role
    audiences: frozenset[str]


def memberships(settings: Settings, token: str, login: str) -> list[Membership]:
    """Return what the person with this token is in each tenant that they belong to.

    Raises ActionRejected when GitHub refuses, ActionUnavailable without an answer.
    """
    found: dict[str, Membership] = {}
    for row in _listed(settings, token, "/user/installations", "installations"):
        owner = str((row.get("account") or {}).get("login") or "")
        role = _role(settings, token, owner, login) if owner else None
        if role is None:
            continue
        name = f"github:{owner}"
        tenant = settings.tenant_of.get(name, name)
        path = f"/user/installations/{int(row.get('id') or 0)}/repositories"
        theirs = _listed(settings, token, path, "repositories")
        seen = {
            f"repo:{one['full_name']}" for one in theirs if isinstance(one.get("full_name"), str)
        }
        before = found.get(tenant, Membership(tenant, role, frozenset()))
        # Of several organisations in one tenant the least counts: it opens all of the tenant.
        least: Role = "viewer" if "viewer" in {before.role, role} else "operator"
        audiences = before.audiences | {"public", f"org:{owner}"} | seen
        found[tenant] = Membership(tenant, least, audiences)
    return [*found.values()]


def _role(settings: Settings, token: str, owner: str, login: str) -> Role | None:
    """Return what the person is in an organisation, or in an account of their own; else None."""
    if owner.lower() == login.lower():
        return "operator"
    found = _asked(settings, token, f"/user/memberships/orgs/{quote(owner)}")
    if found.get("state") != "active":
        return None
    if found.get("role") == "admin":
        return "operator"
    for team in filter(None, (one.strip() for one in settings.console_operators.split(","))):
        org, _, slug = team.partition("/")
        path = f"/orgs/{quote(org)}/teams/{quote(slug)}/memberships/{quote(login)}"
        if org.lower() == owner.lower() and _asked(settings, token, path).get("state") == "active":
            return "operator"
    return "viewer"


def _asked(settings: Settings, token: str, path: str) -> dict[str, Any]:
    """Return GitHub's answer; nothing where it shows the person none."""
    try:
        return asked_as(settings, token, path)
    except ActionRejected:
        return {}


def _listed(settings: Settings, token: str, path: str, key: str) -> Iterator[dict[str, Any]]:
    for page in range(1, _PAGES + 1):
        rows = asked_as(settings, token, f"{path}?per_page=100&page={page}").get(key) or []
        yield from (row for row in rows if isinstance(row, dict))
        if len(rows) < 100:
            return
