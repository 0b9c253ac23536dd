"""Threads of reviews: where they stand after a push, and what becomes of their comments."""

from typing import Any

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.git.commits import Content
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.receiver import Receiver
from tests.infra.local.sandbox.github.reviews.conftest import Ask


def _changed(sandbox: GitHubSandbox, old: str, new: str) -> dict[str, Content]:
    text = sandbox.file(SHOP, "fix", "cart.py").decode()
    assert old in text
    return {"cart.py": text.replace(old, new, 1)}


#: What is pushed, and where the comment on lines 10 and 11 stands afterwards.
_PUSHES = {
    "elsewhere": ("line 38\n", "thirty-eight\n", (10, 11)),
    "lines come above": ("line 2\n", "line 2\n2a\n2b\n", (12, 13)),
    "lines go above": ("line 2\n", "", (9, 10)),
    "the lines change": ("ten\n", "TEN\n", None),
    "a line comes between": ("ten\n10\n", "ten\n10½\n10\n", None),
    "the lines go": ("ten\n10\n", "line 10\n", None),
}


@pytest.mark.parametrize("case", _PUSHES)
def test_a_push_moves_a_comment_or_makes_it_outdated(
    sandbox: GitHubSandbox, number: int, ask: Ask, case: str
) -> None:
    old, new, lines = _PUSHES[case]
    first = sandbox.branches(SHOP)["fix"]
    place: dict[str, Any] = {"path": "cart.py", "line": 11, "start_line": 10}
    comment = sandbox.comment_on_line(SHOP, number, "Why?", **place)
    later = sandbox.push(SHOP, _changed(sandbox, old, new), branch="fix")
    shown = ask("GET", f"/pulls/comments/{comment}").body
    assert (shown["original_start_line"], shown["original_line"]) == (10, 11)
    assert shown["original_commit_id"] == first
    if lines is None:
        assert (shown["line"], shown["start_line"], shown["position"]) == (None, None, None)
        assert shown["commit_id"] == first
    else:
        assert (shown["start_line"], shown["line"]) == lines
        assert shown["position"]
        assert shown["commit_id"] == later


def test_a_review_of_an_earlier_commit_is_followed_to_the_head(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    first = sandbox.branches(SHOP)["fix"]
    later = sandbox.push(SHOP, _changed(sandbox, "line 2\n", "2\n2\n2\n"), branch="fix")
    last = sandbox.push(SHOP, _changed(sandbox, "10\n", "X\n"), branch="fix")
    comments = [{"path": "cart.py", "line": line, "body": "Why?"} for line in (10, 11)]
    fields: dict[str, Any] = {"commit_id": first, "event": "COMMENT", "comments": comments}
    review = ask("POST", f"/pulls/{number}/reviews", **fields).body
    assert review["commit_id"] == first
    one, two = ask("GET", f"/pulls/{number}/reviews/{review['id']}/comments").body
    assert (one["line"], one["original_line"], one["commit_id"]) == (12, 10, last)
    assert (two["line"], two["original_line"], two["commit_id"]) == (None, 11, first)
    fields["commit_id"] = later
    refused = ask("POST", f"/pulls/{number}/reviews", **fields)
    assert refused.status == 200  # these lines are in the diff there too
    sandbox.push(SHOP, {"z": "1\n"}, branch="fix", on=sandbox.branches(SHOP)["main"])
    refused = ask("POST", f"/pulls/{number}/reviews", **fields)
    assert refused.errors == ["The commitOID is not part of the pull request"]


def test_a_deleted_line_stays_until_the_base_moves_it(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    place: dict[str, Any] = {"path": "cart.py", "line": 30, "side": "LEFT"}
    comment = sandbox.comment_on_line(SHOP, number, "Why?", **place)

    def line() -> object:
        return ask("GET", f"/pulls/comments/{comment}").body["line"]

    sandbox.push(SHOP, _changed(sandbox, "line 2\n", "2\n"), branch="fix")
    assert line() == 30
    sandbox.push(SHOP, _changed(sandbox, "line 29\n", "line 29\nline 30\n"), branch="fix")
    assert line() is None  # no longer deleted


@pytest.mark.parametrize("how", ["removed", "renamed", "by force"])
def test_what_goes_from_the_diff_is_outdated(
    sandbox: GitHubSandbox, number: int, ask: Ask, how: str
) -> None:
    comment = sandbox.comment_on_line(SHOP, number, "Why?", path="new.py", line=2)
    content = sandbox.file(SHOP, "fix", "new.py").decode()
    files: dict[str, Content] = {"new.py": None}
    if how == "renamed":
        files["newer.py"] = content
    main = sandbox.branches(SHOP)["main"]
    force = {"on": main} if how == "by force" else {}
    sandbox.push(SHOP, files if not force else {"z": "1\n"}, branch="fix", **force)
    assert ask("GET", f"/pulls/comments/{comment}").body["line"] is None
    # The same file again, and the comment stands again.
    sandbox.push(SHOP, {"new.py": f"0\n{content}"}, branch="fix")
    assert ask("GET", f"/pulls/comments/{comment}").body["line"] == 3


def test_answers_share_a_thread(
    sandbox: GitHubSandbox, number: int, ask: Ask, receiver: Receiver
) -> None:
    first = sandbox.comment_on_line(SHOP, number, "Why?", path="cart.py", line=10)
    path = f"/pulls/{number}/comments"
    one = ask("POST", f"{path}/{first}/replies", body="So").body
    two = ask("POST", path, body="And so", in_reply_to=one["id"], line=99, path="x").body
    assert [row["in_reply_to_id"] for row in (one, two)] == [first, first]
    assert ask("POST", f"{path}/999999/replies", body="So").status == 404
    assert ask("POST", path, body="So", in_reply_to="x").status == 404
    assert ask("POST", f"{path}/{first}/replies", body="").status == 422
    other = sandbox.open_pull_request(SHOP, "Other", head="other", files={"z": "1"})
    assert ask("POST", f"/pulls/{other}/comments/{first}/replies", body="So").status == 404
    assert ask("GET", f"/pulls/{number}").body["review_comments"] == 3
    sandbox.webhook_url = receiver.url
    sandbox.resolve(one["id"], "maria")
    sandbox.resolve(first, "maria")  # it is
    sandbox.resolve(two["id"], "li", resolved=False)
    assert sandbox.settle()
    assert receiver.seen == [
        "pull_request_review_thread.resolved",
        "pull_request_review_thread.unresolved",
    ]
    told = receiver.payloads[0]["thread"]["comments"]
    assert [row["body"] for row in told] == ["Why?", "So", "And so"]


def test_edits_deletions_and_reactions(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    visitor, li = sandbox.person_token("visitor"), sandbox.person_token("li")
    mine = ask("POST", f"/pulls/{number}/comments", visitor, **_place(sandbox)).body
    path = f"/pulls/comments/{mine['id']}"
    assert ask("PATCH", path, visitor, body="Other").body["body"] == "Other"
    assert ask("PATCH", path, visitor, body="").status == 422
    assert ask("PATCH", path, sandbox.person_token("eve"), body="Mine").status == 403
    assert ask("POST", f"{path}/reactions", content="-1").status == 201
    assert ask("POST", f"{path}/reactions", content="-1").status == 200
    assert ask("POST", f"{path}/reactions", content="hate").status == 422
    reaction = ask("POST", f"{path}/reactions", li, content="heart").body["id"]
    shown = ask("GET", path).body["reactions"]
    assert (shown["-1"], shown["heart"], shown["total_count"]) == (1, 1, 2)
    assert ask("DELETE", f"{path}/reactions/{reaction}").status == 403
    assert ask("DELETE", f"{path}/reactions/{reaction}", li).status == 204
    assert [one["content"] for one in ask("GET", f"{path}/reactions").body] == ["-1"]
    assert ask("DELETE", path, sandbox.person_token("eve")).status == 403
    assert ask("DELETE", path, li).status == 204
    for verb in ("GET", "DELETE"):
        assert ask(verb, path).status == 404
    # Nothing is left of the thread, or of the review that was only this comment.
    assert sandbox.threads(SHOP, number) == sandbox.reviews(SHOP, number) == []


def test_a_locked_conversation(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    sandbox.lock_issue(SHOP, number)
    visitor, li = sandbox.person_token("visitor"), sandbox.person_token("li")
    path = f"/pulls/{number}/comments"
    statuses = [ask("POST", path, by, **_place(sandbox)).status for by in ("", visitor, li)]
    assert statuses == [403, 403, 201]


def _place(sandbox: GitHubSandbox) -> dict[str, Any]:
    head = sandbox.branches(SHOP)["fix"]
    return {"body": "Why?", "path": "cart.py", "line": 10, "commit_id": head}
