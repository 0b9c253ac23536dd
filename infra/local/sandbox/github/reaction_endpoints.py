"""The endpoints about reactions: to issues, to comments, and to comments of reviews."""

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import forbidden, not_found
from infra.local.sandbox.github.reviews.comment_endpoints import review_comment
from shared.events import Json


def list_issue_reactions(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _reactions(call, call.issue(owner, name, number))


def react_to_issue(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _react(call, owner, name, call.issue(owner, name, number))


def unreact_to_issue(call: Call, owner: str, name: str, number: int, reaction: int) -> ApiReply:
    return _unreact(call, call.issue(owner, name, number), reaction)


def list_comment_reactions(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _reactions(call, call.comment(owner, name, number))


def react_to_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _react(call, owner, name, call.comment(owner, name, number))


def unreact_to_comment(call: Call, owner: str, name: str, number: int, reaction: int) -> ApiReply:
    return _unreact(call, call.comment(owner, name, number), reaction)


def list_review_reactions(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _reactions(call, review_comment(call, owner, name, number))


def react_to_review(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = review_comment(call, owner, name, number)
    return _react(call, owner, name, row, permission="pull_requests")


def unreact_to_review(call: Call, owner: str, name: str, number: int, reaction: int) -> ApiReply:
    return _unreact(call, review_comment(call, owner, name, number), reaction)


def _reactions(call: Call, row: Json) -> ApiReply:
    rows = call.site.state.rows("reactions", of=row["id"])
    return ApiReply(Listing(rows, call.site.views.reaction))


def _react(call: Call, owner: str, name: str, row: Json, permission: str = "") -> ApiReply:
    actor = call.speak(owner, name, permission)
    reaction, is_new = call.site.changes.react(actor, row, call.fields.get("content"))
    return ApiReply(call.site.views.reaction(reaction), 201 if is_new else 200)


def _unreact(call: Call, row: Json, number: int) -> ApiReply:
    reaction = call.site.state.get("reactions", number)
    if reaction is None or reaction["of"] != row["id"]:
        raise not_found()
    if reaction["author"] != call.who.login:
        raise forbidden()
    call.site.state.remove("reactions", reaction)
    return ApiReply(None, 204)
