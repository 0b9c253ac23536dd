"""A pull request to review, and ways to ask about it over HTTP."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from urllib3 import PoolManager

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP

_OLD = "".join(f"line {n}\n" for n in range(1, 41))


class Reply(NamedTuple):
    status: int
    body: Any

    @property
    def errors(self) -> Any:
        return self.body["errors"]


Ask = Callable[..., Reply]


@pytest.fixture
def ask(sandbox: GitHubSandbox) -> Ask:
    """Ask the sandbox, as its bot or with another token."""
    http = PoolManager()

    def asking(verb: str, path: str, token: str = "", /, **fields: object) -> Reply:
        headers = {"Authorization": f"token {token or sandbox.token}"}
        url = f"{sandbox.api_url}/repos/{SHOP}{path}"
        sent = http.request(verb, url, headers=headers, json=fields or None)
        return Reply(sent.status, sent.json() if sent.data else None)

    return asking


@pytest.fixture
def number(sandbox: GitHubSandbox) -> int:
    """A pull request of maria's that changes lines 10 and 30 of cart.py, adds new.py and a
    picture, and removes old.py."""
    sandbox.push(SHOP, {"cart.py": _OLD, "old.py": "1\n2\n", "other.py": "x\n"})
    new = _OLD.replace("line 10\n", "ten\n10\n").replace("line 30\n", "")
    files = {"cart.py": new, "new.py": "a\nb\nc\n", "old.py": None, "picture": b"\0"}
    return sandbox.open_pull_request(SHOP, "Mend it", head="fix", files=files)
