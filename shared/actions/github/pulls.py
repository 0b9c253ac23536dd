"""Opens draft pull requests: a branch, a commit, the pull request, each of them once.

The branch is named by the effect, so an attempt after a crash finds what the one before has left,
and goes on from there.
"""

from base64 import b64encode
from contextlib import suppress
from hashlib import sha1
from typing import NamedTuple
from urllib.parse import quote

from shared.actions import Mark, Receipt
from shared.actions.github.actions import OpenDraft, unwritable
from shared.actions.github.issues import titled
from shared.actions.github.markdown import compose, read_stamp
from shared.actions.github.session import GitHubSession
from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.events import Json

#: The largest file that is written, in bytes.
MOST = 1024 * 1024


class _Work(NamedTuple):
    """What is to be done: on which branch upon which, and what the file shall hold."""

    action: OpenDraft
    branch: str
    base: str
    content: bytes

    @property
    def repository(self) -> str:
        return self.action.repository.name

    @property
    def doing(self) -> str:
        return f"open a draft pull request in {self.repository}"


class Pulls:
    """Threads may share it."""

    def __init__(self, session: GitHubSession) -> None:
        self._session = session

    def open(self, action: OpenDraft, mark: Mark) -> Receipt:
        """Do what is missing of it. What GitHub refuses leaves no branch behind."""
        work = self._work(action, mark)
        head = self._head(work, work.branch)
        start = head or self._head(work, work.base)
        if not start:
            raise ActionRejected(f"github: could not {work.doing}: there is no such base branch")
        file = self._file(work, start)
        written = file == _blob(work.content)
        if not head and written:
            raise ActionRejected(f"github: could not {work.doing}: the file is like that already")
        if not head:
            ref = {"ref": f"refs/heads/{work.branch}", "sha": start}
            self._session.request(work.doing, work.repository, "POST", "/git/refs", ref)
        try:
            if not written:
                self._commit(work, file)
            return _opened(self._pull(work, mark))
        except ActionUnavailable as err:
            err.sent = True  # the branch is there
            raise
        except ActionRejected:
            if found := self.find(action, mark):  # a list that lagged behind has hidden it before
                return found
            self._take_away(work)
            raise

    def find(self, action: OpenDraft, mark: Mark) -> Receipt | None:
        """Look for the pull request of the effect's branch, be it closed meanwhile."""
        repository = action.repository.name
        doing = f"look for a pull request in {repository}"
        head = f"{repository.partition('/')[0]}:{_branch(mark)}"
        rows = self._session.request(doing, repository, "GET", "/pulls", state="all", head=head)
        for pull in rows.data:
            stamp = read_stamp(pull["body"])
            if stamp and stamp.mark.key == mark.key and self._session.wrote(pull):
                return _opened(pull)
        return None

    def _work(self, action: OpenDraft, mark: Mark) -> _Work:
        repository = action.repository.name
        doing = f"open a draft pull request in {repository}"
        content = action.content.encode("utf-8", "replace")
        if reason := unwritable(action.path):
            raise ActionRejected(f"github: could not {doing}: {reason}")
        if len(content) > MOST:
            raise ActionRejected(
                f"github: could not {doing}: the file has {len(content):,} bytes; at most {MOST:,}"
                " are written"
            )
        base = (
            action.base
            or self._session.request(doing, repository, "GET", "").data["default_branch"]
        )
        return _Work(action, _branch(mark), base, content)

    def _head(self, work: _Work, branch: str) -> str:
        """The commit of a branch; empty when there is no such branch."""
        found = self._session.look(work.doing, work.repository, f"/git/ref/heads/{quote(branch)}")
        return str(found["object"]["sha"]) if isinstance(found, dict) else ""

    def _file(self, work: _Work, commit: str) -> str:
        """The blob that the path holds; empty when there is none. Raises ActionRejected for what is
        no file."""
        path = f"/contents/{quote(work.action.path)}"
        found = self._session.look(work.doing, work.repository, path, ref=commit)
        if found is None:
            return ""
        if isinstance(found, list) or found["type"] != "file":
            raise ActionRejected(f"github: could not {work.doing}: the path is not that of a file")
        return str(found["sha"])

    def _commit(self, work: _Work, replaced: str) -> None:
        """https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents"""
        body = {
            "message": titled(work.action.title),
            "content": b64encode(work.content).decode(),
            "branch": work.branch,
            **({"sha": replaced} if replaced else {}),
        }
        path = f"/contents/{quote(work.action.path)}"
        self._session.request(work.doing, work.repository, "PUT", path, body)

    def _pull(self, work: _Work, mark: Mark) -> Json:
        body = {
            "title": titled(work.action.title),
            "body": compose(work.action.body, mark, sticky=False),
            "head": work.branch,
            "base": work.base,
            "draft": True,
        }
        pull: Json = self._session.request(work.doing, work.repository, "POST", "/pulls", body).data
        return pull

    def _take_away(self, work: _Work) -> None:
        path = f"/git/refs/heads/{quote(work.branch)}"
        with suppress(ActionError):  # the refusal is what counts
            self._session.request(work.doing, work.repository, "DELETE", path)


def _branch(mark: Mark) -> str:
    return f"agent-flows/{mark.key[:20]}"


def _blob(content: bytes) -> str:
    """Name a file's content as git does.

    https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    header = f"blob {len(content)}\0".encode()
    return sha1(header + content, usedforsecurity=False).hexdigest()


def _opened(pull: Json) -> Receipt:
    return Receipt(str(pull["number"]), pull["html_url"], {"branch": pull["head"]["ref"]})
