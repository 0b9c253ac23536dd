"""Pages that links to GitHub lead to: a file as a commit has it, and checks with what they say.

They are made here, of escaped text: no browser gets anything of it that is not text.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import NamedTuple

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.page.github_view import visible
from shared.events import Json

_FILE = re.compile(r"/(?P<name>[^/]+/[^/]+)/blob/(?P<rest>.+)")
_SUITE = re.compile(r"/(?P<name>[^/]+/[^/]+)/actions/runs/(?P<suite>\d+)(?:/job/(?P<run>\d+))?")
_RUN = re.compile(r"/(?P<name>[^/]+/[^/]+)/runs/(?P<run>\d+)")
#: Lines of a file that are shown.
_MOST = 20_000
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/page.css">
<script type="module" src="/page/lines.js"></script>
</head>
<body>
<header><a class="brand" href="/"><img src="/page/icon.svg" alt="" width="26" height="26">
<span>Agent Flows</span></a></header>
<main class="linked"><h1>{title}</h1>{body}</main>
</body>
</html>
"""


class _Shown(NamedTuple):
    title: str
    body: str


class LinksView:
    """The pages of one sandbox."""

    def __init__(self, github: GitHubSandbox) -> None:
        self._github = github

    def shown(self, path: str) -> str | None:
        """Return the page at an address as HTML; None where there is nothing."""
        pages: tuple[tuple[re.Pattern[str], Callable[..., _Shown | None]], ...] = (
            (_FILE, self._file),
            (_SUITE, self._checks),
            (_RUN, self._checks),
        )
        for pattern, show in pages:
            if found := pattern.fullmatch(path):
                page = show(**found.groupdict())
                return _PAGE.format(title=escape(page.title), body=page.body) if page else None
        return None

    def _file(self, name: str, rest: str) -> _Shown | None:
        """Show a file at a commit or a branch, whose name may have slashes as the path has."""
        parts = rest.split("/")
        for end in range(1, len(parts)):
            ref, path = "/".join(parts[:end]), "/".join(parts[end:])
            try:
                text = self._github.file(name, ref, path).decode("utf-8", "replace")
            except (GitHubError, LookupError):
                continue
            lines = "\n".join(_lines(text.splitlines()[:_MOST]))
            about = f'<p class="meta">{escape(name)} at <code>{escape(ref)}</code></p>'
            return _Shown(path, f'{about}<ol class="lines">{lines}</ol>')
        return None

    def _checks(self, name: str, run: str | None, suite: str | None = None) -> _Shown | None:
        """Show a check run, or all of a suite, which is a run of GitHub's Actions."""
        rows = self._github.check_runs(name, int(suite or 0), int(run or 0))
        if not rows:
            return None
        shown = "".join(self._check(row) for row in rows)
        return _Shown(f"Checks of {name} at {rows[0]['head_sha'][:7]}", shown)

    def _check(self, row: Json) -> str:
        said = [row["output"]["title"], visible(row["output"]["summary"] or "")]
        parts = [f"<p>{escape(text)}</p>" for text in said if text]
        notes = self._github.annotations(row["id"])
        places = [f"<code>{escape(one['path'])}:{one['start_line']}</code>" for one in notes]
        lines = [
            f"<li>{place} {escape(one['message'])}</li>"
            for place, one in zip(places, notes, strict=True)
        ]
        parts += [f"<ul>{''.join(lines)}</ul>"] if lines else []
        parts += [f'<pre class="log">{escape(row["log"])}</pre>'] if row["log"] else []
        state = row["conclusion"] or row["status"]
        title = f"<h2>{escape(row['name'])}: {escape(state)}</h2>"
        return f'<section id="check-{row["id"]}">{title}{"".join(parts)}</section>'


def _lines(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f'<li id="L{number}"><code>{escape(line)}</code></li>'
