"""Which tests a run takes, and in which order."""

import pytest

#: Where the longest files are, the longest first: they start processes and systems, or wait.
_LONGEST = (
    *("tests/infra/deploy/", "tests/infra/certify/", "tests/infra/cli/", "tests/previous/"),
    *("tests/infra/", "tests/system/", "tests/crash/", "tests/attacks/"),
    *("tests/database/", "tests/benchmarks/", "tests/actions/slack/"),
)

#: The fixtures that most tests get a server by.
_SERVERS = {"postgres_url", "strict", "migrated_home"}


def turn(item: pytest.Item) -> int:
    found = (turn for turn, start in enumerate(_LONGEST) if item.nodeid.startswith(start))
    return next(found, len(_LONGEST))


def leave_out_servers(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose fixtures start a server; `no_servers` skips the others that do."""
    left_out = [item for item in items if _SERVERS & {*getattr(item, "fixturenames", ())}]
    config.hook.pytest_deselected(items=left_out)
    gone = {*left_out}
    items[:] = [item for item in items if item not in gone]
