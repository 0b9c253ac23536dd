"""What is done to the threads of reviews, and to the comments in them."""

from infra.local.sandbox.github.changes import LONGEST, Changes, checked_text
from infra.local.sandbox.github.pulls.views import pull_request
from infra.local.sandbox.github.reviews.placing import Placed, Placing
from infra.local.sandbox.github.reviews.views import ReviewViews
from infra.local.sandbox.github.state import SandboxState, now
from infra.local.sandbox.github.views import Views
from shared.events import Json


class Threads:
    """`actor` is the login of who does it. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, views: Views, changes: Changes, placing: Placing
    ) -> None:
        self._state = state
        self._views = views
        self._changes = changes
        self._placing = placing
        self.shown = ReviewViews(state, views, placing)

    def start(self, review: Json, placed: Placed, body: object) -> Json:
        """Begin a thread with a comment, which is seen when its review is submitted."""
        anchor, row = placed.anchor, self._issue(review)
        thread = self._state.add(
            "threads",
            pull=review["pull"],
            path=anchor.path,
            side=anchor.side,
            line=anchor.line,
            start_side=anchor.start_side,
            start=anchor.start,
            subject="line" if anchor.line else "file",
            commit=review["commit"],
            base=self._placing.base(row, review["commit"]),
            position=placed.place.position if placed.place else 0,
            hunk=placed.hunk,
            resolved_by=None,
        )
        return self.add(review, thread, body)

    def add(self, review: Json, thread: Json, body: object) -> Json:
        """Add a comment to a thread; all but the first one answer that."""
        first = self._state.first("review_comments", thread=thread["id"])
        return self._state.add(
            "review_comments",
            thread=thread["id"],
            pull=thread["pull"],
            review=review["id"],
            author=review["author"],
            body=_checked(body),
            reply_to=first["id"] if first else None,
            pending=True,
            minimized="",
        )

    def show(self, review: Json) -> None:
        """Let the comments of a review that is submitted be seen."""
        for comment in self._state.rows("review_comments", review=review["id"], pending=True):
            seen = self._state.change("review_comments", comment, pending=False)
            self._announce(review["author"], seen, "created")

    def edit(self, actor: str, comment: Json, body: object) -> Json:
        with self._state.lock:
            text, before = _checked(body), comment["body"]
            comment = self._state.change("review_comments", comment, body=text, updated_at=now())
            if before != text and not comment["pending"]:
                changes = {"body": {"from": before}}
                self._announce(actor, comment, "edited", changes=changes)
            return comment

    def delete(self, actor: str, comment: Json) -> None:
        """Delete a comment; its thread and its review go when nothing is left of them."""
        with self._state.lock:
            if not comment["pending"]:
                self._announce(actor, comment, "deleted")
            self._state.remove("review_comments", comment)
            for reaction in self._state.rows("reactions", of=comment["id"]):
                self._state.remove("reactions", reaction)
            if self._state.first("review_comments", thread=comment["thread"]) is None:
                self._state.remove("threads", self.shown.thread_of(comment))
            review = self._state.get("reviews", comment["review"])
            is_last = self._state.first("review_comments", review=comment["review"]) is None
            if review and is_last and not review["body"] and review["state"] == "COMMENTED":
                self._state.remove("reviews", review)

    def resolve(self, actor: str, thread: Json, *, resolved: bool) -> Json:
        """Resolve a thread, or open it again."""
        with self._state.lock:
            if bool(thread["resolved_by"]) == resolved:
                return thread
            by = self._state.account(actor)["login"] if resolved else None
            thread = self._state.change("threads", thread, resolved_by=by)
            action = "resolved" if resolved else "unresolved"
            shown = {"thread": self.shown.thread(thread)}
            self.announce("pull_request_review_thread", actor, thread, {"action": action, **shown})
            return thread

    def announce(self, event: str, actor: str, row: Json, payload: Json) -> None:
        """Send a webhook about what belongs to a pull request, given as its row."""
        issue = self._issue(row)
        repository = self._placing.home(issue)
        pull = {"pull_request": pull_request(self._views, repository, issue)}
        self._changes.announce(event, actor, repository, {**payload, **pull})

    def _announce(self, actor: str, comment: Json, action: str, **more: Json) -> None:
        payload = {"action": action, "comment": self.shown.comment(comment), **more}
        self.announce("pull_request_review_comment", actor, comment, payload)

    def _issue(self, row: Json) -> Json:
        found = self._state.get("issues", row["pull"])
        assert found is not None
        return found


def _checked(body: object) -> str | None:
    return checked_text("PullRequestReviewComment", "body", body, LONGEST, needed=True)
