"""Answers the queries of ingestion: a repository at a commit, its changes since another, its
issues; and that of the files that a team keeps for the agent."""

from base64 import b64decode
from collections.abc import Sequence

from shared.actions.github.paths import is_path, is_reference, parts
from shared.actions.github.queries import (
    CompareCommits,
    CompareFiles,
    ListComments,
    ListFiles,
    ListIssues,
    ReadFile,
    ReadSources,
    ReadTeamFiles,
    ReadTexts,
    RepositoryHead,
)
from shared.actions.github.session import GitHubSession, following
from shared.errors import ActionRejected
from shared.events import Json

#: The most files in one comparison; at this number, more may be missing.
#: https://docs.github.com/en/rest/commits/commits#compare-two-commits
COMPARED = 300
#: Where an owner keeps defaults for all of its repositories, in public, for GitHub too.
#: https://docs.github.com/en/communities/setting-up-your-project-for-healthy-contributions/creating-a-default-community-health-file
_DEFAULTS = ".github"
#: Files that are read by one request of GraphQL, and bytes of all of them.
_TEXTS, _TOGETHER = 100, 20_000_000


def read_head(session: GitHubSession, query: RepositoryHead) -> Json:
    repository = query.repository
    about = session.request(f"look at {repository}", repository, "GET", ()).data
    doing, branch = f"find the head of {repository}", parts(about["default_branch"])
    ref = session.look(doing, repository, ("git", "ref", "heads", *branch))
    return {**about, "head": ref["object"]["sha"] if ref else ""}


def list_files(session: GitHubSession, query: ListFiles) -> list[Json]:
    return _tree(session, query.repository, query.commit, "")


def _tree(session: GitHubSession, repository: str, tree: str, folder: str) -> list[Json]:
    """List a tree with one request, or folder by folder when it is too large.

    https://docs.github.com/en/rest/git/trees#get-a-tree
    """
    doing, path = f"list the files of {repository}", ("git", "trees", tree)
    whole = session.look(doing, repository, path, recursive=1)
    if whole is None:
        return []
    if not whole["truncated"]:
        return [_file(folder, entry) for entry in whole["tree"] if entry["type"] != "tree"]
    files = []
    for entry in session.request(doing, repository, "GET", path).data["tree"]:
        if entry["type"] == "tree":
            files += _tree(session, repository, entry["sha"], f"{folder}{entry['path']}/")
        else:
            files.append(_file(folder, entry))
    return files


def compare_commits(session: GitHubSession, query: CompareCommits) -> list[Json] | None:
    files = compare_files(session, CompareFiles(query.repository, query.base, query.head))
    names = ("filename", "sha", "status", "previous_filename")
    return files and [{name: file.get(name) for name in names} for file in files]


def compare_files(session: GitHubSession, query: CompareFiles) -> list[Json] | None:
    doing = f"compare two commits of {query.repository}"
    if not is_reference(query.base) or not is_reference(query.head):
        raise ActionRejected("github: could not compare commits: not a valid branch or commit")
    path = ("compare", *parts(f"{query.base}...{query.head}"))
    # GitHub pages the commits but not the files: the first page has all of them.
    found = session.look(doing, query.repository, path, per_page=1)
    if found is None or found["status"] not in {"ahead", "identical"}:
        return None  # the history was rewritten
    files: list[Json] = found.get("files") or []
    return files if len(files) < COMPARED else None


def read_file(session: GitHubSession, query: ReadFile) -> Json | None:
    doing = f"read a file of {query.repository}"
    if not is_path(query.path):
        return {"content": "", "skipped": "a path that servers read in different ways"}
    path = ("contents", *parts(query.path))
    found = session.look(doing, query.repository, path, ref=query.commit)
    if not isinstance(found, dict):
        return None  # a folder took its place
    if found["type"] != "file" or found["sha"] != query.sha:
        # GitHub follows a link to a file: the blob is then another one.
        return {"content": "", "skipped": "a symbolic link or a submodule"}
    if found["size"] > query.most:
        return {"content": "", "skipped": f"too large: {found['size']:,} bytes"}
    if found["encoding"] != "base64":  # over 1 MB
        found = session.look(doing, query.repository, ("git", "blobs", query.sha))
    return {"content": found["content"], "skipped": ""} if found else None


def list_issues(session: GitHubSession, query: ListIssues) -> Json:
    doing = f"list the issues of {query.repository}"
    order = {"state": "all", "sort": "created", "direction": "asc"}
    page = session.page(doing, query.repository, ("issues",), query.after, **order)
    return {"issues": page.data, "next": following(page) or "", "pages": page.pages_if_known}


def list_comments(session: GitHubSession, query: ListComments) -> Json:
    doing = f"list the comments of {query.repository}"
    order = {"sort": "created", "direction": "asc"}
    page = session.page(doing, query.repository, ("issues", "comments"), query.after, **order)
    return {"comments": page.data, "next": following(page) or "", "pages": page.pages_if_known}


def _file(folder: str, entry: Json) -> Json:
    same = {name: entry.get(name) for name in ("sha", "size", "mode")}
    return {"path": folder + entry["path"], **same}


def read_texts(session: GitHubSession, query: ReadTexts) -> Json:
    """HEAD is the default branch, whatever its name.

    https://docs.github.com/en/graphql/reference/objects#repository
    """
    if query.ref and not is_reference(query.ref):
        raise ActionRejected("github: could not read files: not a valid commit")
    paths = [path for path in query.paths if is_path(path)][:_TEXTS]
    if len(paths) * query.most > _TOGETHER:
        sizes = _blobs(session, query, paths, "byteSize")
        room, paths = _TOGETHER, []
        for path, blob in sizes.items():
            if blob["byteSize"] <= min(query.most, room):
                room -= blob["byteSize"]
                paths.append(path)
    return {
        path: blob["text"]
        for path, blob in _blobs(session, query, paths, "byteSize isTruncated text").items()
        if blob["text"] is not None and not blob["isTruncated"] and blob["byteSize"] <= query.most
    }


def _blobs(
    session: GitHubSession, query: ReadTexts, paths: Sequence[str], asked_of: str
) -> dict[str, Json]:
    """Ask for these fields of files; what is no file, or not there, is left out."""
    if not paths:
        return {}
    owner, _, name = query.repository.partition("/")
    named = {f"f{at}": path for at, path in enumerate(paths)}
    given = "".join(f", ${alias}: String!" for alias in named)
    fields = " ".join(
        f"{alias}: object(expression: ${alias}) {{ ... on Blob {{ {asked_of} }} }}"
        for alias in named
    )
    asked = f"query($owner: String!, $name: String!{given}) {{"
    asked += f" repository(owner: $owner, name: $name) {{ {fields} }} }}"
    expressions = {alias: f"{query.ref or 'HEAD'}:{path}" for alias, path in named.items()}
    doing = f"read {len(paths)} files of {query.repository}"
    found = session.graphql(doing, query.repository, asked, owner=owner, name=name, **expressions)[
        "repository"
    ]
    return {path: blob for alias, path in named.items() if (blob := found[alias])}


def read_sources(session: GitHubSession, query: ReadSources) -> Json | None:
    """A repository that was renamed or given away is gone: its texts may be another's now.

    https://docs.github.com/en/graphql/reference/objects#repository
    """
    owner, _, name = query.repository.partition("/")
    numbers = {f"n{at}": number for at, number in enumerate(query.numbers[:_TEXTS])}
    paths = {f"f{at}": path for at, path in enumerate(filter(is_path, query.paths[:_TEXTS]))}
    given = [f"${one}: Int!" for one in numbers] + [f"${one}: String!" for one in paths]
    said = "title body comments(last: 50) { nodes { body } } repository { nameWithOwner }"
    fields = [
        f"{one}: issueOrPullRequest(number: ${one}) {{ ... on Issue {{ {said} issue: state }}"
        f" ... on PullRequest {{ {said} pull: state }} }}"  # of two types, so under two names
        for one in numbers
    ]
    fields += [f"{one}: object(expression: ${one}) {{ ... on Blob {{ text }} }}" for one in paths]
    asked = f"query({', '.join(['$owner: String!', '$name: String!', *given])}) {{"
    asked += " repository(followRenames: false, owner: $owner, name: $name)"
    asked += f" {{ nameWithOwner isPrivate visibility {' '.join(fields)} }} }}"
    files_at = {one: f"HEAD:{path}" for one, path in paths.items()}
    doing = f"read {len(numbers) + len(paths)} sources in {query.repository}"
    found = session.graphql_parts(
        doing, query.repository, asked, owner=owner, name=name, **numbers, **files_at
    )["repository"]
    if not found or found["nameWithOwner"].lower() != query.repository.lower():
        return None
    about = {"full_name": found["nameWithOwner"], "private": found["isPrivate"]}
    here = found["nameWithOwner"]
    issues = {str(number): _source(found.get(one), here) for one, number in numbers.items()}
    files = {path: (found.get(one) or {}).get("text") for one, path in paths.items()}
    return {
        "repository": about | {"visibility": found["visibility"].lower()},
        "issues": {number: row for number, row in issues.items() if row},
        "files": {path: text for path, text in files.items() if text is not None},
    }


def _source(row: Json | None, repository: str) -> Json | None:
    """Describe an issue as the queries of plans do; to some of these a merged one is closed."""
    if not row or row["repository"]["nameWithOwner"] != repository:
        return None
    state = str(row.get("issue") or row.get("pull")).lower()
    return {
        "title": row["title"],
        "text": row["body"],
        "states": [state, "closed"] if state == "merged" else [state],
        "comments": [one["body"] for one in row["comments"]["nodes"]],
    }


def read_team_files(session: GitHubSession, query: ReadTeamFiles) -> Json:
    """Read the file of the repository and the default. What GitHub refuses is a problem of the
    file, never of who asks for it."""
    owner, _, name = query.repository.partition("/")
    defaults = f"{owner}/{_DEFAULTS}"
    try:
        found = _team_file(session, query.repository, query)
    except ActionRejected as err:
        if not err.status:
            raise
        found = _problem(str(err))
    of_all = None
    if name.lower() != _DEFAULTS and not query.commit:
        of_all = _team_default(session, defaults, query)
    return {"repository": found, "organisation": of_all}


def _team_default(session: GitHubSession, repository: str, query: ReadTeamFiles) -> Json | None:
    """Return the default, if everybody may read it: what it says is told in other repositories."""
    try:
        about = session.look(_doing_team_file(query), repository, ())
        return _team_file(session, repository, query) if about and not about["private"] else None
    except ActionRejected as err:
        if not err.status:
            raise
        return None  # the app is not installed there


def _team_file(session: GitHubSession, repository: str, query: ReadTeamFiles) -> Json | None:
    """Return the file as the default branch or the commit has it, or what is wrong with it."""
    at = {"ref": query.commit} if query.commit else {}
    path = ("contents", *parts(query.path))
    found = session.look(_doing_team_file(query), repository, path, **at)
    if found is None:
        return None
    if isinstance(found, list) or found["type"] != "file":
        return _problem("it is no file")
    if found["size"] > query.most:
        return _problem(f"it has {found['size']:,} bytes; at most {query.most:,}")
    try:
        return {"text": b64decode(found["content"]).decode("utf-8-sig"), "problem": ""}
    except ValueError:
        return _problem("it is not text in UTF-8")


def _problem(what: str) -> Json:
    return {"text": "", "problem": what}


def _doing_team_file(query: ReadTeamFiles) -> str:
    return f"read {query.path} of {query.repository}"
