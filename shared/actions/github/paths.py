"""Builds the paths and parameters of requests to GitHub, so that no text leads a request elsewhere.

A path is made of segments, each checked and quoted by itself. A segment that a client, a proxy or
GitHub could read as another one is refused, not mended.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple
from unicodedata import category, normalize
from urllib.parse import quote, unquote, urlencode

from shared.errors import ActionRejected
from shared.events import REPOSITORY

#: The parts of a path, still unquoted. A whole path as one text is not a tuple, so it fits nowhere.
Segments = tuple[str | int, ...]

#: The longest segment, in characters; file systems take 255 bytes.
_LONGEST = 255
#: The characters of most segments; they need no closer look. Patterns are compiled when they are
#: first used, which most of them never are.
_SIMPLE = r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
#: One more way to write a character, which some servers read.
_WIDE = r"%[uU][0-9A-Fa-f]{4}"
#: Controls, halves of surrogate pairs, unassigned characters, separators of lines and paragraphs.
_UNFIT = {"Cc", "Cs", "Cn", "Zl", "Zp"}
#: What git allows in no name of a branch or tag; `:` would name a fork.
#: https://git-scm.com/docs/git-check-ref-format
_NO_REFERENCE = r"[~^:?*\[]|\.\.|@\{"
_RULE = (
    "a part of it is empty or only dots, starts or ends with a space, ends with a dot, or has"
    " characters that servers read in different ways"
)


class GitHubPath(NamedTuple):
    """A quoted path of the API. Its request must stay at `root` or below: `/repos/acme/shop`."""

    root: str
    text: str


#: What a path may begin with besides a repository.
_ROOTS = {"/app", "/app-manifests", "/graphql", "/installation", "/search", "/user"}
#: The user of a token; the app of a JWT.
USER, APP = GitHubPath("/user", "/user"), GitHubPath("/app", "/app")
#: The GraphQL API, which has one address.
GRAPHQL = GitHubPath("/graphql", "/graphql")
#: The repositories of the user, and of the installation, that a token reaches.
OF_USER = GitHubPath("/user", "/user/repos")
OF_INSTALLATION = GitHubPath("/installation", "/installation/repositories")


def in_repository(doing: str, repository: str, segments: Segments = ()) -> GitHubPath:
    """Return a path in `owner/name`. `doing` completes "could not …" in an ActionRejected."""
    if not is_repository(repository):
        raise ActionRejected("github: not a valid repository; it must be owner/name")
    root = f"/repos/{repository}"
    return GitHubPath(root, root + _written(doing, segments))


def of_app(doing: str, segments: Segments) -> GitHubPath:
    """Return a path of what belongs to the app itself."""
    return GitHubPath(APP.root, APP.root + _written(doing, segments))


def of_manifest(doing: str, code: str) -> GitHubPath:
    """Return the path that turns the code of an App manifest into the app's credentials."""
    root = "/app-manifests"
    return GitHubPath(root, root + _written(doing, (code, "conversions")))


def of_search(kind: Literal["issues", "code"]) -> GitHubPath:
    return GitHubPath("/search", f"/search/{kind}")


def parts(path: str) -> tuple[str, ...]:
    """Split the path of a file, or the name of a branch, into segments."""
    return tuple(path.split("/"))


def is_repository(name: str) -> bool:
    """Tell whether this is `owner/name`, as GitHub writes it."""
    owner, _, repository = name.partition("/")
    if not re.fullmatch(REPOSITORY, name) or repository.lower().endswith(".git"):
        return False
    return is_segment(owner) and is_segment(repository)


def is_path(text: str) -> bool:
    """Tell whether this names a file or folder, and nothing else to anybody."""
    return all(map(is_segment, parts(text)))


def is_reference(text: str) -> bool:
    """Tell whether this can be a branch, a tag or a commit of the repository itself."""
    return is_path(text) and not re.search(_NO_REFERENCE, text)


def is_segment(text: str) -> bool:
    """Tell whether every client, proxy and server takes `text` for the same single segment."""
    if len(text) > _LONGEST:
        return False
    if re.fullmatch(_SIMPLE, text):
        return True
    decoded = _decoded(text)
    forbidden = {*"/\\\ufffd"} if decoded == text else {*"/\\\ufffd?#;"}
    if forbidden & {*decoded} or _UNFIT & set(map(category, decoded)) or re.search(_WIDE, decoded):
        return False
    seen = _seen(decoded)
    if seen != seen.strip(" ") or seen.endswith("."):
        return False
    return all(piece.strip(" .") for piece in re.split(r"[/\\;]", seen))


def query_of(doing: str, parameters: Mapping[str, int | str]) -> str:
    """Return the query with its `?`, or ''; each text must be what its parameter's name says."""
    for name, value in parameters.items():
        fits = _PARAMETERS.get(name, _nothing)
        if isinstance(value, str) and not fits(value):
            raise ActionRejected(f"github: could not {doing}: not a valid `{name}`; {_RULE}")
    return f"?{urlencode(parameters)}" if parameters else ""


def is_whole(path: GitHubPath) -> bool:
    """Tell whether a path stays where it says, however often somebody decodes it. It does not rely
    on the check of each segment."""
    inside = path.text == path.root or path.text.startswith(f"{path.root}/")
    of_one = path.root.startswith("/repos/") and is_repository(path.root.removeprefix("/repos/"))
    known = of_one or path.root in _ROOTS
    pieces = re.split(r"[/\\;]", _seen(path.text)[1:])
    return inside and known and all(piece.strip(" .") for piece in pieces)


def within(doing: str, repository: str, words: str) -> str:
    """Return a search for `words` in `repository` alone; raises ActionRejected for words that would
    search elsewhere too.

    GitHub joins several places by "or", and OR binds weaker than the place that we name.
    """
    in_repository(doing, repository)
    here = rf'(?<!\S)repo:"?{re.escape(repository)}"?(?!\S)'
    plain = re.sub(here, " ", " ".join(words.split()), flags=re.IGNORECASE)
    if not plain.isprintable() or re.search(_ELSEWHERE, _seen(plain)):
        raise ActionRejected(
            f"github: could not {doing}: not a valid search; leave out repo:, org:, user:, OR and"
            " invisible characters, since it covers this repository alone"
        )
    return f"repo:{repository} {' '.join(plain.split())}"


#: Qualifiers that add a place to a search, and the operator that leaves the place.
#: https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
_ELSEWHERE = r"(?i:(?<!\w)(?:repo|repository|org|user|owner|enterprise)\s*:)|\bOR\b"


def _written(doing: str, segments: Segments) -> str:
    for segment in segments:
        if type(segment) is int and segment > 0:
            continue
        if not isinstance(segment, str) or not is_segment(segment):
            raise ActionRejected(f"github: could not {doing}: not a valid path; {_RULE}")
    return "".join(f"/{quote(str(segment), safe='')}" for segment in segments)


def _decoded(text: str) -> str:
    """Undo percent-encoding as often as it was done."""
    while (once := unquote(text)) != text:
        text = once
    return text


def _seen(text: str) -> str:
    """Return the plainest text that a server may make of it: wide forms narrow, invisible
    characters left out, decoded."""
    plain = "".join(c for c in normalize("NFKC", text) if category(c) != "Cf")
    decoded = _decoded(plain)
    return plain if decoded == plain else _seen(decoded)


def _nothing(text: str) -> bool:
    return False


def _is_head(text: str) -> bool:
    owner, _, branch = text.partition(":")
    return is_segment(owner) and is_reference(branch)


def _is_word(text: str) -> bool:
    return re.fullmatch(r"[a-z_-]{1,40}", text) is not None


def _is_moment(text: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text) is not None


def _is_search(text: str) -> bool:
    place, _, words = text.partition(" ")
    named = place.startswith("repo:") and is_repository(place.removeprefix("repo:"))
    return named and not re.search(_ELSEWHERE, _seen(words))


def _is_cursor(text: str) -> bool:
    return re.fullmatch(r"[\w:=.+/-]{1,400}", text, re.ASCII) is not None


def _is_choice(text: str) -> bool:
    """A login or a number, or GitHub's words for any and for none."""
    return text == "*" or is_segment(text)


def _is_list(text: str) -> bool:
    return 0 < len(text) <= 2_000 and text.isprintable()


#: What each parameter with a text may hold; a new one needs a line here.
_PARAMETERS: Mapping[str, Callable[[str], bool]] = {
    "after": _is_cursor,
    "assignee": _is_choice,
    "check_name": _is_list,
    "cursor": _is_cursor,
    "direction": _is_word,
    "filter": _is_word,
    "head": _is_head,
    "labels": _is_list,
    "milestone": _is_choice,
    "page": str.isdecimal,
    "path": is_path,
    "per_page": str.isdecimal,
    "q": _is_search,
    "ref": is_reference,
    "sha": is_reference,
    "since": _is_moment,
    "sort": _is_word,
    "state": _is_word,
}


#: The longest path that a flow writes, in characters.
_LONGEST_PATH = 400


def unwritable(path: str) -> str:
    """Return the reason why flows do not write to this path; empty when they may."""
    folders = parts(path.lower())
    if not path.isprintable() or "\\" in path or len(path) > _LONGEST_PATH:
        return "the path is too long or has characters that are not allowed"
    if not is_path(path) or ".git" in folders:
        return "not a valid file path"
    if folders[0] == ".github":
        return "what is in .github controls what runs there; a person must change it"
    return ""
