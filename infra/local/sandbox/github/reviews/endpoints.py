"""The endpoints about reviews: listed, written, submitted, edited and dismissed.

https://docs.github.com/en/rest/pulls/reviews
"""

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import forbidden, not_found
from infra.local.sandbox.github.pulls.endpoints import pull_of
from infra.local.sandbox.github.reviews.reviews import PENDING
from shared.events import Json

_PERMISSION = "pull_requests"


def list_reviews(call: Call, owner: str, name: str, number: int) -> ApiReply:
    rows = call.site.state.rows("reviews", pull=pull_of(call, owner, name, number)["id"])
    seen = [row for row in rows if _is_seen(call, row)]
    return ApiReply(Listing(seen, call.site.reviews.threads.shown.review))


def create_review(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row, actor = pull_of(call, owner, name, number), call.speak(owner, name, _PERMISSION)
    return _shown(call, call.site.reviews.create(actor, row, call.fields))


def get_review(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    return _shown(call, _review(call, owner, name, number, review))


def edit_review(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    row = _own(call, owner, name, number, review)
    return _shown(call, call.site.reviews.edit(call.who.login, row, call.fields.get("body")))


def discard_review(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    row = _own(call, owner, name, number, review)
    reply = _shown(call, row)
    call.site.reviews.discard(row)
    return reply


def list_comments(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    row = _review(call, owner, name, number, review)
    rows = call.site.state.rows("review_comments", review=row["id"])
    return ApiReply(Listing(rows, call.site.reviews.threads.shown.comment))


def dismiss_review(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    row = _review(call, owner, name, number, review)
    actor = call.write(owner, name, permission=_PERMISSION)
    return _shown(call, call.site.reviews.dismiss(actor, row, call.fields.get("message")))


def submit_review(call: Call, owner: str, name: str, number: int, review: int) -> ApiReply:
    row = _own(call, owner, name, number, review)
    return _shown(call, call.site.reviews.submit(call.who.login, row, call.fields))


def _shown(call: Call, row: Json) -> ApiReply:
    return ApiReply(call.site.reviews.threads.shown.review(row))


def _review(call: Call, owner: str, name: str, number: int, review: int) -> Json:
    pull, row = pull_of(call, owner, name, number), call.site.state.get("reviews", review)
    if row is None or row["pull"] != pull["id"] or not _is_seen(call, row):
        raise not_found()
    return row


def _own(call: Call, owner: str, name: str, number: int, review: int) -> Json:
    """Return a review that the caller wrote."""
    row = _review(call, owner, name, number, review)
    if call.speak(owner, name, _PERMISSION) != row["author"]:
        raise forbidden()
    return row


def _is_seen(call: Call, row: Json) -> bool:
    return row["state"] != PENDING or bool(row["author"] == call.who.login)
