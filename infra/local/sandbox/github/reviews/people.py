"""What people do in the sandbox GitHub to reviews, and how these look then."""

from infra.local.sandbox.github.pulls.people import SandboxPulls
from infra.local.sandbox.github.reviews.reviews import Reviews
from shared.events import Json


class SandboxReviews(SandboxPulls):
    """A part of GitHubSandbox."""

    _reviews: Reviews

    def review(
        self, repository: str, number: int, body: str = "", author: str = "li", **fields: object
    ) -> int:
        """Review a pull request; returns the review's id. `fields` are those of the REST API:
        `event`, which is COMMENT unless given, `comments`, `commit_id`."""
        asked = {"event": "COMMENT", "body": body, **fields}
        return int(self._reviews.create(author, self._issue(repository, number), asked)["id"])

    def edit_review(self, review: int, body: str, author: str = "li") -> None:
        self._reviews.edit(author, self._review(review), body)

    def comment_on_line(
        self, repository: str, number: int, body: str, author: str = "li", **fields: object
    ) -> int:
        """Comment on the diff; returns the comment's id. `fields` are those of the REST API:
        `path`, `line`, `side` …"""
        row = self._issue(repository, number)
        asked = {"body": body, "commit_id": row["pull"]["sha"], **fields}
        return int(self._reviews.comment(author, row, asked)["id"])

    def answer(self, comment: int, body: str, author: str = "maria") -> int:
        """Answer in the thread of a comment; returns the answer's id."""
        return int(self._reviews.reply(author, self._remark(comment), body)["id"])

    def edit_remark(self, comment: int, body: str, author: str = "li") -> None:
        """Edit a comment on a line."""
        self._reviews.threads.edit(author, self._remark(comment), body)

    def delete_remark(self, comment: int, author: str = "li") -> None:
        """Delete a comment on a line."""
        self._reviews.threads.delete(author, self._remark(comment))

    def resolve(self, comment: int, author: str = "maria", *, resolved: bool = True) -> None:
        """Resolve the thread of a comment, or open it again."""
        thread = self._reviews.threads.shown.thread_of(self._remark(comment))
        self._reviews.threads.resolve(author, thread, resolved=resolved)

    def dismiss(self, review: int, message: str, author: str = "maria") -> None:
        """Dismiss a review."""
        self._reviews.dismiss(author, self._review(review), message)

    def react(
        self, number: int, content: str, author: str = "maria", *, toggle: bool = False
    ) -> None:
        """React to a comment below or on a line; with `toggle`, what is there is taken back."""
        row = self._state.get("review_comments", number) or self._comment(number)
        reaction, is_new = self._changes.react(author, row, content)
        if toggle and not is_new:
            self._state.remove("reactions", reaction)

    def reviews(self, repository: str, number: int) -> list[Json]:
        """Return the reviews of a pull request as the API shows them, with the `dismissal` that
        says why one was dismissed."""
        with self._state.lock:
            row = self._issue(repository, number)
            shown, found = self._reviews.threads.shown, self._state.rows("reviews", pull=row["id"])
            return [{**shown.review(one), "dismissal": one.get("message", "")} for one in found]

    def threads(self, repository: str, number: int) -> list[Json]:
        """Return the threads of a pull request, oldest first: who resolved them, and their
        comments that can be seen, as the API shows them, with their `reactions` as lists."""
        with self._state.lock:
            row = self._issue(repository, number)
            threads = self._state.rows("threads", pull=row["id"])
            return [shown for one in threads if (shown := self._thread(one))["comments"]]

    def _thread(self, thread: Json) -> Json:
        shown = self._reviews.threads.shown
        rows = self._state.rows("review_comments", thread=thread["id"], pending=False)
        comments = [{**shown.comment(one), "reactions": self._reactions(one)} for one in rows]
        return {"id": thread["id"], "resolved_by": thread["resolved_by"], "comments": comments}

    def _review(self, number: int) -> Json:
        row = self._state.get("reviews", number)
        if row is None:
            raise KeyError(number)
        return row

    def _remark(self, number: int) -> Json:
        row = self._state.get("review_comments", number)
        if row is None:
            raise KeyError(number)
        return row
