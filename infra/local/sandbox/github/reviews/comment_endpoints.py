"""The endpoints about the comments of reviews, on lines of the diff.

https://docs.github.com/en/rest/pulls/comments
"""

from collections.abc import Iterable

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import not_found
from infra.local.sandbox.github.pulls.endpoints import pull_of
from shared.events import Json

_PERMISSION = "pull_requests"


def list_comments(call: Call, owner: str, name: str, number: int) -> ApiReply:
    pull = pull_of(call, owner, name, number)
    return _listed(call, call.site.state.rows("review_comments", pull=pull["id"], pending=False))


def list_all(call: Call, owner: str, name: str) -> ApiReply:
    state, repository = call.site.state, call.repository(owner, name)
    pulls = {row["id"] for row in state.rows("issues", repository=repository["id"])}
    rows = state.rows("review_comments", pending=False)
    return _listed(call, (row for row in rows if row["pull"] in pulls))


def create_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = pull_of(call, owner, name, number), call.speak(owner, name, _PERMISSION)
    answered = call.fields.get("in_reply_to")
    if answered is not None:
        # All else but the text is ignored then.
        return _answer(call, actor, row, answered)
    return _shown(call, call.site.reviews.comment(actor, row, call.fields), 201)


def reply(call: Call, owner: str, name: str, number: int, comment: int) -> ApiReply:
    row, actor = pull_of(call, owner, name, number), call.speak(owner, name, _PERMISSION)
    return _answer(call, actor, row, comment)


def get_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return _shown(call, review_comment(call, owner, name, number))


def edit_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = review_comment(call, owner, name, number)
    actor = call.write(owner, name, row["author"], _PERMISSION)
    return _shown(call, call.site.reviews.threads.edit(actor, row, call.fields.get("body")))


def delete_comment(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = review_comment(call, owner, name, number)
    actor = call.write(owner, name, row["author"], _PERMISSION)
    call.site.reviews.threads.delete(actor, row)
    return ApiReply(None, 204)


def review_comment(call: Call, owner: str, name: str, number: int) -> Json:
    """Return a comment of a review that the caller may see."""
    row, repository = call.site.state.get("review_comments", number), call.repository(owner, name)
    pull = call.site.state.get("issues", row["pull"]) if row else None
    if row is None or pull is None or pull["repository"] != repository["id"]:
        raise not_found()
    if row["pending"] and row["author"] != call.who.login:
        raise not_found()
    return row


def _answer(call: Call, actor: str, row: Json, number: object) -> ApiReply:
    """Answer a comment of the pull request; an answer to an answer goes into the same thread."""
    found = call.site.state.get("review_comments", number) if isinstance(number, int) else None
    if found is None or found["pull"] != row["id"] or found["pending"]:
        raise not_found()
    return _shown(call, call.site.reviews.reply(actor, found, call.fields.get("body")), 201)


def _shown(call: Call, row: Json, status: int = 200) -> ApiReply:
    return ApiReply(call.site.reviews.threads.shown.comment(row), status)


def _listed(call: Call, rows: Iterable[Json]) -> ApiReply:
    query = call.query
    found = [row for row in rows if row["updated_at"] >= query.get("since", "")]
    if query.get("sort") in {"updated", "created"}:
        found.sort(key=lambda row: str(row[f"{query['sort']}_at"]))
    if query.get("direction") == "desc":
        found.reverse()
    return ApiReply(Listing(found, call.site.reviews.threads.shown.comment))
