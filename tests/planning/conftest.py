"""A stage per test; after the last one the states that no test has entered are named."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shared.agent.flow import Flow
from shared.database import Database
from tests.planning.plan_runner import PlanRunner, stage

Open = Callable[[Flow], PlanRunner]


@pytest.fixture
def opened(database_url: str) -> Iterator[Open]:
    """Opens a stage for a flow."""
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url, patience=5))
        yield lambda flow: stack.enter_context(stage(database, flow))
