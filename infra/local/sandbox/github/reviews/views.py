"""Shows reviews, and the comments in them, as GitHub's JSON."""

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.reviews.placing import Placing
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json


class ReviewViews:
    def __init__(self, state: SandboxState, views: Views, placing: Placing) -> None:
        self._state = state
        self._views = views
        self._placing = placing

    def review(self, row: Json) -> Json:
        issue = self._issue(row)
        page, url = self._addresses(issue)
        html = f"{page}#pullrequestreview-{row['id']}"
        submitted = {"submitted_at": row["submitted_at"]} if row["submitted_at"] else {}
        return {
            "id": row["id"],
            "node_id": node_id("PRR", row),
            "user": self._views.account(row["author"]),
            "body": row["body"],
            "state": row["state"],
            "html_url": html,
            "pull_request_url": url,
            "author_association": self._association(issue, row["author"]),
            "_links": {"html": {"href": html}, "pull_request": {"href": url}},
            "commit_id": row["commit"],
            **submitted,
        }

    def told(self, row: Json) -> Json:
        """Show a review as webhooks do: no text is null, and the state is in small letters."""
        shown = self.review(row)
        changed = {"body": row["body"] or None, "state": row["state"].lower()}
        return {**shown, **changed, "updated_at": row["updated_at"]}

    def comment(self, row: Json) -> Json:
        thread = self.thread_of(row)
        issue = self._issue(row)
        page, pull = self._addresses(issue)
        repository = self._placing.home(issue)["name"]
        url = f"{self._views.api}/repos/{repository}/pulls/comments/{row['id']}"
        html = f"{page}#discussion_r{row['id']}"
        links = {"self": url, "html": html, "pull_request": pull}
        reply = {"in_reply_to_id": row["reply_to"]} if row["reply_to"] else {}
        return {
            "url": url,
            "pull_request_review_id": row["review"],
            "id": row["id"],
            "node_id": node_id("PRRC", row),
            "diff_hunk": thread["hunk"],
            "path": thread["path"],
            "user": self._views.account(row["author"]),
            "body": row["body"],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "html_url": html,
            "pull_request_url": pull,
            "author_association": self._association(issue, row["author"]),
            "_links": {name: {"href": address} for name, address in links.items()},
            "reactions": self._views.rollup(f"{url}/reactions", row),
            "subject_type": thread["subject"],
            **reply,
            **self._standing(thread),
        }

    def _standing(self, thread: Json) -> Json:
        """Show where a thread stands, and where it stood at first."""
        placed, issue = self._placing.current(thread), self._issue(thread)
        on_file = thread["subject"] == "file"
        line = placed.anchor.line if placed and not on_file else None
        position = placed.place.position if placed and placed.place else None
        start = (placed.anchor.start or None) if placed else None
        return {
            "commit_id": issue["pull"]["sha"] if placed else thread["commit"],
            "original_commit_id": thread["commit"],
            "position": 1 if placed and on_file else position,
            "original_position": thread["position"] or 1,
            "line": 1 if placed and on_file else line,
            "original_line": thread["line"] or 1,
            "side": thread["side"],
            "start_line": start,
            "original_start_line": thread["start"] or None,
            "start_side": thread["start_side"] or None,
        }

    def thread(self, row: Json) -> Json:
        """Show a thread as webhooks do."""
        comments = self._state.rows("review_comments", thread=row["id"], pending=False)
        return {"node_id": node_id("PRRT", row), "comments": [*map(self.comment, comments)]}

    def thread_of(self, comment: Json) -> Json:
        found = self._state.get("threads", comment["thread"])
        assert found is not None
        return found

    def _issue(self, row: Json) -> Json:
        found = self._state.get("issues", row["pull"])
        assert found is not None
        return found

    def _addresses(self, issue: Json) -> tuple[str, str]:
        """Return the page of a pull request, and its address in the API."""
        shown = self._views.issue(issue)["pull_request"]
        return shown["html_url"], shown["url"]

    def _association(self, issue: Json, login: str) -> str:
        return self._state.association(self._placing.home(issue), login)
