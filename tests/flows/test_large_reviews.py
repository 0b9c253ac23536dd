"""Reviews of changes that GitHub does not show as a whole, or that move while they are read."""

import json

import pytest
from urllib3 import request

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Query
from shared.actions.github.queries import ReadTexts
from shared.database import Database
from shared.errors import ActionUnavailable
from shared.models import ModelRequest
from shared.models.tokens import tokens
from shared.reviewing.finding import Finding, Findings
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.flows.test_review import FAULTY, Mortal, PullRequest, fresh, sandbox

__all__ = ["fresh", "sandbox"]

LONG = "".join(f"x{n} = {n}\n" for n in range(20_000))


def lines(pull: PullRequest) -> list[tuple[str, int]]:
    return sorted((row["path"], row["line"]) for row in pull.get("comments"))


def test_a_file_of_20_000_lines_is_read_and_compared(
    sandbox: GitHubSandbox, database: Database
) -> None:
    sandbox.push(SHOP, {"long.py": LONG})
    after = LONG.replace("x9000 = 9000\n", f"x9000 = 9000\n{FAULTY}")
    pull = PullRequest(sandbox, {"long.py": after.replace("= 3\n", "= 4\n")}, database)
    pull.review()
    assert lines(pull) == [("long.py", 9_002), ("long.py", 9_003)]
    assert "not reviewed" not in pull.sticky[0]


def test_files_behind_the_3000_that_github_lists_are_reviewed(
    sandbox: GitHubSandbox, database: Database
) -> None:
    sandbox.push(SHOP, {"zz/pay.py": "a = 1\nb = 2\n", "zz/same.py": "s = 1\n"})
    many = {f"vendor/a{n}.py": f"v = {n}\n" for n in range(3_040)}
    late = {"zz/pay.py": f"a = 1\n{FAULTY}b = 2\n", "zz/new.py": FAULTY, "zz/pic.bin": "\0"}
    pull = PullRequest(sandbox, {**many, **late}, database)
    before = len(sandbox.exchanges())
    pull.review()
    assert len(sandbox.exchanges()) - before < 60
    assert lines(pull) == [("zz/new.py", 1), ("zz/new.py", 2), ("zz/pay.py", 2)]
    assert "GitHub lists no more" not in pull.sticky[0]


class TooMuchAtOnce(Mortal):
    """GitHub takes too long for many files in one request."""

    def read(self, query: Query) -> object:
        if isinstance(query, ReadTexts) and query.ref:
            raise ActionUnavailable("github: could not read 80 files", sent=False)
        return super().read(query)


def test_what_cannot_be_read_at_once_is_read_one_by_one(
    sandbox: GitHubSandbox, database: Database
) -> None:
    sandbox.push(SHOP, {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    pull = PullRequest(sandbox, {"a.py": f"x = 1\n{FAULTY}", "b.py": "y = 2\n"}, database)
    pull.adapter = TooMuchAtOnce(as_app(sandbox))
    pull.review()
    assert {path for path, _ in lines(pull)} == {"a.py"}


def test_a_new_file_without_a_patch_is_reviewed_as_far_as_it_fits(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"long.py": f"{FAULTY}{LONG}{LONG}"}, database)
    pull.runner.model.rule = Findings(())
    pull.review()
    assert len(pull.runner.model.asked) == 24
    assert "`long.py`: only in part, too large a change" in pull.sticky[0]


def test_files_behind_the_last_line_that_github_shows_are_reviewed(
    sandbox: GitHubSandbox, database: Database
) -> None:
    data = {f"a{n}.txt": "a\n" * 7_000 for n in range(3)}
    sandbox.push(SHOP, {"z.py": "a = 1\nb = 2\n"})
    files = {**data, "z.py": f"a = 1\n{FAULTY}b = 2\n", "image.bin": "\0"}
    pull = PullRequest(sandbox, files, database)
    asked: list[str] = []

    def answer(request: ModelRequest) -> None:
        asked.append(request.messages[0].text)

    pull.runner.model.rule = answer
    assert "patch" not in pull.get("files")[-1]
    pull.review()
    assert any(
        "=== z.py (modified)\n@@\n     1   a = 1\n     2 + def total" in one for one in asked
    )
    assert ("z.py", 2) in lines(pull)
    assert "`image.bin`: binary or too large a change" in pull.sticky[0]


def test_the_files_around_a_change_are_read_in_one_request(
    sandbox: GitHubSandbox, database: Database
) -> None:
    names = [f"shop/a{n}.py" for n in range(30)]
    sandbox.push(SHOP, dict.fromkeys(names, "a = 1\nb = 2\n"))
    sandbox.push(SHOP, {"latin.py": b"# \xe9\na = 1\n"})
    sandbox.push(SHOP, dict.fromkeys(names, "a = 1\nb = 3\n"), branch="add")
    sandbox.push(SHOP, {"latin.py": b"# \xe9\na = 2\n"}, branch="add")
    pull = PullRequest(sandbox, {"shop/a0.py": f"a = 1\n{FAULTY}"}, database)
    before = len(sandbox.exchanges())
    pull.review()
    read = [one.path for one in sandbox.exchanges()[before:] if "/contents/" in one.path]
    assert not any("/contents/shop" in path for path in read)
    assert lines(pull) == [("shop/a0.py", 2), ("shop/a0.py", 3)]


@pytest.mark.parametrize("how", ["merged", "branch deleted"])
def test_what_happens_to_it_while_it_is_reviewed_makes_nothing_fail(
    sandbox: GitHubSandbox, database: Database, how: str
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)

    def answer(request: ModelRequest) -> None:
        pull.runner.model.rule = None
        if how == "merged":
            sandbox.merge_pull_request(SHOP, pull.number)
        else:
            sandbox.delete_branch(SHOP, "add")

    pull.runner.model.rule = answer
    pull.review()
    assert lines(pull) == [("a.py", 1), ("a.py", 2)]
    assert "2 posted" in pull.sticky[0]


def test_the_pull_request_of_a_fork_is_read_at_its_head(
    sandbox: GitHubSandbox, database: Database
) -> None:
    sandbox.push(SHOP, {"a.py": "a = 1\n"})
    fork = sandbox.fork(SHOP, "eve")
    sandbox.push(fork, {"a.py": f"a = 1\n{FAULTY}"}, branch="add", author="eve")
    pull = PullRequest(sandbox, {"other.py": "b = 1\n"}, database)
    pull.number = sandbox.open_pull_request(SHOP, "Fork", "Why", head="eve:add", author="eve")
    pull.review()
    assert lines(pull) == [("a.py", 2), ("a.py", 3)]


@pytest.mark.parametrize("window", [4_096, 8_192, 32_768])
def test_no_call_is_larger_than_the_window_of_the_model(
    sandbox: GitHubSandbox, database: Database, window: int
) -> None:
    said = "".join(f"- Rule {n}: say what it is for, in a few words.\n" for n in range(200))
    sandbox.push(SHOP, {"AGENTS.md": said, "shop/AGENTS.md": said})
    files = {f"shop/a{n}.py": FAULTY.replace("total", f"total{n}") * 6 for n in range(30)}
    pull = PullRequest(sandbox, files, database, model_windows=f"offline={window}")
    request(
        "PATCH",
        f"{sandbox.api_url}/repos/{SHOP}/pulls/{pull.number}",
        headers={"authorization": f"Bearer {sandbox.person_token('maria')}"},
        json={"body": f"Why\n\n{said * 2}"},
    )
    false = Finding("shop/a1.py", 1, 1, "no", "high", "bug", 0.9, "It is no.", "Why? " * 60)
    pull.runner.answers(None, Findings((false,) * 20))
    pull.review()
    asked = pull.runner.model.asked
    sizes = [
        tokens(f"{one.system}{one.messages[0].text}{json.dumps(one.schema)}") + one.max_tokens
        for one in asked
    ]
    assert len(asked) > 3 and max(sizes) <= window, sizes
    assert pull.get("comments")
