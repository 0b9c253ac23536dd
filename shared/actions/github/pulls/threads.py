"""Replies in the threads of reviews, and resolves them. REST knows no threads, so GraphQL does."""

from typing import Any

from shared.actions import Mark, Receipt
from shared.actions.github.actions import ReplyOnLines, ResolveThread
from shared.actions.github.markdown import compose, read_stamp
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Issue, Json

_FORBIDDEN = 403
#: https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      nodes { id isResolved resolvedBy { login } comments(first: 1) { nodes { databaseId } } }
      pageInfo { endCursor hasNextPage }
    } } }
}
"""
_RESOLVE = """
mutation($thread: ID!) {
  resolveReviewThread(input: {threadId: $thread}) { thread { isResolved } }
}
"""


def reply_on_lines(session: GitHubSession, action: ReplyOnLines, mark: Mark, *_: Any) -> Receipt:
    """https://docs.github.com/en/rest/pulls/comments#create-a-reply-for-a-review-comment"""
    path = ("pulls", action.issue.number, "comments", action.comment, "replies")
    body = {"body": compose(action.body, mark, sticky=False)}
    doing = f"reply on {action.issue.ref}"
    return _receipt(session.request(doing, action.issue.repository, "POST", path, body).data)


def find_reply(session: GitHubSession, action: ReplyOnLines, mark: Mark) -> Receipt | None:
    """Look for it among the comments on lines, the newest first."""
    path, doing = ("pulls", action.issue.number, "comments"), f"list replies on {action.issue.ref}"
    for comment in session.newest_first(doing, action.issue.repository, path):
        stamp = read_stamp(comment["body"])
        if stamp and stamp.mark.key == mark.key and session.wrote(comment):
            return _receipt(comment)
    return None


def resolve_thread(session: GitHubSession, action: ResolveThread, *_: object) -> Receipt:
    """Resolve it, unless it is resolved or gone, or the credentials may not."""
    doing = f"resolve a thread of {action.issue.ref}"
    thread = thread_of(session, action.issue, action.comment, doing)
    if thread is None:
        return Receipt("", data={"resolved": False})
    try:
        if not thread["isResolved"]:
            session.graphql(doing, action.issue.repository, _RESOLVE, thread=thread["id"])
    except ActionRejected as err:
        if err.status != _FORBIDDEN:
            raise
        return Receipt(thread["id"], data={"resolved": False})
    return Receipt(thread["id"], data={"resolved": True})


def thread_of(session: GitHubSession, issue: Issue, comment: int, doing: str) -> Json | None:
    """Return the thread that a comment on lines begins; None when it is gone."""
    owner, _, name = issue.repository.partition("/")
    asked: dict[str, int | str] = {"owner": owner, "name": name, "number": issue.number}
    while True:
        found = session.graphql(doing, issue.repository, _THREADS, **asked)
        threads = found["repository"]["pullRequest"]["reviewThreads"]
        for thread in threads["nodes"]:
            first = thread["comments"]["nodes"]
            if first and first[0]["databaseId"] == comment:
                return dict(thread)
        if not threads["pageInfo"]["hasNextPage"]:
            return None
        asked["after"] = threads["pageInfo"]["endCursor"]


def _receipt(comment: Json) -> Receipt:
    review = comment.get("pull_request_review_id")
    return Receipt(str(comment["id"]), comment["html_url"], {"review": review})
