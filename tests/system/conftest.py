"""A whole system per module, with a scripted model server in place of a vendor's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local.system import System
from tests.models.scripted_server import ScriptedServer
from tests.system.quick import quick_template

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def system(data_directory: Path, model: ScriptedServer) -> Iterator[System]:
    environment = {
        "MODEL_SMALL": f"{model.url}/v1#scripted",
        "MODEL_LARGE": f"{model.url}/v1#scripted",
        "MODEL_EMBED": "hashing",
        "MAX_ATTEMPTS": "2",
        "MAX_PAUSE_HOURS": "0.0005",
    }
    with System(
        data=data_directory,
        environment=environment,
        template=quick_template(data_directory, timeout=12),
        overrides={"VisibilityTimeout": "13"},
    ) as system:
        yield system


def query(system: System, sql: str) -> Rows:
    with psycopg.connect(system.settings.database_url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []
