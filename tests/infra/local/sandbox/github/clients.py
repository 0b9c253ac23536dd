"""PyGithub as the tests use it: no retries, no pauses."""

from github import Auth, Github, GithubIntegration
from github.Repository import Repository

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP


def client(sandbox: GitHubSandbox, token: str = "") -> Github:
    return Github(
        auth=Auth.Token(token or sandbox.token),
        base_url=sandbox.api_url,
        seconds_between_requests=0,
        seconds_between_writes=0,
        retry=None,
    )


def shop(sandbox: GitHubSandbox, login: str = "") -> Repository:
    return client(sandbox, sandbox.person_token(login) if login else "").get_repo(SHOP)


def app(sandbox: GitHubSandbox) -> GithubIntegration:
    return GithubIntegration(
        auth=Auth.AppAuth(str(sandbox.app_id), sandbox.private_key),
        base_url=sandbox.api_url,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
