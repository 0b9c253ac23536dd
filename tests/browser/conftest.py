"""A browser, and the sandboxes that it looks at. Only with --all all of it runs."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.page import Page
from infra.local.sandbox.slack import SlackSandbox
from infra.project import ROOT
from tests.browser.chromium import absent, chromium
from tests.browser.looker import Looker

_NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def driver(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A browser for all tests of this process; with --all its environment is made first."""
    if request.config.getoption("all"):
        command = [str(ROOT / "scripts/browser"), "--setup"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"Selenium cannot be installed here: {done.stderr.strip()[-300:]}")
    if reason := absent():
        pytest.skip(reason)
    with chromium() as driver:
        yield driver


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("all"):
        pytest.skip("it runs with --all, and with ./scripts/browser")


@pytest.fixture
def looker(driver: Any, database_url: str) -> Iterator[Looker]:
    """Somebody who looks at the page of two sandboxes on a wide screen."""
    server, brought = HttpServer(), list[str]()
    with (
        GitHubSandbox("", "secret") as github,
        SlackSandbox(_NOWHERE, "secret", pace=0.0) as slack,
    ):
        looker = Looker(driver, server, github, slack, database_url, brought)

        def redrive(queue: str) -> int:
            brought.append(queue)
            looker.letters[:] = [one for one in looker.letters if one["queue"] != queue]
            return 1

        server.start(Page(github, slack, database_url, redrive, lambda: looker.letters))
        looker.screen(1280, 900)
        yield looker
        driver.get("about:blank")  # before the page misses its server
        server.stop()
        looker.check_console()
