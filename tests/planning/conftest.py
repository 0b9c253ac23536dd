"""A runner of plans per test; after the last one the states that no test has entered are named."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shared.agent.flow import Flow
from shared.database import Database
from tests.planning.plan_runner import PlanRunner, plan_runner

Open = Callable[[Flow], PlanRunner]


@pytest.fixture
def opened(database_url: str) -> Iterator[Open]:
    """Starts a runner for a flow."""
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url, patience=5))
        yield lambda flow: stack.enter_context(plan_runner(database, flow))
