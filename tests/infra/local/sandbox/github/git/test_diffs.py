"""What two commits differ by: as files with patches, as git's text, and as contents."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from urllib3 import BaseHTTPResponse, PoolManager

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.git.commits import Content, Executable, Link, Submodule
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.receiver import Receiver

Ask = Callable[..., BaseHTTPResponse]

_TEXT = "".join(f"line {n}\n" for n in range(30))
_BEFORE: Mapping[str, Content] = {
    "changed.py": "one\ntwo\n",
    "no end.py": "one\ntwo",
    "windows.txt": "one\r\ntwo\r\n",
    "gone.py": "one\n",
    "moved.py": _TEXT,
    "same.py": _TEXT.upper(),
    "run.sh": "#!/bin/sh\n",
    "picture.png": b"\x89PNG\0one",
    "lib": Submodule("1" * 40),
    "link": Link("changed.py"),
    "deep/er/file.py": "x\n",
}
_CHANGES: Mapping[str, Content] = {
    "changed.py": "one\n2\n",
    "no end.py": "one\ntwo\n",
    "windows.txt": "one\r\ntwo\r\nthree\r\n",
    "gone.py": None,
    "moved.py": None,
    "new/moved.py": _TEXT.replace("line 7\n", "line seven\n"),
    "same.py": None,
    "new/same.py": _TEXT.upper(),
    "run.sh": Executable("#!/bin/sh\n"),
    "picture.png": b"\x89PNG\0two",
    "lib": Submodule("2" * 40),
    "link": Link("no end.py"),
    "käse 🧀.py": "new\n",
    "empty": "",
}


@pytest.fixture
def ask(sandbox: GitHubSandbox) -> Ask:
    """Ask the sandbox as its bot."""
    http, token = PoolManager(), sandbox.token

    def asking(path: str, accept: str = "application/json", **headers: str) -> BaseHTTPResponse:
        sent = {"Authorization": f"token {token}", "Accept": accept, **headers}
        return http.request("GET", f"{sandbox.api_url}/repos/{SHOP}{path}", headers=sent)

    return asking


@pytest.fixture
def number(sandbox: GitHubSandbox) -> int:
    sandbox.push(SHOP, _BEFORE)
    return sandbox.open_pull_request(SHOP, "All", head="all", files=_CHANGES)


def test_the_files_of_a_pull_request(number: int, ask: Ask) -> None:
    files = {one["filename"]: one for one in ask(f"/pulls/{number}/files").json()}
    said = {
        name: (one["status"], one["additions"], one["deletions"]) for name, one in files.items()
    }
    assert said == {
        "changed.py": ("modified", 1, 1),
        "no end.py": ("modified", 1, 1),
        "windows.txt": ("modified", 1, 0),
        "gone.py": ("removed", 0, 1),
        "new/moved.py": ("renamed", 1, 1),
        "new/same.py": ("renamed", 0, 0),
        "run.sh": ("modified", 0, 0),
        "picture.png": ("modified", 0, 0),
        "lib": ("modified", 1, 1),
        "link": ("modified", 1, 1),
        "käse 🧀.py": ("added", 1, 0),
        "empty": ("added", 0, 0),
    }
    assert files["new/moved.py"]["previous_filename"] == "moved.py"
    assert {name for name, one in files.items() if "patch" not in one} == {
        *("new/same.py", "run.sh", "picture.png", "empty")
    }
    assert files["windows.txt"]["patch"] == "@@ -1,2 +1,3 @@\n one\r\n two\r\n+three\r"
    assert files["no end.py"]["patch"] == (
        "@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two"
    )
    assert files["lib"]["patch"] == (
        f"@@ -1 +1 @@\n-Subproject commit {'1' * 40}\n+Subproject commit {'2' * 40}"
    )


@pytest.mark.parametrize("path", ["/pulls/{number}", "/compare/main...all", "/commits/all"])
def test_git_takes_the_text_of_a_diff(
    sandbox: GitHubSandbox, number: int, ask: Ask, path: str, tmp_path: Path
) -> None:
    reply = ask(path.format(number=number), "application/vnd.github.diff")
    assert reply.headers["Content-Type"] == "application/vnd.github.v3.diff; charset=utf-8"
    text = reply.data.decode()
    assert "rename from moved.py\nrename to new/moved.py\n" in text
    assert 'diff --git "a/k\\303\\244se \\360\\237\\247\\200.py" ' in text
    assert "Binary files a/picture.png and b/picture.png differ\n" in text
    assert "old mode 100644\nnew mode 100755\n" in text
    assert "--- a/no end.py\t\n" in text
    if (git := shutil.which("git")) is None:
        pytest.skip("git is not installed")
    subprocess.run([git, "init", "-q"], cwd=tmp_path, check=True)
    kept = [name for name in _BEFORE if name not in {"picture.png", "lib"}]
    for name in kept:
        there = tmp_path / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if name == "link":
            there.symlink_to(sandbox.file(SHOP, "main", name).decode())
        else:
            there.write_bytes(sandbox.file(SHOP, "main", name))
    apply = [git, "apply", "--whitespace=nowarn", "--exclude=picture.png", "--exclude=lib", "-"]
    subprocess.run(apply, input=reply.data, cwd=tmp_path, check=True)
    after = {*kept, *_CHANGES} - {name for name, one in _CHANGES.items() if one is None}
    for name in after - {"picture.png", "lib", "link"}:
        assert (tmp_path / name).read_bytes() == sandbox.file(SHOP, "all", name)


def test_too_large_diffs(sandbox: GitHubSandbox, ask: Ask) -> None:
    files: dict[str, Content] = {f"f/{n:04}": f"{n}\n" for n in range(3_005)}
    many = sandbox.open_pull_request(SHOP, "Many", head="many", files=files)
    reply = ask(f"/pulls/{many}", "application/vnd.github.v3.diff")
    assert (reply.status, reply.json()["errors"]) == (
        406,
        [{"resource": "PullRequest", "field": "diff", "code": "too_large"}],
    )
    assert "maximum number of files (300)" in reply.json()["message"]
    seen = [one["filename"] for page in range(1, 32) for one in _page(ask, many, page)]
    assert seen == sorted(files)[:3000]  # and no README.md of the base
    assert len(ask("/compare/main...many").json()["files"]) == 300
    long = "".join(f"{n}\n" for n in range(15_000))
    large = sandbox.open_pull_request(
        SHOP, "Large", head="large", files={"a": long, "b": long, "c": "1\n", "d": f"{long}{long}"}
    )
    reply = ask(f"/pulls/{large}", "application/vnd.github.diff")
    assert (reply.status, "lines (20000)" in reply.json()["message"]) == (406, True)
    rows = _page(ask, large, 1)
    # Past 20,000 lines in one answer nothing is told of the rest; a page of its own tells.
    assert [(one["additions"], "patch" in one) for one in rows] == [
        (15_000, True),
        (15_000, True),
        (0, False),
        (0, False),
    ]
    (last,) = ask(f"/pulls/{large}/files?per_page=1&page=4").json()
    assert (last["additions"], "patch" in last) == (30_000, False)


def _page(ask: Ask, number: int, page: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(f"/pulls/{number}/files?per_page=100&page={page}").json()
    return found


def test_compare(sandbox: GitHubSandbox, ask: Ask) -> None:
    first = sandbox.push(SHOP, {"a": "1\n"})
    ahead = sandbox.push(SHOP, {"a": "2\n"}, branch="fix")
    behind = sandbox.push(SHOP, {"b": "1\n"})
    fork = sandbox.fork(SHOP, "sam")
    theirs = sandbox.push(fork, {"c": "1\n"}, "sam", branch="new")
    apart = sandbox.push(SHOP, {"z": "1\n"}, branch="apart", on="")
    table = {
        "main...fix": ("diverged", 1, 1, first, ["a"]),
        f"{first}...fix": ("ahead", 1, 0, first, ["a"]),
        f"fix...{first[:10]}": ("behind", 0, 1, first, []),
        "main...main": ("identical", 0, 0, behind, []),
        "main...sam:new": ("ahead", 1, 0, behind, ["c"]),
        "main...sam:shop:new": ("ahead", 1, 0, behind, ["c"]),
        "acme:main...sam:new": ("ahead", 1, 0, behind, ["c"]),
    }
    for ends, (status, *counts, common, files) in table.items():
        reply = ask(f"/compare/{ends}").json()
        assert reply["status"] == status, ends
        assert [reply["ahead_by"], reply["behind_by"]] == counts
        assert reply["merge_base_commit"]["sha"] == common
        assert [one["filename"] for one in reply["files"]] == files
    assert ask("/compare/main...sam:new").json()["commits"][-1]["sha"] == theirs
    assert ask("/compare/main...fix").json()["commits"][0]["sha"] == ahead
    for ends in (f"main...{apart}", "main...nobody", "main...eve:new", "main...sam:other:new"):
        assert ask(f"/compare/{ends}").status == 404, ends
    assert ask(f"/compare/main...{'0' * 40}").status == 404
    assert ask(f"/commits/{'0' * 40}").status == 422


def test_contents(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    raw = "application/vnd.github.raw+json"
    assert ask("/contents/picture.png?ref=all", raw).data == b"\x89PNG\0two"
    assert ask("/contents/link?ref=all", raw).data == b"one\ntwo\n"
    assert ask("/contents/lib?ref=all").json()["type"] == "submodule"
    assert ask("/contents/run.sh?ref=all").json()["type"] == "file"
    root = [one["name"] for one in ask("/contents").json()]
    assert root == sorted({name.partition("/")[0] for name in _BEFORE})
    assert [one["path"] for one in ask("/contents/deep/er").json()] == ["deep/er/file.py"]
    folder = ask("/contents/deep", "application/vnd.github.object").json()
    assert (folder["type"], [one["name"] for one in folder["entries"]]) == ("dir", ["er"])
    large = sandbox.push(SHOP, {"large": b"x" * (1024 * 1024 + 1)}, branch="large")
    reply = ask(f"/contents/large?ref={large}").json()
    assert (reply["encoding"], reply["content"]) == ("none", "")
    assert len(ask(f"/contents/large?ref={large}", raw).data) == 1024 * 1024 + 1
    sandbox.limit_blobs(1024)
    reply_403 = ask(f"/contents/large?ref={large}", raw)
    assert (reply_403.status, reply_403.json()["errors"][0]["code"]) == (403, "too_large")
    for path in ("nothing", "changed.py/more", "large"):
        assert ask(f"/contents/{path}").status == 404
    assert ask("/contents/large?ref=nowhere").status == 404
    entries = {one["path"]: one["sha"] for one in ask("/git/trees/all?recursive=1").json()["tree"]}
    assert ask(f"/git/blobs/{entries['no end.py']}", raw).data == b"one\ntwo\n"


def test_who_has_the_answer_already_gets_304(number: int, ask: Ask) -> None:
    path = f"/pulls/{number}/files"
    first = ask(path)
    again = ask(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")
    used = [int(one.headers["X-RateLimit-Used"]) for one in (first, again)]
    assert used[0] == used[1]
    assert ask(path, **{"If-None-Match": 'W/"other"'}).status == 200


def test_a_fork_is_followed_and_may_be_deleted(sandbox: GitHubSandbox, ask: Ask) -> None:
    sandbox.push(SHOP, {"a": "1\n"})
    fork = sandbox.fork(SHOP, "sam")
    sandbox.push(fork, {"a": "2\n"}, "sam", branch="fix")
    number = sandbox.open_pull_request(SHOP, "Mend", author="sam", head="sam:fix")
    pull = ask(f"/pulls/{number}").json()
    assert (pull["head"]["label"], pull["head"]["repo"]["full_name"]) == ("sam:fix", fork)
    assert pull["head"]["repo"]["fork"]
    later = sandbox.push(fork, {"a": "3\n"}, "sam", branch="fix")
    assert ask(f"/pulls/{number}").json()["head"]["sha"] == later
    sandbox.push(SHOP, {"a": "4\n"}, branch="fix")  # another branch of that name
    assert ask(f"/pulls/{number}").json()["head"]["sha"] == later
    sandbox.relocations.delete(fork)
    gone = ask(f"/pulls/{number}").json()
    assert (gone["head"]["repo"], gone["head"]["sha"]) == (None, later)
    (file,) = ask(f"/pulls/{number}/files").json()
    assert file["patch"] == "@@ -1 +1 @@\n-1\n+3"
    assert json.loads(ask(f"/pulls/{number}/commits").data)[-1]["sha"] == later


def test_a_merged_base_is_not_what_a_pull_request_changes(
    sandbox: GitHubSandbox, ask: Ask, receiver: Receiver
) -> None:
    sandbox.push(SHOP, {"a": "1\n2\n3\n4\n5\n", "b": "1\n"})
    files: dict[str, Content] = {"a": "1\n2\n3\n4\nfive\n"}
    number = sandbox.open_pull_request(SHOP, "Mend", head="fix", files=files)
    before = sandbox.branches(SHOP)["fix"]
    main = sandbox.push(SHOP, {"a": "one\n2\n3\n4\n5\n", "b": None, "c": "x\n"})
    sandbox.webhook_url = receiver.url
    sandbox.update_branch(SHOP, number)
    after = sandbox.branches(SHOP)["fix"]
    assert sandbox.file(SHOP, "fix", "a") == b"one\n2\n3\n4\nfive\n"
    parents = [one["sha"] for one in ask(f"/commits/{after}").json()["parents"]]
    assert parents == [before, main]
    assert [one["filename"] for one in ask(f"/pulls/{number}/files").json()] == ["a"]
    # What came from the base is in the comparison with the commit before, as at GitHub.
    since = ask(f"/compare/{before}...{after}").json()
    assert [one["filename"] for one in since["files"]] == ["a", "b", "c"]
    assert (since["status"], since["merge_base_commit"]["sha"]) == ("ahead", before)
    assert [one["sha"] for one in ask(f"/pulls/{number}/commits").json()][1:] == [after]
    assert sandbox.settle()
    assert [payload.get("action") for payload in receiver.payloads] == [None, "synchronize"]
    with pytest.raises(GitHubError, match="no new commits"):
        sandbox.update_branch(SHOP, number)
    sandbox.push(SHOP, {"a": "one\n2\n3\n4\nFIVE\n"})
    with pytest.raises(GitHubError, match="merge conflict"):
        sandbox.update_branch(SHOP, number)
    assert sandbox.branches(SHOP)["fix"] == after


def test_what_is_not_utf_8_is_compared_all_the_same(sandbox: GitHubSandbox, ask: Ask) -> None:
    sandbox.push(SHOP, {"a": "käse\n".encode("latin-1")})
    sandbox.push(SHOP, {"a": "köse\n".encode("latin-1")}, branch="fix")
    (file,) = ask("/compare/main...fix").json()["files"]
    assert file["patch"] == "@@ -1 +1 @@\n-käse\n+köse"


def test_the_files_stay_when_the_branch_goes(sandbox: GitHubSandbox, ask: Ask) -> None:
    number = sandbox.open_pull_request(SHOP, "Mend", head="fix", files={"a": "1\n"})
    sha = sandbox.branches(SHOP)["fix"]
    sandbox.merge_pull_request(SHOP, number)
    sandbox.delete_branch(SHOP, "fix")
    assert ask(f"/pulls/{number}").json()["head"]["sha"] == sha
    assert [one["filename"] for one in ask(f"/pulls/{number}/files").json()] == ["a"]
    assert ask(f"/contents/a?ref={sha}", "application/vnd.github.raw").data == b"1\n"
    assert ask("/contents/a?ref=fix").status == 404
