"""What reviewers do: write a review with comments on lines, submit it, dismiss it."""

from infra.local.sandbox.github.changes import LONGEST, Changes, checked_text
from infra.local.sandbox.github.errors import GitHubError, invalid
from infra.local.sandbox.github.reviews.anchors import Unresolved
from infra.local.sandbox.github.reviews.placing import Placed, Placing
from infra.local.sandbox.github.reviews.refusals import (
    bad_anchor,
    bad_anchors,
    not_a_commit,
    pending_exists,
    unprocessable,
)
from infra.local.sandbox.github.reviews.threads import Threads
from infra.local.sandbox.github.state import SandboxState, now
from shared.events import Json

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_OWN = {"APPROVE": "approve", "REQUEST_CHANGES": "request changes on"}
PENDING = "PENDING"


class Reviews:
    """`actor` is the login of who does it. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, changes: Changes, threads: Threads, placing: Placing
    ) -> None:
        self._state = state
        self._changes = changes
        self._placing = placing
        self.threads = threads

    def create(self, actor: str, row: Json, fields: Json) -> Json:
        """Write a review with `body`, `comments` and `commit_id`; without an `event` it is
        pending, and only its author sees it."""
        with self._state.lock:
            comments = fields.get("comments") or []
            if not isinstance(comments, list) or not all(isinstance(c, dict) for c in comments):
                raise unprocessable("Comments are not a list of objects")
            self._check(actor, row, fields, bool(comments))
            if self.pending(actor, row):
                raise unprocessable("User can only have one pending review per pull request")
            commit = self._placing.commit_of(row, fields.get("commit_id"))
            if commit is None:
                raise unprocessable("The commitOID is not part of the pull request")
            placed = self._placed(row, comments, commit)
            for comment in comments:
                _told("Body", comment.get("body"), needed=True)
            review = self._add(actor, row, commit, fields.get("body"))
            for one, comment in zip(placed, comments, strict=True):
                self.threads.start(review, one, comment.get("body"))
            event = _event(fields)
            return review if event == PENDING else self._publish(review, event)

    def submit(self, actor: str, review: Json, fields: Json) -> Json:
        """Submit a pending review."""
        with self._state.lock:
            if review["state"] != PENDING or review["author"] != actor:
                raise unprocessable("Can not submit a non-pending pull request review")
            comments = self._state.rows("review_comments", review=review["id"])
            self._check(actor, self._pull(review), fields, bool(comments or review["body"]))
            if (event := _event(fields)) == PENDING:
                raise GitHubError(422, 'Invalid request.\n\n"event" wasn\'t supplied.')
            if fields.get("body"):
                review = self._state.change("reviews", review, body=_told("Body", fields["body"]))
            return self._publish(review, event)

    def edit(self, actor: str, review: Json, body: object) -> Json:
        with self._state.lock:
            text, before = _told("Body", body, needed=True), review["body"]
            review = self._state.change("reviews", review, body=text, updated_at=now())
            if before != text and review["state"] != PENDING:
                changes = {"body": {"from": before}} if before else {}
                self._announce(actor, review, "edited", changes=changes)
            return review

    def discard(self, review: Json) -> None:
        """Delete a review that is pending still, with its comments."""
        with self._state.lock:
            if review["state"] != PENDING:
                raise unprocessable("Can not delete a non-pending pull request review")
            for comment in self._state.rows("review_comments", review=review["id"]):
                self.threads.delete(review["author"], comment)
            self._state.remove("reviews", review)

    def dismiss(self, actor: str, review: Json, message: object) -> Json:
        """Take a review its weight, with a message that says why."""
        with self._state.lock:
            _told("Message", message, needed=True)
            state = review["state"]
            if state not in {"APPROVED", "CHANGES_REQUESTED"}:
                raise unprocessable(f"Can not dismiss a {state.lower()} pull request review")
            review = self._state.change(
                "reviews", review, state="DISMISSED", message=message, updated_at=now()
            )
            self._announce(actor, review, "dismissed")
            return review

    def comment(self, actor: str, row: Json, fields: Json) -> Json:
        """Comment on a line, or on a file, at once: a review of its own."""
        with self._state.lock:
            self._check_talk(actor, row)
            _text(fields.get("body"))
            commit = fields.get("commit_id")
            if commit is None:
                raise invalid("PullRequestReviewComment", "commit_id", "missing_field")
            if (known := self._placing.commit_of(row, commit)) is None:
                raise not_a_commit()
            try:
                placed = self._placing.place(row, fields, known)
            except Unresolved as err:
                raise bad_anchor(err) from err
            review = self._add(actor, row, known, None)
            comment = self.threads.start(review, placed, fields.get("body"))
            self._publish(review, "COMMENT")
            return self._state.get("review_comments", comment["id"]) or comment

    def reply(self, actor: str, comment: Json, body: object) -> Json:
        """Answer in a thread at once."""
        with self._state.lock:
            row, thread = self._pull(comment), self.threads.shown.thread_of(comment)
            self._check_talk(actor, row)
            _text(body)
            review = self._add(actor, row, row["pull"]["sha"], None)
            reply = self.threads.add(review, thread, body)
            self._publish(review, "COMMENT")
            return self._state.get("review_comments", reply["id"]) or reply

    def pending(self, actor: str, row: Json) -> Json | None:
        return self._state.first("reviews", pull=row["id"], author=actor, state=PENDING)

    def _placed(self, row: Json, comments: list[Json], commit: str) -> list[Placed]:
        """Find the places of all comments; raises GitHubError for those that have none."""
        placed, bad = [], []
        for comment in comments:
            try:
                placed.append(self._placing.place(row, comment, commit))
            except Unresolved as err:
                bad.append(err)
        if bad:
            raise bad_anchors(bad)
        return placed

    def _add(self, actor: str, row: Json, commit: str, body: object) -> Json:
        return self._state.add(
            "reviews",
            pull=row["id"],
            author=self._state.account(actor)["login"],
            commit=commit,
            body=_told("Body", body) or "",
            state=PENDING,
            submitted_at=None,
        )

    def _publish(self, review: Json, event: str) -> Json:
        state = _STATES[event]
        review = self._state.change("reviews", review, state=state, submitted_at=now())
        row = self._pull(review)
        if review["author"] in row["pull"].get("reviewers", ()):  # who was asked has answered
            left = [one for one in row["pull"]["reviewers"] if one != review["author"]]
            self._state.change("issues", row, pull={**row["pull"], "reviewers": left})
        self._announce(review["author"], review, "submitted")
        self.threads.show(review)
        return review

    def _check(self, actor: str, row: Json, fields: Json, more: bool) -> None:
        """Raise GitHubError for a review that could not be submitted as `fields` say; `more` tells
        if it has other content than its body."""
        event = _event(fields)
        if event == PENDING:
            return
        if actor == row["author"] and event in _OWN:
            raise unprocessable(f"Can not {_OWN[event]} your own pull request")
        self._check_lock(actor, row)
        if event != "APPROVE" and not (fields.get("body") or more):
            raise unprocessable("Pull request review body can't be blank")

    def _check_talk(self, actor: str, row: Json) -> None:
        self._check_lock(actor, row)
        if self.pending(actor, row):
            raise pending_exists()

    def _check_lock(self, actor: str, row: Json) -> None:
        if row.get("locked") and not self._changes.may_comment(actor, row):
            raise GitHubError(403, "Unable to create comment because issue is locked.")

    def _pull(self, row: Json) -> Json:
        found = self._state.get("issues", row["pull"])
        assert found is not None
        return found

    def _announce(self, actor: str, review: Json, action: str, **more: Json) -> None:
        payload = {"action": action, "review": self.threads.shown.told(review), **more}
        self.threads.announce("pull_request_review", actor, review, payload)


def _event(fields: Json) -> str:
    event = fields.get("event") or PENDING
    if not isinstance(event, str) or event not in {*_STATES, PENDING}:
        message = "Variable $event of type PullRequestReviewEvent was provided invalid value"
        raise GitHubError(422, message)
    return event


def _told(name: str, text: object, *, needed: bool = False) -> str | None:
    """Return a text of a review if GitHub takes it."""
    try:
        return checked_text("PullRequestReview", name, text, LONGEST, needed=needed)
    except GitHubError as err:
        reason = "is too long" if isinstance(text, str) and text.strip() else "can't be blank"
        raise unprocessable(f"{name} {reason}") from err


def _text(body: object) -> str | None:
    """Return the text of a single comment."""
    return checked_text("PullRequestReviewComment", "body", body, LONGEST, needed=True)
