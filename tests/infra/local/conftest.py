"""A sandbox GitHub for every test here. Its app's key is made once: that takes a while."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.github import GitHubSandbox
from tests.infra.local.sandbox.github.receiver import Receiver, receiving


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a new sandbox that has its key."""
    directory = tmp_path_factory.mktemp("github")
    with GitHubSandbox("", "secret", state=directory) as sandbox:
        assert sandbox.private_key
    return directory


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def sandbox(fresh: Path, tmp_path: Path) -> Iterator[GitHubSandbox]:
    """A sandbox that sends its webhooks nowhere until it has an address."""
    state = shutil.copytree(fresh, tmp_path / "github")
    with GitHubSandbox("", "secret", state=state) as sandbox:
        yield sandbox
