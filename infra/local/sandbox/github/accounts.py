"""Shows the accounts and the app of the sandbox as GitHub's JSON."""

import base64
import hashlib

from infra.local.sandbox.github.state import SandboxState, app_slug
from shared.events import Json

_ACCOUNT_LINKS = {
    "events_url": "/events{/privacy}",
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "organizations_url": "/orgs",
    "received_events_url": "/received_events",
    "repos_url": "/repos",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
}


class AccountViews:
    """`api` and `web` are the addresses that links start with."""

    def __init__(self, state: SandboxState, api: str, web: str) -> None:
        self._state = state
        self.api = api
        self.web = web

    def account(self, login: str) -> Json:
        row = self._state.account(login)
        url = f"{self.api}/users/{login}"
        return {
            "login": login,
            "id": row["id"],
            "node_id": node_id("U", row),
            "avatar_url": f"{self.web}/{login}.png",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{login}",
            **{name: url + path for name, path in _ACCOUNT_LINKS.items()},
            "type": row["type"],
            "user_view_type": "public",
            "site_admin": False,
        }

    def own_account(self, login: str) -> Json:
        """The account as GET /user shows it to its owner."""
        row = self._state.account(login)
        nothing = ("name", "company", "location", "email", "hireable", "bio")
        none_yet = ("public_repos", "public_gists", "followers", "following")
        return {
            **self.account(login),
            "blog": "",
            **dict.fromkeys(nothing),
            **dict.fromkeys(none_yet, 0),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
        }

    def organization(self, login: str) -> Json:
        row, url = self._state.account(login), f"{self.api}/orgs/{login}"
        links = ("events", "hooks", "issues", "repos")
        members = ("members_url", "public_members_url")
        return {
            "login": login,
            "id": row["id"],
            "node_id": node_id("O", row),
            "url": url,
            **{f"{name}_url": f"{url}/{name}" for name in links},
            **{name: f"{url}/{name.removesuffix('_url')}{{/member}}" for name in members},
            "avatar_url": f"{self.web}/{login}.png",
            "description": None,
        }

    def app(self, row: Json) -> Json:
        slug = app_slug(row)
        return {
            "id": row["id"],
            "client_id": f"Iv23sandbox{row['id']}",
            "slug": slug,
            "node_id": node_id("A", row),
            "owner": self.account(row.get("owner", "acme")),
            "name": row.get("name", "Agent Flows"),
            "description": None,
            "external_url": self.web,
            "html_url": f"{self.web}/apps/{slug}",
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "permissions": row["permissions"],
            "events": row["events"],
        }

    def _app_of(self, login: str) -> Json | None:
        row = self._state.app_of(login)
        return self.app(row) if row else None

    def installation(self, owner: str, app: Json) -> Json:
        account = self._state.account(owner)
        made = self._state.first("installations", app=app["id"], owner=owner) or {
            **app,
            "id": account["id"],
            "suspended_at": None,
        }
        url = f"{self.api}/app/installations/{made['id']}"
        return {
            "id": made["id"],
            "account": self.account(owner),
            "repository_selection": "selected",
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.web}/settings/installations/{made['id']}",
            "app_id": app["id"],
            "app_slug": app_slug(app),
            "target_id": account["id"],
            "target_type": account["type"],
            "permissions": made["permissions"],
            "events": made["events"],
            "created_at": made["created_at"],
            "updated_at": made["updated_at"],
            "single_file_name": None,
            "suspended_by": None,
            "suspended_at": made["suspended_at"],
        }


def node_id(prefix: str, row: Json) -> str:
    """Make GitHub's other kind of id, which tells its kind by its first letters."""
    digest = hashlib.sha256(f"{prefix}{row['id']}".encode()).digest()[:9]
    return f"{prefix}_{base64.urlsafe_b64encode(digest).decode()}"
