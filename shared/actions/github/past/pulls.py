"""Takes back what was done to pull requests: reviews, replies, resolved threads, drafts."""

from shared.actions import Mark
from shared.actions.github.markdown import compose, read_stamp
from shared.actions.github.past.history import Present, first_of, issue_of, people, reacted
from shared.actions.github.past.issues import taken_up
from shared.actions.github.paths import parts
from shared.actions.github.pulls.bodies import with_text
from shared.actions.github.pulls.sections import WriteSection
from shared.actions.github.pulls.threads import thread_of
from shared.actions.github.session import GitHubSession
from shared.actions.past import PastEffect, TakenBack, left
from shared.events import Issue, Json
from shared.marks import section_in, without_section

#: GitHub deletes no review that was submitted, and takes none without a text.
_WITHDRAWN = "_This review was taken back._"
_UNRESOLVE = """
mutation($thread: ID!) {
  unresolveReviewThread(input: {threadId: $thread}) { thread { isResolved } }
}
"""


def take_back_review(session: GitHubSession, effect: PastEffect, mark: Mark) -> TakenBack:
    """Delete the comments that nobody answered, and say in the review that it was taken back."""
    issue = issue_of(effect.ref)
    doing, where = f"take back a review of {issue.ref}", f"the review of {issue.ref}"
    path = ("pulls", issue.number, "reviews", effect.made.id)
    review = session.look(doing, issue.repository, path)
    if review is None:
        return TakenBack(f"{where} is gone")
    own = {row["id"] for row in effect.data.get("comments", ())}
    rows = list(session.every(doing, issue.repository, ("pulls", issue.number, "comments")))
    kept: dict[int, str] = {}
    for row in (one for one in rows if one["id"] in own):
        if why := _answered(session, doing, issue, row, rows):
            kept[row["id"]] = f"{row['html_url']} stays: {why}"
        else:
            session.remove(doing, issue.repository, ("pulls", "comments", row["id"]))
    stamp = read_stamp(review["body"])
    if not kept and stamp and _WITHDRAWN not in review["body"]:
        body = compose(_WITHDRAWN, stamp.mark, sticky=False)
        session.request(doing, issue.repository, "PUT", path, {"body": body})
    gone = tuple(str(id_) for id_ in own - kept.keys())
    said = f"Deleted {len(gone)} of {len(own)} comments of {where}" if own else f"Took back {where}"
    note = "" if kept else "; what is left of it says so, for GitHub deletes no review"
    return TakenBack(". ".join([said + note, *kept.values()]), bool(kept), gone)


def take_back_reply(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    issue = issue_of(effect.ref)
    doing, path = f"take back a reply on {issue.ref}", ("pulls", "comments", effect.made.id)
    row = session.look(doing, issue.repository, path)
    if row is None:
        return TakenBack(f"The reply on {issue.ref} is gone")
    rows = list(session.every(doing, issue.repository, ("pulls", issue.number, "comments")))
    if why := _answered(session, doing, issue, row, rows):
        return left(f"The reply on {issue.ref} ({row['html_url']}) stays: {why}")
    session.remove(doing, issue.repository, path)
    return TakenBack(f"Deleted a reply on {issue.ref}")


def take_back_section(session: GitHubSession, effect: PastEffect, mark: Mark) -> TakenBack:
    """Take our section out of the body, or let it say again what an earlier run wrote; if nobody
    wrote over it. What people wrote around it stays."""
    issue, name, before = issue_of(effect.ref), effect.argument("name"), effect.before
    doing, path = f"take back a text in {issue.ref}", ("pulls", issue.number)
    where = f"The {name} in the body of {issue.ref}"
    pull = session.look(doing, issue.repository, path)
    body = (pull or {}).get("body") or ""
    there = section_in(body, name)
    if there is None:
        return TakenBack(f"{where} is gone")
    if before and there.key == before["key"]:
        return TakenBack(f"{where} says what it said before")  # a crash came between
    if there.key not in effect.keys:
        return left(f"{where} stays: something newer stands there")
    if there.fingerprint != effect.data.get("text"):
        return left(f"{where} stays: somebody edited it")
    new = without_section(body, name)
    if before:
        earlier = WriteSection(issue, name, before["arguments"]["text"])
        new = with_text(doing, body, earlier, mark._replace(key=before["key"]))
    session.request(doing, issue.repository, "PATCH", path, {"body": new})
    return TakenBack(f"{where} says again what it said before" if before else f"Took {name} away")


def unresolve(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Open the thread again, if we resolved it and it still is."""
    issue = issue_of(effect.ref)
    doing = f"open a thread of {issue.ref} again"
    thread = thread_of(session, issue, effect.argument("comment"), doing)
    if thread is None or not thread["isResolved"] or not effect.data.get("resolved"):
        return TakenBack(f"The thread on {issue.ref} is not resolved by me")
    by = (thread["resolvedBy"] or {}).get("login", "")
    # A bot has no [bot] in its name here, other than in REST.
    if not (session.is_own(by) or session.is_own(f"{by}[bot]")):
        return left(f"The thread on {issue.ref} stays resolved: {by or 'somebody'} resolved it")
    session.graphql(doing, issue.repository, _UNRESOLVE, thread=thread["id"])
    return TakenBack(f"Opened a thread of {issue.ref} again")


def close_draft(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Close the draft and delete its branch, if it has no other commits and nobody took it up."""
    now = Present(session, effect._replace(ref=f"{effect.ref}#{effect.made.id}"))
    path = ("pulls", now.issue.number)
    pull = session.look(now.doing, now.issue.repository, path)
    if now.row is None or pull is None:
        return TakenBack(f"{now.issue.ref} is gone")
    branch = effect.data["branch"]
    if why := _built_upon(session, now, effect, pull):
        return left(f"{now.issue.ref} and its branch stay: {why}")
    if pull["state"] == "open":
        session.request(now.doing, now.issue.repository, "PATCH", path, {"state": "closed"})
    reference = ("heads", *parts(branch))
    if session.exists(now.doing, now.issue.repository, ("git", "ref", *reference)):
        session.remove(now.doing, now.issue.repository, ("git", "refs", *reference))
    said = f"Closed {now.issue.ref} and deleted its branch"
    return TakenBack(said, changed=(branch, effect.data["commit"], "0" * 40))


def _built_upon(session: GitHubSession, now: Present, effect: PastEffect, pull: Json) -> str:
    """Say who built upon a draft; '' if nobody did."""
    if pull["merged"]:
        return "it was merged"
    if pull["head"]["sha"] != effect.data["commit"]:
        return "its branch has other commits by now"
    repository, path = now.issue.repository, ("pulls", now.issue.number)
    of_lines = session.every(now.doing, repository, (*path, "comments"))
    reviews = session.every(now.doing, repository, (*path, "reviews"))
    return taken_up(session, now, effect) or first_of(
        ("commented on it", lambda: people(session, of_lines)),
        ("reviewed it", lambda: people(session, reviews)),
    )


def _answered(session: GitHubSession, doing: str, issue: Issue, row: Json, rows: list[Json]) -> str:
    """Say who answered a comment on lines, or reacted to it; '' if nobody did."""
    root, id_ = row.get("in_reply_to_id") or row["id"], row["id"]
    later = [one for one in rows if one.get("in_reply_to_id") == root and one["id"] > id_]
    path = ("pulls", "comments", id_)
    return first_of(
        ("answered", lambda: people(session, later)),
        ("reacted to it", lambda: reacted(session, doing, issue.repository, path, row)),
    )
