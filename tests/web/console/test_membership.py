"""What GitHub says that a person is decides about their role and their audiences."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from infra.local.http_server import HttpServer
from shared.settings import Settings
from shared.web.console.membership import Membership, memberships

INSTALLATIONS = {"installations": [{"id": 7, "account": {"login": "acme"}}]}
REPOSITORIES = {"repositories": [{"full_name": "acme/shop"}]}
AUDIENCES = frozenset({"public", "org:acme", "repo:acme/shop"})


class _GitHub:
    """Answers what a test says, by path, and 404 to all else."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.server = HttpServer()
        self.url = ""

    def __call__(self, environ: Any, start: Any) -> Any:
        found = self.answers.get(Request(environ).path.removeprefix("/api/v3"))
        text = json.dumps(found if found is not None else {"message": "Not Found"})
        return Response(text, 404 if found is None else 200)(environ, start)


@pytest.fixture
def github() -> Iterator[_GitHub]:
    made = _GitHub()
    made.server.start(made)
    made.url = made.server.url
    yield made
    made.server.stop()


def _of(
    github: _GitHub, answers: Mapping[str, Any], teams: str = "acme/platform"
) -> list[Membership]:
    github.answers = {
        "/user/installations": INSTALLATIONS,
        "/user/installations/7/repositories": REPOSITORIES,
        **answers,
    }
    url = f"{github.url.rstrip('/')}/api/v3"
    settings = Settings(github_api_url=url, console_operators=teams, tenants="t=github:acme")
    return memberships(settings, "token", "ada")


def _org(role: str, state: str = "active") -> dict[str, Any]:
    return {"/user/memberships/orgs/acme": {"state": state, "role": role}}


TEAM = {"/orgs/acme/teams/platform/memberships/ada": {"state": "active"}}


@pytest.mark.parametrize(
    ("answers", "role"),
    [
        (_org("admin"), "operator"),
        (_org("member"), "viewer"),
        (_org("member") | TEAM, "operator"),
        (_org("member", "pending"), ""),
        (TEAM, ""),
        ({}, ""),
    ],
)
def test_a_role_is_what_github_says(github: _GitHub, answers: Mapping[str, Any], role: str) -> None:
    found = _of(github, answers)
    assert found == ([Membership("t", role, AUDIENCES)] if role else [])  # type: ignore[arg-type]


def test_a_team_of_another_organisation_opens_nothing(github: _GitHub) -> None:
    elsewhere = {"/orgs/evil/teams/platform/memberships/ada": {"state": "active"}}
    [found] = _of(github, _org("member") | elsewhere, "evil/platform")
    assert found.role == "viewer"
