"""Certification in processes that all tests share: each takes a second to start."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.certify.certifying import certify, two_orders
from infra.certify.process import KillableProcesses
from infra.certify.report import Report

Certify = Callable[..., Report]


@pytest.fixture(scope="session")
def workers() -> Iterator[Sequence[KillableProcesses]]:
    with two_orders() as workers:
        yield workers


@pytest.fixture
def certified(workers: Sequence[KillableProcesses], database_url: str, tmp_path: Path) -> Certify:
    """Certifies a flow by its name, on the test's database."""

    def certified(name: str, **options: Any) -> Report:
        return certify(name, database_url, tmp_path / "log", workers=workers, **options)

    return certified
