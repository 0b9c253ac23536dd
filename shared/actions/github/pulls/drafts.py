"""Opens draft pull requests: a branch, a commit, the pull request, each of them once.

The branch is named by the effect, so an attempt after a crash finds the work of the one before and
continues it.
"""

from base64 import b64encode
from contextlib import suppress
from hashlib import sha1
from typing import Any, NamedTuple

from shared.actions import Mark, Receipt
from shared.actions.github.actions import OpenDraft
from shared.actions.github.markdown import compose, fingerprint, read_stamp, titled
from shared.actions.github.paths import Segments, is_reference, parts, unwritable
from shared.actions.github.session import GitHubSession
from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.events import Json
from shared.marks import branch_of

#: The largest file to write, in bytes.
MOST = 1024 * 1024


def open_draft(session: GitHubSession, action: OpenDraft, mark: Mark, *_: object) -> Receipt:
    """Do the missing steps. When GitHub refuses one, no branch stays behind."""
    work = _plan(session, action, mark)
    head = work.head(work.branch)
    start = head or work.head(work.base)
    if not start:
        raise work.refused("there is no such base branch")
    file = work.file(start)
    written = file == _blob(work.content)
    if not head and written:
        raise work.refused("the file is like that already")
    if not head:
        work.send("POST", ("git", "refs"), {"ref": f"refs/heads/{work.branch}", "sha": start})
    try:
        if not written:
            work.commit(file)
        return _opened(work.pull(mark))
    except ActionUnavailable as err:
        err.sent = True  # the branch is there
        raise
    except ActionRejected:
        if found := find_draft(session, action, mark):  # hidden before by a list that lagged behind
            return found
        with suppress(ActionError):  # the refusal is what counts
            work.send("DELETE", ("git", "refs", "heads", *parts(work.branch)))
        raise


def find_draft(session: GitHubSession, action: OpenDraft, mark: Mark) -> Receipt | None:
    """Look for the pull request of the effect's branch, also among closed ones."""
    repository = action.repository.name
    doing = f"look for a pull request in {repository}"
    head = f"{repository.partition('/')[0]}:{branch_of(mark.key)}"
    rows = session.request(doing, repository, "GET", ("pulls",), state="all", head=head)
    for pull in rows.data:
        stamp = read_stamp(pull["body"])
        if stamp and stamp.mark.key == mark.key and session.wrote(pull):
            return _opened(pull)
    return None


class _Work(NamedTuple):
    """The steps of one draft."""

    session: GitHubSession
    action: OpenDraft
    branch: str
    base: str
    content: bytes

    def send(self, verb: str, path: Segments, body: Json | None = None) -> Any:
        repository = self.action.repository.name
        return self.session.request(_doing(self.action), repository, verb, path, body).data

    def look(self, path: Segments, **parameters: str) -> Any:
        repository = self.action.repository.name
        return self.session.look(_doing(self.action), repository, path, **parameters)

    def refused(self, reason: str) -> ActionRejected:
        return _refused(self.action, reason)

    def head(self, branch: str) -> str:
        """Return the commit of a branch; empty without such a branch."""
        found = self.look(("git", "ref", "heads", *parts(branch)))
        return str(found["object"]["sha"]) if isinstance(found, dict) else ""

    def file(self, commit: str) -> str:
        """Return the blob at the path; empty without a file there. Raises ActionRejected for
        anything else."""
        found = self.look(("contents", *parts(self.action.path)), ref=commit)
        if found is None:
            return ""
        if isinstance(found, list) or found["type"] != "file":
            raise self.refused("the path is not that of a file")
        return str(found["sha"])

    def commit(self, replaced: str) -> None:
        """https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents"""
        body = {
            "message": titled(self.action.title, self.action.body),
            "content": b64encode(self.content).decode(),
            "branch": self.branch,
            **({"sha": replaced} if replaced else {}),
        }
        self.send("PUT", ("contents", *parts(self.action.path)), body)

    def pull(self, mark: Mark) -> Json:
        body = {
            "title": titled(self.action.title, self.action.body),
            "body": compose(self.action.body, mark, sticky=False),
            "head": self.branch,
            "base": self.base,
            "draft": True,
        }
        pull: Json = self.send("POST", ("pulls",), body)
        return pull


def _plan(session: GitHubSession, action: OpenDraft, mark: Mark) -> _Work:
    content = action.content.encode("utf-8", "replace")
    if reason := unwritable(action.path):
        raise _refused(action, reason)
    if action.base and not is_reference(action.base):
        raise _refused(action, "not a valid branch")
    if len(content) > MOST:
        raise _refused(action, f"the file has {len(content):,} bytes; the limit is {MOST:,}")
    work = _Work(session, action, branch_of(mark.key), action.base, content)
    return work if work.base else work._replace(base=work.send("GET", ())["default_branch"])


def _doing(action: OpenDraft) -> str:
    return f"open a draft pull request in {action.repository.name}"


def _refused(action: OpenDraft, reason: str) -> ActionRejected:
    return ActionRejected(f"github: could not {_doing(action)}: {reason}")


def _blob(content: bytes) -> str:
    """Name a file's content as git does.

    https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    header = f"blob {len(content)}\0".encode()
    return sha1(header + content, usedforsecurity=False).hexdigest()


def _opened(pull: Json) -> Receipt:
    head = pull["head"]
    about = {"branch": head["ref"], "commit": head["sha"], "text": fingerprint(pull)}
    return Receipt(str(pull["number"]), pull["html_url"], about)
