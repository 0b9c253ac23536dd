"""`python -m tests.infra.migrations.killed URL N`: migrates, and kills itself at its Nth moment.

Every statement has a moment before it and one after it. With N = 0 it lives, and prints how many
moments there are.
"""

import os
import signal
import sys
from typing import Any

import psycopg
import pytest

from infra.migrations import applying, migrate
from tests.infra.migrations.files import CHAIN


def main(url: str, moment: int) -> None:
    plain, moments = psycopg.Connection.execute, 0

    def pass_one() -> None:
        nonlocal moments
        moments += 1
        if moments == moment:
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
        migrate(url, files=CHAIN)
    print(moments)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
