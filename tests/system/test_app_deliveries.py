"""With a GitHub App's credentials the whole system sees what happens on a GitHub that cannot reach
it."""

from pathlib import Path

from infra.local.sandbox.github import GitHubSandbox
from infra.local.system import System
from tests.system.quick import shipped_template
from tests.waiting import wait_for

REPOSITORY = "acme/shop"


def test_an_issue_is_triaged_though_github_cannot_reach_us(data_directory: Path) -> None:
    with GitHubSandbox("http://127.0.0.1:9/", "another secret") as github:
        environment = {
            "GITHUB_API_URL": github.api_url,
            "GITHUB_APP_ID": str(github.app_id),
            "GITHUB_APP_PRIVATE_KEY": github.private_key,
            "MODEL_EMBED": "hashing",
        }
        said: list[str] = []
        with System(
            data=data_directory,
            environment=environment,
            say=said.append,
            template=shipped_template(data_directory),
        ) as system:
            assert system.github is None
            number = github.open_issue(REPOSITORY, "Checkout crashes when I press Pay")
            assert wait_for(lambda: github.issue(REPOSITORY, number)["comments"])
        assert any(line.startswith("  GitHub deliveries  ready") for line in said)
