"""Changes with more files than GitHub lists are compared by their trees."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.pulls import trees
from shared.actions.github.queries import ReadChange
from shared.events import Json
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.flows.test_review import sandbox

__all__ = ["sandbox"]

BEFORE = {
    **{f"a/b{n}/c.py": f"x = {n}\n" for n in range(6)},
    **{"moved/old.py": "".join(f"line {n}\n" for n in range(9)), "same.py": "y = 1\n"},
    **{"gone/away.py": "z = 3\n", "root.py": "r = 1\n"},
}
AFTER: dict[str, str | None] = {
    **{"a/b1/c.py": "x = 9\n", "a/b7/new.py": "n = 1\n", "root.py": "r = 2\n", "zz.py": "n = 2\n"},
    **{"moved/old.py": None, "moved/deep/new.py": BEFORE["moved/old.py"], "gone/away.py": None},
}
CHANGED = {
    "a/b1/c.py": "modified",
    "a/b7/new.py": "added",
    "gone/away.py": "removed",
    "moved/deep/new.py": "renamed",
    "root.py": "modified",
    "zz.py": "added",
}


@pytest.fixture
def pull(sandbox: GitHubSandbox) -> Iterator[int]:
    sandbox.push(SHOP, BEFORE)
    yield sandbox.open_pull_request(SHOP, "Change", "Why", head="trees", files=AFTER)


def read(sandbox: GitHubSandbox, number: int) -> Json:
    found: Json = GitHubAdapter(as_app(sandbox)).read(ReadChange(SHOP, number))
    return found


@pytest.mark.parametrize(
    ("listed", "shown"), [(0, 1), (0, 100_000), (1, 4), (3, 8), (3, 100_000), (6, 1), (100, 1)]
)
def test_what_github_does_not_list_is_found_in_the_trees(
    sandbox: GitHubSandbox, pull: int, listed: int, shown: int
) -> None:
    sandbox.limit_pulls(listed)
    sandbox.limit_trees(shown)
    found = read(sandbox, pull)
    assert {row["filename"]: row["status"] for row in found["files"]} == CHANGED
    assert len(found["files"]) == len(CHANGED)
    assert found["complete"]
    hidden = {"a/b1/c.py", "a/b7/new.py", "root.py", "zz.py"} & {
        row["filename"] for row in found["files"][listed:]
    }
    assert {*found["hidden"]} == hidden
    renamed = next(row for row in found["files"] if row["status"] == "renamed")
    assert renamed["previous_filename"] == "moved/old.py"


def test_what_the_base_got_meanwhile_is_no_part_of_the_change(
    sandbox: GitHubSandbox, pull: int
) -> None:
    sandbox.push(SHOP, {"later.py": "later = 1\n", "same.py": "y = 2\n"})
    sandbox.limit_pulls(2)
    assert {row["filename"] for row in read(sandbox, pull)["files"]} == {*CHANGED}


def test_too_many_folders_are_named_as_not_reviewed(
    sandbox: GitHubSandbox, pull: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "_MOST", 6)
    sandbox.limit_pulls(2)
    sandbox.limit_trees(1)
    found = read(sandbox, pull)
    assert (found["complete"], len(found["files"])) == (False, 2)
