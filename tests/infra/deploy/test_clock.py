"""A clock that is off is named before anything is signed with it."""

import time
from email.utils import formatdate

import pytest

from infra.deploy.clock import Dated, difference, of_server
from infra.deploy.steps import checks
from infra.deploy.steps.step import Sitting
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
    found = difference(Dated(formatdate(NOW, usegmt=True), NOW + off, NOW + off), "AWS")
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize("date", ["", "yesterday", "2026-01-01"])
def test_a_server_without_a_date_is_no_clock(date: str) -> None:
    assert difference(Dated(date, NOW, NOW), "AWS") == ""


def test_an_answer_that_takes_long_is_no_clock_that_is_off() -> None:
    dated = Dated(formatdate(NOW, usegmt=True), NOW - 200, NOW + 200)
    assert difference(dated, "AWS") == ""


def test_neither_is_a_person_who_takes_long(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting.dated = sitting.dated._replace(date=formatdate(usegmt=True))
    later = time.time() + 400
    monkeypatch.setattr(time, "time", lambda: later)
    assert [*checks._clocks(sitting)] == []


def test_github_is_asked_for_its_time_and_named_when_it_is_away() -> None:
    with GitHubSandbox("", "unused") as github:
        assert of_server(github.api_url, "GitHub") == ""
        assert "behind GitHub's" in of_server(github.api_url, "GitHub", lambda: NOW - 10**9)
        url = github.api_url
    assert "GitHub does not answer at" in of_server(url, "GitHub")
