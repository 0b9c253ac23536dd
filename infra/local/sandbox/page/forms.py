"""What a person can do on the page: each form is a method, its fields are the parameters."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from html import escape

import yaml

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER
from infra.project import ROOT
from shared.events import Json

#: https://git-scm.com/docs/git-check-ref-format
_BRANCH = re.compile(r"(?!/|.*(?://|\.\.|@\{|\.lock$|[/.]$))[^\s~^:?*\[\\\x00-\x20\x7f]{1,200}")
_MENTIONED = re.compile(r"(?<![\w@])@([\w-]+)")


class FormRefused(ValueError):
    """A form that cannot be taken; its text says why, for the person."""


class GitHubForms:
    def __init__(self, github: GitHubSandbox) -> None:
        self._github = github

    @property
    def table(self) -> dict[str, Callable[..., object]]:
        return {
            "/open_issue": self._github.open_issue,
            "/open_pull_request": self._open_pull_request,
            "/push": self._push,
            "/turn": self._turn,
            "/comment": self._github.comment,
            "/check": self._check,
            "/label": self._label,
            "/comment_on_line": self._comment_on_line,
            "/answer": self._github.answer,
            "/resolve": self._resolve,
            "/dismiss": self._dismiss,
            "/react": self._react,
        }

    def file(self, repository: str, branch: str, path: str) -> str:
        """Return the text of a file, so that one can change it; '' when there is none."""
        try:
            return self._github.file(repository, branch, path).decode("utf-8", "replace")
        except (GitHubError, LookupError):
            return ""

    def _open_pull_request(
        self,
        repository: str,
        title: str,
        branch: str,
        files: list[Json],
        *,
        body: str = "",
        author: str = "maria",
    ) -> int:
        if not _BRANCH.fullmatch(branch):
            raise FormRefused(f"{branch!r} is no name of a branch; try fix/empty-cart")
        if not files:
            raise FormRefused("a pull request needs a file that it changes")
        return self._github.open_pull_request(
            repository, title, body, author, head=branch, files=_files(files)
        )

    def _push(self, repository: str, number: int, files: list[Json], author: str = "maria") -> str:
        """Push a commit to the branch of a pull request."""
        self._check_right(repository, number, author)
        changed = _files(files)
        head = self._github.pull_request(repository, number)["head"]
        if head["repo"] is None:
            raise FormRefused("the repository with its branch was deleted")
        source, message = head["repo"]["full_name"], f"Change {', '.join(changed)}"
        return self._github.push(source, changed, author, branch=head["ref"], message=message)

    def _check(
        self, repository: str, number: int, name: str, log: str, *, author: str = "maria"
    ) -> int:
        """Let GitHub Actions report a failing check of a pull request's head, with its log."""
        self._check_right(repository, number, author)
        head = self._github.pull_request(repository, number)["head"]["sha"]
        lines = log.replace("\r\n", "\n")
        return self._github.check(repository, head, name, "failure", log=lines)

    def _label(self, repository: str, number: int, name: str, author: str = "maria") -> None:
        """Put a label on an issue or a pull request."""
        self._check_right(repository, number, author, own=False)
        there = [label["name"] for label in self._github.issue(repository, number)["labels"]]
        self._github.edit_issue(repository, number, author, labels=[*there, name.strip()])

    def _comment_on_line(
        self,
        repository: str,
        number: int,
        path: str,
        line: str,
        *,
        body: str,
        author: str = "maria",
    ) -> int:
        """Begin a thread on a line of the new file."""
        place = {"path": path, "line": int(line)}
        return self._github.comment_on_line(repository, number, body, author, **place)

    def _resolve(
        self, repository: str, number: int, comment: int, *, resolved: bool, author: str = "maria"
    ) -> None:
        """Resolve the thread of a comment, or open it again."""
        self._check_right(repository, number, author)
        self._github.resolve(comment, author, resolved=resolved)

    def _dismiss(
        self, repository: str, number: int, review: int, message: str, *, author: str = "maria"
    ) -> None:
        self._check_right(repository, number, author, own=False)
        self._github.dismiss(review, message, author)

    def _react(self, comment: int, content: str, author: str = "maria") -> None:
        """React to a comment; the same once more takes it back."""
        self._github.react(comment, content, author, toggle=True)

    def _turn(self, repository: str, number: int, state: str, author: str = "maria") -> None:
        """Close or reopen an issue or a pull request, or merge one."""
        self._check_right(repository, number, author, own=state != "merged")
        if state == "merged":
            self._github.merge_pull_request(repository, number, author)
        else:
            self._github.edit_issue(repository, number, author, state=state)

    def _check_right(self, repository: str, number: int, login: str, *, own: bool = True) -> None:
        """Refuse who may not write there, unless it is their `own` issue or pull request."""
        is_own = own and self._github.issue(repository, number)["user"]["login"] == login
        if not is_own and not self._github.may_write(repository, login):
            raise FormRefused(f"{login} may not do this, because only people with write access may")


class SlackForms:
    def __init__(self, slack: SlackSandbox) -> None:
        self._slack = slack
        self.commands = slash_commands()
        self.shortcuts = shortcuts()

    @property
    def table(self) -> dict[str, Callable[..., object]]:
        views = self._slack.views
        return {
            "/say": self._say,
            "/click": self._click,
            "/edit": self._edit,
            "/delete": self._delete,
            "/emoji": self._emoji,
            "/attach": self._attach,
            "/stop": self._stop,
            "/shortcut": views.shortcut,
            "/shortcut_on": views.shortcut_on,
            "/submit": views.submit,
            "/close_dialog": views.close,
            "/press": views.press,
            "/open_home": views.open_home,
            "/open_messages": views.open_messages,
        }

    def _say(
        self, channel: str, text: str, thread_ts: str | None = None, user: str = ALICE
    ) -> None:
        """Say something, or give a slash command, which Slack takes only outside of threads."""
        if not text.strip():
            raise FormRefused("there is nothing to send")
        place, user = self._place(channel, user)
        if not text.startswith("/"):
            self._slack.say(channel, self._written(text), user, thread_ts)
            return
        command, _, rest = text.strip().partition(" ")
        known = [one["command"] for one in self.commands]
        if command not in known:
            raise FormRefused(f"{command} is no command of this app; it has {', '.join(known)}")
        if thread_ts:
            raise FormRefused("Slack takes slash commands outside of threads only; write @agent …")
        typed = escape(text.strip(), quote=False)
        self._slack.workspace.whisper(place, user, text=typed, typed=True)
        self._slack.command(command, rest.strip(), place, user)

    def _click(
        self, channel: str, ts: str, action_id: str, value: str | None = None, *, user: str = ALICE
    ) -> None:
        self._slack.click(channel, ts, action_id, self._place(channel, user)[1], value)

    def _edit(self, channel: str, ts: str, text: str, user: str = ALICE) -> None:
        self._check_own(channel, ts, user)
        if not text.strip():
            raise FormRefused("there is nothing to send")
        self._slack.edit(channel, ts, self._written(text), user)

    def _delete(self, channel: str, ts: str, user: str = ALICE) -> None:
        self._check_own(channel, ts, user)
        self._slack.delete(channel, ts)

    def _emoji(self, channel: str, ts: str, emoji: str, user: str = ALICE) -> None:
        place, user = self._place(channel, user)
        self._slack.react(place, ts, emoji, user)

    def _stop(self, channel: str, thread_ts: str, user: str = ALICE) -> None:
        """Press the Stop that Slack shows while the agent works in a thread."""
        place, user = self._place(channel, user)
        self._slack.stop_agent(place, thread_ts, user)

    def _attach(
        self, channel: str, name: str, content: str, *, text: str = "", user: str = ALICE
    ) -> None:
        """Send a file, whose bytes come as base64."""
        if not name:
            raise FormRefused("choose a file first")
        place, user = self._place(channel, user)
        self._slack.attach(
            place, (name, b64decode(content, validate=True)), text=self._written(text), user=user
        )

    def _check_own(self, channel: str, ts: str, user: str) -> None:
        place, user = self._place(channel, user)
        if self._slack.workspace.message(place, ts)["user"] != user:
            raise FormRefused("only who wrote a message may change it")

    def _written(self, text: str) -> str:
        """Return what a person typed as Slack sends it: escaped, with the ids of people."""
        return _MENTIONED.sub(self._mention, escape(text, quote=False))

    def _place(self, channel: str, user: str) -> tuple[str, str]:
        """Return the ids of a conversation and of who speaks there."""
        found = self._slack.workspace.channel(channel)
        person = found["user"] if found["is_im"] else user
        return found["id"], self._slack.workspace.users[person]["id"]

    def _mention(self, found: re.Match[str]) -> str:
        people = self._slack.workspace.users.values()
        ids = {"agent": BOT_USER} | {person["name"]: person["id"] for person in people}
        return f"<@{ids[found[1]]}>" if found[1] in ids else found[0]


def slash_commands() -> list[dict[str, str]]:
    """Return the slash commands that the app's manifest declares."""
    return [
        {"command": row["command"], "hint": row["usage_hint"], "about": row["description"]}
        for row in _features()["slash_commands"]
    ]


def shortcuts() -> list[dict[str, str]]:
    """Return the shortcuts that the app's manifest declares."""
    return [
        {"id": row["callback_id"], "name": row["name"], "kind": row["type"]}
        for row in _features()["shortcuts"]
    ]


def _features() -> Json:
    manifest = yaml.safe_load((ROOT / "infra/apps/slack.yaml").read_text("utf-8"))
    found: Json = manifest["features"]
    return found


def _files(rows: list[Json]) -> Mapping[str, str]:
    """Return the contents by their paths; raises FormRefused for a path that git has not."""
    found: dict[str, str] = {}
    for row in rows:
        path, content = str(row["path"]).strip(), str(row.get("content", ""))
        if any(part in {"", ".", "..", ".git"} for part in path.split("/")):
            raise FormRefused(f"{path!r} is no path of a file; try src/cart.py")
        # A browser sends the ends of lines as Windows has them.
        lines = content.replace("\r\n", "\n")
        found[path] = lines if lines.endswith("\n") or not lines else f"{lines}\n"
    return found
