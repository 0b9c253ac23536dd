"""What the GraphQL API changes: threads are resolved, answered; comments are hidden."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from infra.local.sandbox.github.graphql.queries import Queries
from infra.local.sandbox.github.graphql.refusals import QueryRefused, asking
from infra.local.sandbox.github.state import Table
from shared.events import Json

_PERMISSION = "pull_requests"


class Mutations(Queries):
    def changes(self) -> Json:
        """Return the mutations by name."""
        fields: dict[str, Callable[[Json], Json]] = {
            "resolveReviewThread": lambda asked: self._turn(asked, resolved=True),
            "unresolveReviewThread": lambda asked: self._turn(asked, resolved=False),
            "addPullRequestReviewThreadReply": self._reply,
            "minimizeComment": self._minimize,
            "unminimizeComment": self._unminimize,
            "markPullRequestReadyForReview": lambda asked: self._draft(asked, draft=False),
            "convertPullRequestToDraft": lambda asked: self._draft(asked, draft=True),
        }
        return {name: _mutation(change) for name, change in fields.items()}

    def _turn(self, asked: Json, *, resolved: bool) -> Json:
        row = self.row(asked["threadId"], "PullRequestReviewThread")
        if not self.may_resolve(row):
            raise self._forbidden()
        login = self.call.who.login
        row = self.site.reviews.threads.resolve(login, row, resolved=resolved)
        return {"thread": self.thread(row)}

    def _reply(self, asked: Json) -> Json:
        thread = self.row(asked["pullRequestReviewThreadId"], "PullRequestReviewThread")
        first = self.remarks_of(thread)[0]
        owner, name = self._place(thread)
        actor = self.call.who.login
        asking(lambda: {"login": self.call.speak(owner, name, _PERMISSION)})
        return {"comment": self.remark(asking(self._replied(actor, first, asked["body"])))}

    def _replied(self, actor: str, first: Json, body: str) -> Callable[[], Json]:
        return lambda: self.site.reviews.reply(actor, first, body)

    def _minimize(self, asked: Json) -> Json:
        reason = asked["classifier"].lower().replace("_", "-")
        return {"minimizedComment": self._hidden(asked["subjectId"], reason)}

    def _unminimize(self, asked: Json) -> Json:
        return {"unminimizedComment": self._hidden(asked["subjectId"], "")}

    def _hidden(self, identifier: str, reason: str) -> Json:
        """Hide a comment behind a reason; '' shows it again."""
        row = self.row(identifier, "PullRequestReviewComment", "IssueComment")
        is_remark = "thread" in row
        self._check(row, _PERMISSION if is_remark else "issues", row["author"])
        table: Table = "review_comments" if is_remark else "comments"
        row = self.state.change(table, row, minimized=reason)
        return self.remark(row) if is_remark else self.comment(row)

    def _draft(self, asked: Json, *, draft: bool) -> Json:
        row = self.row(asked["pullRequestId"], "PullRequest")
        self._check({"pull": row["id"]}, _PERMISSION, row["author"])
        row = self.site.pulls.set_draft(self.call.who.login, row, draft=draft)
        return {"pullRequest": self.pull(row)}

    def _check(self, row: Json, permission: str, author: str) -> None:
        """Raise QueryRefused unless the caller may write there, or is the author."""
        owner, name = self._place(row)
        asking(lambda: {"login": self.call.write(owner, name, author, permission)})

    def _place(self, row: Json) -> tuple[str, str]:
        owner, _, name = self.home(self.issue(row))["name"].partition("/")
        return owner, name

    def _forbidden(self) -> QueryRefused:
        if self.call.who.owner:
            return QueryRefused("FORBIDDEN", "Resource not accessible by integration")
        login = self.call.who.login
        message = f"{login} does not have the correct permissions to execute this mutation"
        return QueryRefused("FORBIDDEN", message)


def _mutation(change: Callable[[Json], Json]) -> Callable[..., Json]:
    def answer(_info: GraphQLResolveInfo[Any], **asked: Any) -> Json:
        sent = asked["input"]
        return {"clientMutationId": sent.get("clientMutationId"), **change(sent)}

    return answer
