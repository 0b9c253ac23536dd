"""Migrates in processes that kill themselves at the Nth moment that an order asks for.

Every statement has a moment before it and one after it. With `moment` 0 a process lives, and tells
how many `moments` there are. infra/certify/process.py says how orders come and how they end.
"""

import os
import signal
from typing import Any

import psycopg
import pytest

from infra.certify.process import serve
from infra.migrations import applying, migrate
from shared.events import Json
from tests.infra.migrations.files import CHAIN


def deliver(order: Json) -> Json:
    """Migrate the database at `url`."""
    plain, moments = psycopg.Connection.execute, 0

    def pass_one() -> None:
        nonlocal moments
        moments += 1
        if moments == order["moment"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self: Any, *arguments: Any, **named: Any) -> Any:
        pass_one()
        found = plain(self, *arguments, **named)
        pass_one()
        return found

    with pytest.MonkeyPatch.context() as patch:
        # The server sees at once that nobody is there any more.
        watch = "set client_connection_check_interval = '50ms'"
        patch.setattr(applying, "_WATCH_CLIENT", watch)
        patch.setattr(psycopg.Connection, "execute", execute)
        migrate(order["url"], files=CHAIN)
    return {"moments": moments}


if __name__ == "__main__":
    serve(deliver)
