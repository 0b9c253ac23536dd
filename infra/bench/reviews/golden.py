"""The reader of public benchmarks: golden comments as JSON, and clones of their repositories.

The format is that of https://github.com/withmartian/code-review-benchmark (offline/README.md, “Data
format”), which replicates the benchmarks of Augment and Greptile: a list of pull requests with
`pr_title`, `url` and `comments`, each with `comment`, `severity` and in newer files `category`.
They name no lines, so only the words of a claim, or a judge, tell if a finding is one of them.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from infra.bench.reviews.cases import Case, FileTexts, Label, read_rows, text_of
from shared.errors import SettingsError
from shared.events import Json

_URL = re.compile(r"https?://[^/]+/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)/pull/(?P<number>\d+)/?")
#: Bytes of a file; a larger one counts as binary, as on GitHub.
_LARGEST = 1_000_000


class _Clone(NamedTuple):
    """A clone, and the two commits of a pull request in it."""

    root: Path
    base: str
    head: str

    def git(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise SettingsError(f"git {arguments[0]} failed in {self.root}: {''.join(said)}")
        return done.stdout


def is_golden(rows: Sequence[Json]) -> bool:
    """Are these pull requests with golden comments?"""
    return all("comments" in row and "url" in row for row in rows)


def golden_cases(path: Path, clones: Path | None) -> Iterator[Case]:
    """Read golden comments, of all files of a folder; raises SettingsError when something is
    missing, and names it."""
    if clones is None:
        raise SettingsError("golden comments come without code: --clones names their repositories")
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        for row in read_rows(file):
            yield _case(row, clones, file.name)


def _case(row: Json, clones: Path, where: str) -> Case:
    url = text_of(row, "url", where)
    if not (found := _URL.fullmatch(url)):
        raise SettingsError(f"{where}: {url} is no pull request")
    places = (clones / found["owner"] / found["name"], clones / found["name"])
    root = next((place for place in places if place.is_dir()), None)
    if root is None:
        raise SettingsError(f"{url}: clone the repository to {places[0]} or {places[1]}")
    comments = row["comments"]
    if not isinstance(comments, list) or not all(isinstance(one, dict) for one in comments):
        raise SettingsError(f"{where}: comments of {url} must be a list of objects")
    labels = tuple(Label(text_of(one, "comment", f"{where}, {url}")) for one in comments)
    files = tuple(_files(_commits(row, root, found["number"])))
    if not files:
        raise SettingsError(f"{url}: nothing differs; name its base as refs/pull/N/base")
    return Case(url, text_of(row, "pr_title", where), files, labels)


def _commits(row: Json, root: Path, number: str) -> _Clone:
    """Find the commits: `head` and `base` of the row, else the references of the pull request,
    else where it left the default branch."""
    clone = _Clone(root, "", "")
    head = str(row.get("head") or f"refs/pull/{number}/head")
    base = str(row.get("base") or f"refs/pull/{number}/base")
    try:
        clone.git("rev-parse", "--verify", "--end-of-options", f"{head}^{{commit}}")
    except SettingsError as err:
        raise SettingsError(
            f"{root} has no {head}; git fetch origin refs/pull/{number}/head:{head} brings it"
        ) from err
    try:
        left = clone.git("merge-base", "--end-of-options", base, head)
    except SettingsError:
        left = clone.git("merge-base", "--end-of-options", "refs/remotes/origin/HEAD", head)
    return clone._replace(base=left.decode().strip(), head=head)


def _files(clone: _Clone) -> Iterator[FileTexts]:
    """Yield the text files that differ; a renamed one counts as deleted and added."""
    listed = clone.git("diff", "--name-only", "--no-renames", "-z", clone.base, clone.head, "--")
    for name in filter(None, listed.decode("utf-8", "replace").split("\0")):
        before, after = _text(clone, clone.base, name), _text(clone, clone.head, name)
        if before is not None or after is not None:
            yield FileTexts(name, before, after)


def _text(clone: _Clone, commit: str, path: str) -> str | None:
    """Return a file at a commit; None where it is not there, or no text."""
    try:
        content = clone.git("cat-file", "blob", f"{commit}:{path}")
    except SettingsError:
        return None
    try:
        return content.decode() if len(content) <= _LARGEST and b"\0" not in content else None
    except UnicodeDecodeError:
        return None
