"""Shows the repositories of the sandbox GitHub to the page."""

import re

from infra.local.sandbox.github import GitHubSandbox
from shared.events import Json

#: So many of the newest issues and pull requests of a repository are shown.
_ISSUES = 40
#: The marks of the agent: at the end of what it writes, and around its sections.
_MARKS = re.compile("<!-- agent-flows(?:-sticky| commit=| effect=)")
_SECTIONS = re.compile("<!-- agent-flows-(?:section|end)[^>]*-->\n?")
#: So much of a file's patch, in characters.
_PATCH = 20_000


class GitHubView:
    """Keeps what it showed until something changes, and the files of a pull request, which take
    long to compare, until its head moves."""

    def __init__(self, github: GitHubSandbox) -> None:
        self._github = github
        self._shown: tuple[int, list[Json]] = (-1, [])
        self._files: dict[tuple[str, int, str], list[Json]] = {}

    def state(self) -> list[Json]:
        version = self._github.version
        if version != self._shown[0]:
            shown = [self._repository(name) for name in self._github.repositories()]
            self._shown = (version, shown)
        return self._shown[1]

    def _repository(self, name: str) -> Json:
        issues = self._github.issues(name, last=_ISSUES)
        return {
            "name": name,
            "issues": [self._issue(name, row) for row in reversed(issues)],
            "older": issues[0]["number"] - 1 if issues else 0,
        }

    def _issue(self, repository: str, issue: Json) -> Json:
        shown = {
            **_written(issue),
            "number": issue["number"],
            "title": issue["title"],
            "state": issue["state"],
            "reason": issue["state_reason"] if issue["state"] == "closed" else None,
            "locked": _lock(issue),
            "milestone": issue["milestone"]["title"] if issue["milestone"] else "",
            "labels": [_label(label) for label in issue["labels"]],
            "assignees": [person["login"] for person in issue["assignees"]],
            "comments": [_written(comment) for comment in issue["comments"]],
        }
        if "pull_request" in issue:
            shown["pull"] = self._pull(repository, issue["number"])
        return shown

    def _pull(self, repository: str, number: int) -> Json:
        pull = self._github.pull_request(repository, number)
        key = (repository, number, pull["head"]["sha"])
        if key not in self._files:
            self._files = {k: v for k, v in self._files.items() if k[:2] != key[:2]}
            self._files[key] = [_file(row) for row in self._github.pull_files(repository, number)]
        same = ("merged", "draft", "commits", "additions", "deletions")
        head = pull["head"]
        return {
            **{name: pull[name] for name in same},
            "head": head["label"] if _is_fork(pull) else head["ref"],
            "branch": head["ref"],
            "source": head["repo"]["full_name"] if head["repo"] else "",
            "base": pull["base"]["ref"],
            "files": self._files[key],
            "threads": [_thread(row) for row in self._github.threads(repository, number)],
            "reviews": self._reviews(repository, number),
            "checks": self._checks(repository, head["sha"]),
        }

    def _reviews(self, repository: str, number: int) -> list[Json]:
        """Show the reviews that say something apart from their comments."""
        rows = self._github.reviews(repository, number)
        seen = [row for row in rows if row["state"] != "PENDING"]
        same = ("state", "dismissal")
        return [
            {**_written(row), **{name: row[name] for name in same}}
            for row in seen
            if row["body"] or row["state"] != "COMMENTED"
        ]

    def _checks(self, repository: str, sha: str) -> list[Json]:
        runs = self._github.checks(repository, sha)
        found = {row["name"]: self._check(row) for row in runs}
        for row in self._github.statuses(repository, sha):
            found[row["context"]] = {"state": row["state"], "said": row["description"] or ""}
        return [{"name": name, "lines": []} | told for name, told in found.items()]

    def _check(self, row: Json) -> Json:
        """Show a check run with what it says, of single lines too."""
        output = (row["output"]["title"], row["output"]["summary"])
        said = visible("\n\n".join(part for part in output if part))
        lines = [
            {"place": f"{one['path']}:{one['start_line']}", "text": one["message"]}
            for one in self._github.annotations(row["id"])
            if one["message"] not in said
        ]
        return {"state": row["conclusion"] or "", "said": said, "lines": lines}


def visible(text: str) -> str:
    """Return the text without the hidden mark at its end, and without those of sections."""
    return _SECTIONS.sub("", _MARKS.split(text, maxsplit=1)[0]).strip()


def _written(row: Json) -> Json:
    """Show what an issue and a comment have in common: somebody wrote them."""
    return {
        "id": row["id"],
        "author": row["user"]["login"],
        "bot": row["user"]["type"] == "Bot",
        "at": row.get("created_at") or row["submitted_at"],
        "text": visible(row["body"] or ""),
        "reactions": [reaction["content"] for reaction in row.get("reactions", ())],
    }


def _is_fork(pull: Json) -> bool:
    head, base = pull["head"]["repo"], pull["base"]["repo"]
    return bool(head is None or head["id"] != base["id"])


def _thread(row: Json) -> Json:
    """Show a thread where it stands: `position` counts the lines of the patch, from its first
    @@; null for one that is outdated."""
    first, on_file = row["comments"][0], row["comments"][0]["subject_type"] == "file"
    outdated = first["position"] is None
    which = "original_" if outdated else ""
    return {
        "id": first["id"],
        "path": first["path"],
        "whole": on_file,
        "line": first[f"{which}line"],
        "start": first[f"{which}start_line"],
        "position": first["position"],
        "outdated": outdated,
        "hunk": first["diff_hunk"][-_PATCH:],
        "resolved": row["resolved_by"] or "",
        "comments": [_written(comment) for comment in row["comments"]],
    }


def _label(label: Json) -> Json:
    return {"name": label["name"], "about": label["description"] or ""}


def _lock(issue: Json) -> str:
    """Say that a conversation is locked, and why; '' for an open one."""
    reason = issue["active_lock_reason"]
    return (f"locked as {reason}" if reason else "locked") if issue["locked"] else ""


def _file(row: Json) -> Json:
    same = ("filename", "status", "additions", "deletions")
    patch = row.get("patch", "")
    return {
        **{name: row[name] for name in same},
        "before": row.get("previous_filename", ""),
        "patch": patch[:_PATCH],
        "cut": max(len(patch) - _PATCH, 0),
    }
