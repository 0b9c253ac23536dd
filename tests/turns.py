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


#: Which part of the run the longest files are spread over; the short ones end it.
_SPREAD = 0.8


def put_in_turn(items: list[pytest.Item]) -> None:
    """Spread the files that wait, the longest first, among those that compute: a worker has a file
    at a time, and while all wait the processors are idle."""
    waiting, computing = dict[str, int](), list[str]()
    for name in dict.fromkeys(map(_file, items)):
        turn = next((turn for turn, start in enumerate(_LONGEST) if name.startswith(start)), None)
        if turn is None:
            computing.append(name)
        else:
            waiting[name] = turn
    in_turn = sorted(waiting, key=waiting.__getitem__)
    place = {name: number / len(computing) for number, name in enumerate(computing)}
    place |= {name: _SPREAD * number / len(in_turn) for number, name in enumerate(in_turn)}
    items.sort(key=lambda item: place[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def leave_out_servers(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose fixtures start a server; `no_servers` skips the others that do."""
    left_out = [item for item in items if _SERVERS & {*getattr(item, "fixturenames", ())}]
    config.hook.pytest_deselected(items=left_out)
    gone = {*left_out}
    items[:] = [item for item in items if item not in gone]
