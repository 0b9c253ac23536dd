"""A clock that is off is named before anything is signed with it."""

from email.utils import formatdate

import pytest

from infra.deploy.clock import difference, of_server
from infra.local.sandbox.github import GitHubSandbox

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (0, ""),
        (20, ""),
        (-20, ""),
        (93, "93 s ahead of AWS's"),
        (-400, "400 s behind AWS's"),
        (86_400 * 365, "s ahead of AWS's"),
    ],
)
def test_a_clock_that_is_off_is_named(off: float, said: str) -> None:
    found = difference(formatdate(NOW, usegmt=True), "AWS", lambda: NOW + off)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize("date", ["", "yesterday", "2026-01-01"])
def test_a_server_without_a_date_is_no_clock(date: str) -> None:
    assert difference(date, "AWS") == ""


def test_github_is_asked_for_its_time_and_named_when_it_is_away() -> None:
    with GitHubSandbox("", "unused") as github:
        assert of_server(github.api_url, "GitHub") == ""
        assert "behind GitHub's" in of_server(github.api_url, "GitHub", lambda: NOW - 10**9)
        url = github.api_url
    assert "GitHub does not answer at" in of_server(url, "GitHub")
