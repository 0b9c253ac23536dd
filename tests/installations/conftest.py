from collections.abc import Iterator

import pytest

from shared.database import Database
from tests.installations.installed import Installed, installed


@pytest.fixture
def world(database_url: str) -> Iterator[Installed]:
    with Database(database_url) as database, installed(database) as made:
        yield made
