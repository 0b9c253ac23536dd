"""Takes back comments on issues and pull requests, and reactions."""

from typing import get_args

from shared.actions import Mark
from shared.actions.github.comments import edit_comment, reactions_of
from shared.actions.github.markdown import compose, fingerprint, read_stamp
from shared.actions.github.past.history import first_of, issue_of, people, reacted
from shared.actions.github.paths import Segments
from shared.actions.github.reactions import Kind, Reactable
from shared.actions.github.session import GitHubSession
from shared.actions.past import PastEffect, TakenBack, left
from shared.errors import ActionRejected
from shared.events import Issue, Json
from shared.patterns import lazily

#: A quoted line of fewer characters may be anything.
_QUOTED = 3
_REACTABLE = lazily(r"(\S+/\S+) (issue|comment|review comment) (\d+)")


def take_back_comment(session: GitHubSession, effect: PastEffect, mark: Mark) -> TakenBack:
    """Delete the comment, or give it the text that an earlier run gave it; if nobody wrote over it,
    answered or reacted to it."""
    issue, id_ = issue_of(effect.ref), effect.made.id
    doing, path = f"take back a comment on {issue.ref}", ("issues", "comments", id_)
    where = f"The comment on {issue.ref} ({effect.made.url})"
    row = session.look(doing, issue.repository, path)
    if row is None:
        return TakenBack(f"{where} is gone")
    stamp, before = read_stamp(row["body"]), effect.before
    if before and stamp and stamp.mark.key == before["key"]:
        return TakenBack(f"{where} says what it said before")  # a crash came between
    if stamp and not effect.stands(stamp.mark.key, stamp.mark.flow):
        return left(f"{where} stays: something newer stands there")
    made = effect.data.get("text") if stamp and stamp.mark.key in effect.keys else None
    if stamp is None or made not in {None, fingerprint(row)}:
        return left(f"{where} stays: somebody edited it")
    if before:
        said = before["arguments"].get("body") or before["arguments"].get("text") or ""
        earlier = stamp.mark._replace(key=before["key"], hosts=mark.hosts)
        edit_comment(session, issue, id_, compose(said, earlier, sticky=stamp.sticky))
        return TakenBack(f"{where} says again what it said before")
    if why := _answered(session, doing, issue, path, row):
        return left(f"{where} stays: {why}")
    session.remove(doing, issue.repository, path)
    return TakenBack(f"Deleted the comment on {issue.ref}")


def take_off_reaction(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Take off the reaction, as nobody builds upon one."""
    found = _REACTABLE.fullmatch(effect.ref)
    if found is None:
        raise ActionRejected("github: the effect was at nothing that has reactions")
    kind: Kind = next(one for one in get_args(Kind) if one == found[2])
    to = Reactable(found[1], kind, int(found[3]))
    doing, path = f"take a reaction from {to.ref}", reactions_of(to)
    session.remove(doing, to.repository, (*path, effect.made.id))
    return TakenBack(f"Took my reaction off the {to.kind}")


def _answered(session: GitHubSession, doing: str, issue: Issue, path: Segments, row: Json) -> str:
    """Say who built on a comment; '' if nobody did."""
    return first_of(
        ("reacted to it", lambda: reacted(session, doing, issue.repository, path, row)),
        ("answered it", lambda: _quoting(session, doing, issue, row)),
    )


def _quoting(session: GitHubSession, doing: str, issue: Issue, row: Json) -> list[str]:
    """Name the people who quote or link a comment in a later one; comments have no threads."""
    since = {"since": row["created_at"]}
    path = ("issues", issue.number, "comments")
    later = session.every(doing, issue.repository, path, **since)
    return people(session, (one for one in later if _quotes(one["body"] or "", row)))


def _quotes(text: str, row: Json) -> bool:
    if f"#issuecomment-{row['id']}" in text:
        return True
    said = {line.strip() for line in row["body"].splitlines()}
    lines = (line.lstrip("> ").strip() for line in text.splitlines() if line.startswith(">"))
    return any(len(line) >= _QUOTED and line in said for line in lines)
