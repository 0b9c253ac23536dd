"""Reviews of the sandbox GitHub: written, refused, submitted, dismissed, as GitHub does it."""

import pytest

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app
from tests.infra.local.sandbox.github.receiver import Receiver
from tests.infra.local.sandbox.github.reviews.conftest import Ask

#: Where a comment may stand in cart.py, of which the hunks show lines 7 to 14 and 28 to 33.
_TAKEN: list[dict[str, object]] = [
    {"line": 10},
    {"line": 7},
    {"line": 14, "side": "RIGHT"},
    {"line": 10, "side": "LEFT"},
    {"line": 33, "side": "LEFT"},
    {"line": 11, "start_line": 10},
    {"line": 12, "start_line": 10, "start_side": "LEFT"},
    {"position": 1},
    {"position": 5},
    {"position": 11},
    {"subject_type": "file"},
]
_LINE, _PATH = "Line could not be resolved", "Path could not be resolved"
_START = "Start line could not be resolved"
_ORDER = "Pull request review thread start line must precede the end line."
_REFUSED: list[tuple[dict[str, object], str]] = [
    ({"line": 6}, _LINE),
    ({"line": 15}, _LINE),
    ({"line": 34, "side": "LEFT"}, _LINE),
    ({"line": 0}, _LINE),
    ({"line": -1}, _LINE),
    ({"line": 10_000}, _LINE),
    ({"line": "10"}, _LINE),
    ({"line": True}, _LINE),
    ({"line": 10, "side": "MIDDLE"}, _LINE),
    ({"line": 10, "side": ["LEFT"]}, _LINE),
    ({}, _LINE),
    ({"position": 99}, _LINE),
    ({"position": 10}, _LINE),  # the line with @@
    ({"line": 11, "start_line": 6}, _START),
    ({"line": 30, "start_line": 10}, _START),  # of another hunk
    ({"line": 10, "start_line": 11}, _ORDER),
    ({"line": 10, "start_line": 10}, _ORDER),
    ({"path": "other.py", "line": 1}, _PATH),
    ({"path": "nothing.py", "line": 1}, _PATH),
    ({"path": "", "line": 1}, _PATH),
    ({"path": None, "line": 1}, _PATH),
    ({"path": "picture", "line": 1}, _LINE),
    ({"path": "old.py", "line": 1}, _LINE),
    ({"path": "new.py", "line": 4}, _LINE),
    ({"path": "new.py", "line": 1, "side": "LEFT"}, _LINE),
]


def test_where_a_comment_may_stand(number: int, ask: Ask) -> None:
    comments = [{"path": "cart.py", "body": f"{n}", **one} for n, one in enumerate(_TAKEN)]
    comments += [{"path": "old.py", "line": 2, "side": "LEFT", "body": "Why?"}]
    made = ask("POST", f"/pulls/{number}/reviews", body="", event="COMMENT", comments=comments)
    assert made.status == 200, made.body
    shown = ask("GET", f"/pulls/{number}/reviews/{made.body['id']}/comments?per_page=100").body
    assert [one["body"] for one in shown] == [one["body"] for one in comments]
    assert [(one["line"], one["side"], one["position"]) for one in shown[:10]] == [
        (10, "RIGHT", 5),
        (7, "RIGHT", 1),
        (14, "RIGHT", 9),
        (10, "LEFT", 4),
        (33, "LEFT", 17),
        (11, "RIGHT", 6),
        (12, "RIGHT", 7),
        (7, "RIGHT", 1),
        (10, "RIGHT", 5),
        (28, "RIGHT", 11),
    ]
    assert shown[0]["diff_hunk"].endswith("-line 10\n+ten")
    assert shown[0]["diff_hunk"].startswith("@@ -7,7 +7,8 @@")
    assert (shown[6]["start_line"], shown[6]["start_side"]) == (10, "LEFT")
    assert shown[10]["subject_type"] == "file"


@pytest.mark.parametrize(("anchor", "reason"), _REFUSED)
def test_a_place_outside_of_the_diff_is_refused(
    number: int, ask: Ask, anchor: dict[str, object], reason: str
) -> None:
    bad = {"path": "cart.py", "body": "Bad", **anchor}
    good = {"path": "cart.py", "body": "Good", "line": 10}
    path, fields = f"/pulls/{number}/reviews", {"event": "COMMENT", "body": "So"}
    refused = ask("POST", path, **fields, comments=[good, bad, good])
    assert (refused.status, refused.body["message"]) == (422, "Unprocessable Entity")
    assert refused.errors == [reason]
    # Nothing of it was kept.
    assert ask("GET", path).body == []
    assert ask("POST", path, **fields, comments=[good, good]).status == 200


def test_a_single_comment_is_refused_by_field(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    head = sandbox.branches(SHOP)["fix"]
    base = sandbox.branches(SHOP)["main"]
    path, fields = f"/pulls/{number}/comments", {"body": "Why?", "commit_id": head}
    table: list[tuple[dict[str, object], str, str]] = [
        ({"path": "cart.py", "line": 6}, "pull_request_review_thread.line", "custom"),
        ({"path": "x", "line": 6}, "pull_request_review_thread.path", "invalid"),
        (
            {"path": "cart.py", "line": 11, "start_line": 6},
            "pull_request_review_thread.start_line",
            "custom",
        ),
        ({"path": "cart.py", "line": 10, "commit_id": base}, "end_commit_oid", "custom"),
        ({"path": "cart.py", "line": 10, "commit_id": None}, "commit_id", "missing_field"),
        ({"path": "cart.py", "line": 10, "body": " "}, "body", "missing_field"),
    ]
    for asked, field, code in table:
        refused = ask("POST", path, **{**fields, **asked})
        first = refused.errors[0]
        assert (refused.status, first["field"], first["code"]) == (422, field, code)
    taken = ask("POST", path, **fields, path="cart.py", line=10)
    assert (taken.status, taken.body["commit_id"]) == (201, head)
    # It is a review of its own.
    (review,) = ask("GET", f"/pulls/{number}/reviews").body
    assert (review["id"], review["state"]) == (taken.body["pull_request_review_id"], "COMMENTED")


def test_events_of_a_review(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    path = f"/pulls/{number}/reviews"
    maria, li = sandbox.person_token("maria"), sandbox.person_token("li")
    refusals: list[tuple[str, dict[str, object], str]] = [
        (maria, {"event": "APPROVE"}, "Can not approve your own pull request"),
        (maria, {"event": "REQUEST_CHANGES", "body": "x"}, "Can not request changes on your own"),
        (li, {"event": "COMMENT"}, "body can't be blank"),
        (li, {"event": "REQUEST_CHANGES"}, "body can't be blank"),
        (li, {"event": "COMMENT", "body": "x", "commit_id": "0" * 40}, "The commitOID is not"),
    ]
    for token, fields, reason in refusals:
        refused = ask("POST", path, token, **fields)
        assert (refused.status, reason in refused.errors[0]) == (422, True), fields
    assert ask("POST", path, li, event="LOVE", body="x").status == 422
    assert ask("POST", path, li, event=["COMMENT"], body="x").status == 422
    approved = ask("POST", path, li, event="APPROVE").body
    assert (approved["state"], approved["commit_id"]) == ("APPROVED", sandbox.branches(SHOP)["fix"])
    assert ask("POST", path, maria, event="COMMENT", body="My own").body["state"] == "COMMENTED"


def test_who_was_asked_and_reviewed_is_asked_no_longer(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    path = f"/pulls/{number}/requested_reviewers"
    assert ask("POST", path, reviewers=["li"]).status == 201
    for people in (["maria"], ["nobody"], "li"):  # the author; no collaborator; no list
        assert ask("POST", path, reviewers=people).status == 422
    assert [one["login"] for one in ask("GET", path).body["users"]] == ["li"]
    sandbox.review(SHOP, number, "So", "li")
    assert ask("GET", path).body["users"] == []


def test_a_pending_review_is_seen_by_its_author_only(
    sandbox: GitHubSandbox, number: int, ask: Ask, receiver: Receiver
) -> None:
    path, li = f"/pulls/{number}/reviews", sandbox.person_token("li")
    sandbox.webhook_url = receiver.url
    line = {"path": "cart.py", "line": 10, "body": "Why?"}
    pending = ask("POST", path, body="Wait", comments=[line]).body
    assert (pending["state"], "submitted_at" in pending) == ("PENDING", False)
    assert ask("GET", path, li).body == []
    assert ask("GET", f"{path}/{pending['id']}", li).status == 404
    assert ask("GET", f"/pulls/{number}/comments", li).body == []
    assert ask("GET", path).body[0]["id"] == pending["id"]
    again = ask("POST", path, event="COMMENT", body="More")
    assert again.errors == ["User can only have one pending review per pull request"]
    other = sandbox.comment_on_line(SHOP, number, "Hm", path="cart.py", line=11)
    reply = ask("POST", f"/pulls/{number}/comments/{other}/replies", body="So")
    assert reply.errors[0]["field"] == "user_id"
    submitted = ask("POST", f"{path}/{pending['id']}/events", event="COMMENT").body
    assert submitted["state"] == "COMMENTED"
    assert ask("POST", f"{path}/{pending['id']}/events", event="COMMENT").status == 422
    gone = ask("DELETE", f"{path}/{pending['id']}")
    assert gone.errors == ["Can not delete a non-pending pull request review"]
    assert ask("POST", f"/pulls/{number}/comments/{other}/replies", body="So").status == 201
    assert sandbox.settle()
    assert receiver.seen == [
        *("pull_request_review.submitted", "pull_request_review_comment.created") * 3
    ]


def test_dismissals(sandbox: GitHubSandbox, number: int, ask: Ask, receiver: Receiver) -> None:
    bot = app(sandbox).get_access_token(sandbox.account_id("acme")).token
    path = f"/pulls/{number}/reviews"
    comment = ask("POST", path, event="COMMENT", body="So").body["id"]
    refusal = ask("PUT", f"{path}/{comment}/dismissals", message="No")
    assert refusal.errors == ["Can not dismiss a commented pull request review"]
    review = ask("POST", path, bot, event="REQUEST_CHANGES", body="No").body["id"]
    visitor = sandbox.person_token("visitor")
    assert ask("PUT", f"{path}/{review}/dismissals", visitor, message="No").status == 403
    assert ask("PUT", f"{path}/{review}/dismissals", message="").status == 422
    sandbox.webhook_url = receiver.url
    sandbox.dismiss(review, "Not so")
    assert sandbox.settle()
    (told,) = receiver.payloads
    assert (told["action"], told["review"]["state"]) == ("dismissed", "dismissed")
    assert told["sender"]["login"] == "maria"
    assert ask("GET", f"{path}/{review}").body["state"] == "DISMISSED"
    again = ask("PUT", f"{path}/{review}/dismissals", message="No")
    assert again.errors == ["Can not dismiss a dismissed pull request review"]


@pytest.mark.parametrize("level", ["read", ""])
def test_an_app_needs_the_permission_for_pull_requests(
    sandbox: GitHubSandbox, number: int, ask: Ask, level: str
) -> None:
    sandbox.limit_permissions({"pull_requests": level})
    bot = app(sandbox).get_access_token(sandbox.account_id("acme")).token
    comment = sandbox.comment_on_line(SHOP, number, "Hm", path="cart.py", line=11)
    path, line = f"/pulls/{number}", {"path": "cart.py", "line": 10, "body": "Why?"}
    for verb, where, fields in (
        ("POST", "/reviews", {"event": "COMMENT", "body": "x", "comments": [line]}),
        ("POST", "/comments", line),
        ("POST", f"/comments/{comment}/replies", {"body": "x"}),
    ):
        assert ask(verb, path + where, bot, **fields).status == 403
    for verb, fields in (("PATCH", {"body": "x"}), ("DELETE", {})):
        assert ask(verb, f"/pulls/comments/{comment}", bot, **fields).status == 403
    react = f"/pulls/comments/{comment}/reactions"
    assert ask("POST", react, bot, content="eyes").status == 403
    assert ask("GET", f"{path}/reviews", bot).status == (200 if level else 403)


def test_in_the_conversation_of_a_pull_request_either_permission_does(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    issue = sandbox.open_issue(SHOP, "Crash")
    below = {one: sandbox.comment(SHOP, one, "So") for one in (issue, number)}
    for lacking, status in (("issues", 201), ("pull_requests", 201)):
        sandbox.limit_permissions({"issues": "write", "pull_requests": "write", lacking: ""})
        bot = app(sandbox).get_access_token(sandbox.account_id("acme")).token
        made = ask("POST", f"/issues/{number}/comments", bot, body="Reviewed")
        assert made.status == status
        assert ask("PATCH", f"/issues/comments/{made.body['id']}", bot, body="Again").status == 200
        react = f"/issues/comments/{below[number]}/reactions"
        assert ask("POST", react, bot, content="eyes").status in {200, 201}
        assert ask("GET", f"/issues/{number}/labels", bot).status == 200
    sandbox.limit_permissions({"issues": "", "pull_requests": "write"})
    bot = app(sandbox).get_access_token(sandbox.account_id("acme")).token
    assert ask("POST", f"/issues/{issue}/comments", bot, body="x").status == 403
    assert ask("PATCH", f"/issues/comments/{below[issue]}", bot, body="x").status == 403
    assert ask("GET", f"/issues/{issue}", bot).status == 403
    assert ask("GET", "/issues", bot).status == 403
    assert ask("GET", "/issues/999", bot).status == 403


def test_secondary_limits(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    sandbox.fail_next(403, path="/reviews", retry_after=1)
    path, fields = f"/pulls/{number}/reviews", {"event": "COMMENT", "body": "x"}
    limited = ask("POST", path, **fields)
    assert (limited.status, "secondary" in limited.body["message"]) == (403, True)
    assert ask("POST", path, **fields).status == 200
