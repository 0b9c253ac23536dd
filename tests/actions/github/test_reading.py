"""Queries about a repository answer within it and within bounds."""

from typing import Any

import pytest

from infra.local.sandbox.github.git.commits import Link, Submodule
from shared.actions.github import reading
from shared.actions.github.queries import (
    ListCommits,
    ListPulls,
    ReadIssue,
    ReadPull,
    ReadText,
    SearchCode,
    SearchIssues,
)
from shared.errors import ActionRejected, ActionUnavailable
from shared.marks import mark_of
from tests.actions.github.sandbox_issue import SHOP, SandboxIssue

SECRET = "acme/secret"


def numbers(answer: dict[str, list[dict[str, int]]]) -> list[int]:
    return [item["number"] for item in answer["items"]]


# Issues


def test_issues_are_found_by_words_and_qualifiers(target: SandboxIssue) -> None:
    target.sandbox.open_issue(SHOP, "Login fails", "With *umlauts*: Jörg 登录")
    target.sandbox.open_pull_request(SHOP, "Fix the login")
    found = target.adapter.read(SearchIssues(SHOP, "login is:open"))
    assert (numbers(found), found["total"], found["complete"]) == ([2], 1, True)
    assert found["items"][0]["text"] == "With *umlauts*: Jörg 登录"
    assert numbers(target.adapter.read(SearchIssues(SHOP, "login", "pr"))) == [3]
    assert numbers(target.adapter.read(SearchIssues(SHOP, "登录"))) == [2]
    assert numbers(target.adapter.read(SearchIssues(SHOP, ""))) == [2, 1]


def test_a_search_says_that_there_is_more_than_it_shows(target_with_token: SandboxIssue) -> None:
    for number in range(4):
        target_with_token.sandbox.open_issue(SHOP, f"Slow {number}", "x" * 5_000)
    found = target_with_token.adapter.read(SearchIssues(SHOP, "slow", limit=3))
    assert (len(found["items"]), found["total"], found["complete"]) == (3, 4, False)
    assert all(len(item["text"]) == 1_000 for item in found["items"])


def test_a_search_may_name_the_repository_itself(target: SandboxIssue) -> None:
    target.sandbox.add_repository(SECRET, private=True)
    target.sandbox.open_issue(SECRET, "crash x", "the secret")
    assert numbers(target.adapter.read(SearchIssues(SHOP, f"repo:{SHOP} crashes"))) == [1]


def test_an_issue_is_read_with_its_newest_comments(target: SandboxIssue) -> None:
    for number in range(150):
        target.sandbox.comment(SHOP, target.issue.number, f"comment {number}")
    read = target.adapter.read(ReadIssue(SHOP, target.issue.number, comments=3))
    assert [said["text"] for said in read["comments"]] == [f"comment {n}" for n in (147, 148, 149)]
    assert (read["title"], read["text"], read["complete"]) == ("It crashes", "At checkout.", False)
    few = target.adapter.read(ReadIssue(SHOP, target.sandbox.open_issue(SHOP, "Other"), comments=3))
    assert (few["comments"], few["text"], few["complete"]) == ([], "", True)


# Files


def test_a_file_is_read_at_any_ref(target: SandboxIssue) -> None:
    first = target.sandbox.push(SHOP, {"docs/über 文件.md": "Grüße 你好 😀\n"})
    target.sandbox.push(SHOP, {"docs/über 文件.md": "two"})
    target.sandbox.push(SHOP, {"docs/über 文件.md": "three"}, branch="feature/a b")
    for ref, text in ((first, "Grüße 你好 😀\n"), ("", "two"), ("feature/a b", "three")):
        read = target.adapter.read(ReadText(SHOP, "docs/über 文件.md", ref))
        assert (read["text"], read["path"], read["complete"]) == (text, "docs/über 文件.md", True)


def test_a_long_file_is_cut_and_a_huge_one_refused(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    target.sandbox.push(SHOP, {"long.txt": "很" * 70_000, "huge.txt": "x" * 1_100_000})
    read = target.adapter.read(ReadText(SHOP, "long.txt"))
    assert (len(read["text"]), read["size"], read["complete"]) == (60_000, 210_000, False)
    with pytest.raises(ActionRejected, match=r"it has 1,100,000 bytes; the limit is 1,048,576"):
        target.adapter.read(ReadText(SHOP, "huge.txt"))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("docs", "it is a folder; name a file"),
        ("lib", "it is a submodule; name a file"),
        ("to", "it is a symlink; name a file"),
        ("logo.png", "it is not text in UTF-8"),
        ("nul.txt", "it is not text in UTF-8"),
        ("none.md", "404 Not Found; it is gone"),
    ],
)
def test_what_is_no_text_file_is_refused_with_the_reason(
    target_with_token: SandboxIssue, path: str, reason: str
) -> None:
    target_with_token.sandbox.push(
        SHOP,
        {
            "docs/a.md": "A",
            "lib": Submodule("1" * 40),
            "to": Link("docs"),
            "logo.png": b"\x89PNG\xff",
            "nul.txt": "a\0b",
        },
    )
    with pytest.raises(ActionRejected, match=reason):
        target_with_token.adapter.read(ReadText(SHOP, path))


def test_code_is_found_by_words(target: SandboxIssue) -> None:
    target.sandbox.push(SHOP, {"src/cart.py": "def checkout(): ...", "README.md": "The shop"})
    found = target.adapter.read(SearchCode(SHOP, "checkout"))
    assert [item["path"] for item in found["items"]] == ["src/cart.py"]
    assert found["items"][0]["url"].endswith("/src/cart.py")
    with pytest.raises(ActionRejected, match="Validation Failed"):
        target.adapter.read(SearchCode(SHOP, ""))


def test_commits_are_listed_since_a_date_and_of_a_path(target: SandboxIssue) -> None:
    one = target.sandbox.push(SHOP, {"a.md": "1"}, message="Begin")
    two = target.sandbox.push(SHOP, {"docs/b.md": "2"}, message="Write\n\nAnd more")
    listed = target.adapter.read(ListCommits(SHOP))
    assert [item["sha"] for item in listed["items"]] == [two, one]
    assert listed["items"][0] == {
        "sha": two,
        "message": "Write\n\nAnd more",
        "author": "maria",
        "at": listed["items"][0]["at"],
        "url": listed["items"][0]["url"],
    }
    docs = target.adapter.read(ListCommits(SHOP, path="docs"))
    assert [item["sha"] for item in docs["items"]] == [two]
    assert target.adapter.read(ListCommits(SHOP, since="2999-01-01"))["items"] == []
    assert target.adapter.read(ListCommits(SHOP, limit=1))["complete"] is False
    with pytest.raises(ActionRejected, match="`since` is not a date"):
        target.adapter.read(ListCommits(SHOP, since="last week"))


@pytest.mark.parametrize(
    ("account", "written", "author"),
    [
        ({"login": "maria"}, {"name": "Eve"}, "maria"),
        (None, {"name": "maria"}, "maria (says the commit)"),
        (None, {}, ""),
        (None, None, ""),
    ],
)
def test_a_commit_cannot_pass_for_an_account(account: Any, written: Any, author: str) -> None:
    row = {"sha": "1", "html_url": "", "author": account}
    row["commit"] = {"message": "x", "author": written}
    assert reading._commit(row)["author"] == author


@pytest.mark.parametrize(
    ("body", "author"),
    [
        ("It crashes.", "maria"),
        (None, "maria"),
        (f"It crashes.\n\n{mark_of('ab', 'plan', 1)}", "maria (marked as the agent's)"),
    ],
)
def test_what_the_agent_wrote_is_not_told_as_its_owners(body: Any, author: str) -> None:
    row = {"user": {"login": "maria"}, "body": body, "created_at": "", "html_url": ""}
    assert reading._comment(row)["author"] == author


# Pull requests


def test_the_last_merged_pull_requests_are_listed_newest_first(target: SandboxIssue) -> None:
    made = [target.sandbox.open_pull_request(SHOP, f"Change {n}") for n in range(5)]
    for number in made[:4]:
        target.sandbox.merge_pull_request(SHOP, number)
    target.sandbox.edit_issue(SHOP, made[4], state="closed")
    merged = target.adapter.read(ListPulls(SHOP, "merged"))
    assert sorted(numbers(merged)) == made[:4]
    assert {item["state"] for item in merged["items"]} == {"merged"}
    few = target.adapter.read(ListPulls(SHOP, "merged", limit=3))
    assert (len(few["items"]), few["complete"]) == (3, False)
    assert target.adapter.read(ListPulls(SHOP, "merged", since="2999-01-01"))["items"] == []
    assert numbers(target.adapter.read(ListPulls(SHOP))) == []
    assert len(target.adapter.read(ListPulls(SHOP, "closed"))["items"]) == 5


def test_all_merged_pull_requests_are_found_behind_a_page_of_closed_ones(
    target_with_token: SandboxIssue,
) -> None:
    target = target_with_token
    for n in range(3):
        target.sandbox.merge_pull_request(
            SHOP, target.sandbox.open_pull_request(SHOP, f"Merged {n}")
        )
    for n in range(120):
        number = target.sandbox.open_pull_request(SHOP, f"Closed {n}")
        target.sandbox.edit_issue(SHOP, number, state="closed")
    listed = target.adapter.read(ListPulls(SHOP, "merged", limit=40))
    assert (len(listed["items"]), listed["complete"]) == (3, True)


def test_a_pull_request_is_read_with_patches_up_to_a_bound(target: SandboxIssue) -> None:
    target.sandbox.push(SHOP, {"a.py": "one\n", "gone.py": "x\n"})
    target.sandbox.push(
        SHOP, {"a.py": "two\n", "b.py": "很\n" * 2_000, "gone.py": None}, branch="change"
    )
    number = target.sandbox.open_pull_request(SHOP, "Change", "It")
    read = target.adapter.read(ReadPull(SHOP, number, most=200))
    files = {file["path"]: file for file in read["files"]}
    assert files["a.py"]["patch"] == "@@ -1 +1 @@\n-one\n+two"
    assert (files["a.py"]["additions"], files["a.py"]["deletions"]) == (1, 1)
    assert files["gone.py"]["status"] == "removed"
    assert not files["b.py"]["complete"]
    assert sum(len(file["patch"]) for file in read["files"]) <= 200
    assert not read["complete"]
    assert target.adapter.read(ReadPull(SHOP, number))["complete"]


# All of them

QUERIES = (
    SearchIssues(SHOP, "x"),
    SearchCode(SHOP, "x"),
    ReadText(SHOP, "README.md"),
    ListCommits(SHOP),
    ListPulls(SHOP, "merged"),
    ReadIssue(SHOP, 1),
    ReadPull(SHOP, 1),
)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: type(query).__name__)
def test_a_query_says_what_is_missing_or_when_to_come_again(
    target_with_token: SandboxIssue, query: ReadText
) -> None:
    target = target_with_token
    with pytest.raises(ActionRejected, match=r"could not .* acme/none"):
        target.adapter.read(ReadText("acme/none", "README.md"))
    target.sandbox.fail_next(403, retry_after=7)
    with pytest.raises(ActionUnavailable, match="rate limited, retry in 7 s"):
        target.adapter.read(query)
    target.sandbox.fail_next(403)
    with pytest.raises(ActionRejected, match="it needs the permission"):
        target.adapter.read(query)
