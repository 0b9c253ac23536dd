"""Whatever text stands in an action or a query, it reads and changes its own repository only.

The values are those of the contract, so a new kind is attacked without a line here. GITHUB_TOKEN
reaches the private repository, so that only the client holds; an app's token must not reach it.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import urllib3

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Adapter, Mark, Query
from shared.actions.asking import AskRepositories
from shared.actions.github.actions import (
    AddLabels,
    Annotation,
    Assign,
    ListLabels,
    OpenDraft,
    Repository,
    ReviewComment,
)
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.identity import app_identity
from shared.actions.github.paths import in_repository, of_app
from shared.actions.github.queries import (
    CompareCommits,
    ListComments,
    ListCommits,
    ListIssues,
    ListPulls,
    ReadFile,
    ReadIssue,
    ReadTeamFiles,
    ReadText,
    SearchCode,
    SearchIssues,
)
from shared.actions.github.reactions import Reactable
from shared.actions.platforms import Platforms
from shared.errors import ActionError, ActionRejected
from shared.events import Issue
from tests.actions.github.sandbox_issue import SHOP, SandboxIssue, as_app, as_token
from tests.actions.test_contract import on_github
from tests.campaigns import sample

PRIVATE, SECRET = "acme/private", "the launch code is 4711"

#: What a stranger's text may hold; each walks to the file or the issue of the private repository.
WALKS = (
    "../../private/contents/README.md",
    "../../../acme/private/contents/README.md",
    "..%2f..%2fprivate/contents/README.md",
    "%2e%2e/%2e%2e/private/contents/README.md",
    "%252e%252e/%252e%252e/private/contents/README.md",
    "..\\..\\private\\contents\\README.md",
    "..;/..;/private/contents/README.md",
    ".. /.. /private/contents/README.md",
    "．．/．．/private/contents/README.md",
    "docs/../../../private/contents/README.md",
    "/../../private/contents/README.md",
    "./../../private/contents/README.md",
    "../private/issues/1",
    "../../private/assignees/li",
    "../../private",
    "..",
    "../../../../user",
)
TEXTS = (
    *WALKS,
    "main...acme:private:main",
    "acme:private:main",
    "x?ref=main",
    "x#y",
    "repo:acme/private launch",
    "launch OR repo:acme/private",
    "launch user:acme",
    "launch OR code",
    "//evil.example/x",
    "@evil.example/x",
    "https://evil.example/x",
    "\r\nHost: evil.example",
    "\0",
    "\ud800",
)
NAMES = (
    "acme/../private",
    "acme/shop/../private",
    "acme/shop/../../acme/private",
    "acme/shop%2f..%2fprivate",
    "acme/..",
    "..",
    "",
    "acme/shop?x=",
    "acme/shop#",
    "acme/private/issues/1?",
)


#: Where requests may go that are about no repository by their path.
ELSEWHERE = {"/search/issues", "/search/code", "/user", "/api/graphql"}


class Attacked(NamedTuple):
    adapter: Adapter
    values: tuple[Action | Query, ...]
    sandbox: GitHubSandbox

    def attack(self, value: Action | Query) -> Any:
        """Look for, perform or read `value`; return the answer, or the error in its place."""
        mark = Mark("key-9", "plan", 1)
        try:
            if isinstance(value, Action):
                return self.adapter.find(value, mark) or self.adapter.perform(value, mark, None)
            return self.adapter.read(value)
        except ActionError as err:
            return err


@pytest.fixture(scope="module")
def attacked() -> Iterator[Attacked]:
    with on_github() as platform:
        assert isinstance(platform.sandbox, GitHubSandbox)
        hide(platform.sandbox)
        # A list of names, and of no text, of all that the credentials reach.
        values = tuple(one for one in platform.values if not isinstance(one, AskRepositories))
        # A token that reaches more than one repository, as that of an App does not.
        adapter = GitHubAdapter(as_token(platform.sandbox), timeout=5)
        yield Attacked(adapter, values, platform.sandbox)


def hide(sandbox: GitHubSandbox) -> None:
    """Add what our credentials may read, and the repository of the event may not show."""
    sandbox.add_repository(PRIVATE, {"li": "write"}, private=True)
    sandbox.push(PRIVATE, {"README.md": SECRET})
    sandbox.open_issue(PRIVATE, "The launch", SECRET)
    sandbox.add_repository("acme/.github", {"li": "write"}, private=True)
    sandbox.push("acme/.github", {"README.md": SECRET, "a.md": SECRET})


def variants(value: Action | Query) -> Iterator[Action | Query]:
    """Yield `value` with each of its texts replaced by the attacks."""
    for name, held in vars(value).items():
        for put in _replacements(name, held):
            yield type(value)(**{**vars(value), name: put})


def _replacements(name: str, held: object) -> list[object]:
    texts, names = sample(TEXTS, 12), sample(NAMES, 4)
    match held:
        case Issue() | Reactable():
            return [held._replace(repository=text) for text in names]
        case Repository():
            return [Repository(text) for text in names]
        case str() if name == "repository":
            return [*names]
        case str():
            return [*texts]
        case (Annotation() | ReviewComment() as first, *_):
            return [(first._replace(path=text),) for text in texts]
        case tuple():
            return [(*held[:1], text) for text in texts]
        case _:
            return []


def private_state(sandbox: GitHubSandbox) -> object:
    return sandbox.issues(PRIVATE), sandbox.branches(PRIVATE)


def stays(path: str, value: Action | Query | None = None) -> bool:
    """The defaults of an organisation stand in its public repository `.github`."""
    homes = [SHOP, *(["acme/.github"] if isinstance(value, ReadTeamFiles) else [])]
    return f"{path}/".startswith(tuple(f"/repos/{one}/" for one in homes)) or path in ELSEWHERE


def test_no_text_of_any_kind_leads_out_of_the_repository(attacked: Attacked) -> None:
    before, tried = private_state(attacked.sandbox), 0
    last: object = next(reversed(attacked.sandbox.exchanges()), None)
    for value in attacked.values:
        for variant in variants(value):
            answer = attacked.attack(variant)
            tried += 1
            assert SECRET not in str(answer), variant
            for exchange in attacked.sandbox.exchanges()[:-31:-1]:
                if exchange is last:
                    break
                assert stays(exchange.path, variant), (variant, exchange.path)
                assert SECRET not in str(exchange.answered), variant
            last = next(reversed(attacked.sandbox.exchanges()), None)
    assert tried > 200
    assert private_state(attacked.sandbox) == before


def test_a_repository_that_is_none_is_refused_by_every_kind(attacked: Attacked) -> None:
    for value in attacked.values:
        for name in NAMES:
            wrong: dict[str, object] = {
                key: _renamed(held, name) if key in {"repository", "issue", "to"} else held
                for key, held in vars(value).items()
            }
            error = attacked.attack(type(value)(**wrong))
            assert isinstance(error, ActionRejected), (value, name)
            assert "not a valid" in str(error), (value, name)


def _renamed(held: object, name: str) -> object:
    if isinstance(held, Issue | Reactable):
        return held._replace(repository=name)
    return Repository(name) if isinstance(held, Repository) else name


def test_each_place_of_a_path_refuses_each_walk(target: SandboxIssue) -> None:
    """With the token, and as an app that is installed on the private repository too."""
    hide(target.sandbox)
    head = target.sandbox.push(SHOP, {"README.md": "# Shop"})
    attacked = Attacked(target.adapter, (), target.sandbox)
    for text in WALKS:
        for value in (
            ReadText(SHOP, text),
            ReadText(SHOP, "README.md", text),
            ListCommits(SHOP, text),
            ListCommits(SHOP, path=text),
            CompareCommits(SHOP, head, text),
            CompareCommits(SHOP, text, head),
            OpenDraft(Repository(SHOP), "Say", "It", "a.md", "A", text),
            OpenDraft(Repository(SHOP), "Say", "It", text, "A"),
            Assign(target.issue, (text,)),
        ):
            error = attacked.attack(value)
            assert isinstance(error, ActionRejected), value
            assert re.search("not a valid|not allowed", str(error)), value
            assert "private" not in str(error), value
    for exchange in target.sandbox.exchanges():
        assert stays(exchange.path) or exchange.path.startswith("/app"), exchange.path
        assert SECRET not in str(exchange.answered)


@pytest.mark.parametrize("words", [text for text in TEXTS if "launch" in text])
def test_no_search_is_sent_that_names_another_place(target: SandboxIssue, words: str) -> None:
    hide(target.sandbox)
    for query in (SearchIssues(SHOP, words), SearchCode(SHOP, words)):
        with pytest.raises(ActionRejected, match="not a valid search"):
            target.adapter.read(query)
    assert not [one for one in target.requests if "/search/" in one]


def test_a_fork_is_no_part_of_a_comparison(target: SandboxIssue) -> None:
    """GitHub would compare with `owner:branch` and `owner:repository:branch` of the network."""
    head = target.sandbox.push(SHOP, {"a.md": "A"})
    for base in ("stranger:main", "acme:private:main"):
        with pytest.raises(ActionRejected, match="not a valid branch or commit"):
            target.adapter.read(CompareCommits(SHOP, base, head))
    assert not [one for one in target.requests if "/compare/" in one]


def test_branches_with_slashes_are_compared(target: SandboxIssue) -> None:
    base = target.sandbox.push(SHOP, {"a.md": "A"})
    target.sandbox.push(SHOP, {"b.md": "B"}, branch="feature/one")
    files = target.adapter.read(CompareCommits(SHOP, base, "feature/one"))
    assert [file["filename"] for file in files] == ["b.md"]


def test_ingestion_leaves_out_a_file_with_such_a_name_and_goes_on(target: SandboxIssue) -> None:
    commit = target.sandbox.push(SHOP, {"a%2f..%2fb.md": "A", "etc.": "B"})
    for path in ("a%2f..%2fb.md", "etc."):
        read = target.adapter.read(ReadFile(SHOP, path, "0" * 40, commit, 1_000))
        assert read["skipped"] == "a path that servers read in different ways"


# The tokens of an app


def test_a_token_is_for_one_repository_and_for_what_the_flow_needs(
    target_as_app: SandboxIssue,
) -> None:
    target = target_as_app
    hide(target.sandbox)
    platforms = Platforms([AddLabels.at_most(1)], [], as_app(target.sandbox))
    for repository in (SHOP, PRIVATE, SHOP):
        query = ListLabels(repository)
        assert platforms(query).read(query)
    granted = [one for one in target.sandbox.exchanges() if one.path.endswith("/access_tokens")]
    permissions = {"issues": "write", "metadata": "read"}
    assert [one.sent for one in granted] == [
        {"repositories": ["shop"], "permissions": permissions},
        {"repositories": ["private"], "permissions": permissions},
    ]
    assert [one.answered["permissions"] for one in granted] == [permissions] * 2


def test_what_the_installation_lacks_is_not_asked_for(target_as_app: SandboxIssue) -> None:
    wanted = {"contents": "write", "workflows": "write"}
    adapter = GitHubAdapter(as_app(target_as_app.sandbox), permissions=wanted)
    with pytest.raises(ActionRejected, match="it needs the permission issues=read"):
        adapter.read(ListLabels(SHOP))
    (granted,) = [one for one in target_as_app.sandbox.exchanges() if one.status == 201]
    assert granted.sent["permissions"] == {"contents": "write", "metadata": "read"}


def test_a_leaked_token_opens_nothing_else(target_as_app: SandboxIssue) -> None:
    """As if a bug sent any path at all with the token of a run."""
    target = target_as_app
    hide(target.sandbox)
    target.sandbox.add_repository("acme/open")
    number = target.sandbox.open_issue("acme/open", "Hello")
    assert target.adapter.read(ListLabels(SHOP))
    (granted,) = [one for one in target.sandbox.exchanges() if one.status == 201]
    for verb, path, status in (
        ("GET", f"/repos/{PRIVATE}/contents/README.md", 404),
        ("GET", f"/repos/{PRIVATE}", 404),
        ("GET", f"/repos/{SHOP}/contents/../../private/contents/README.md", 404),
        ("POST", f"/repos/{PRIVATE}/issues", 404),
        ("GET", f"/repos/acme/open/issues/{number}", 200),
        ("POST", f"/repos/acme/open/issues/{number}/comments", 403),
        ("POST", f"/repos/acme/open/issues/{number}/labels", 403),
        ("POST", f"/repos/{SHOP}/issues/{target.issue.number}/comments", 201),
    ):
        answer = sent(target.sandbox, verb, path, granted.answered["token"])
        assert answer.status == status, path
        assert SECRET not in answer.data.decode()
    assert PRIVATE not in found(target.sandbox, "launch is:issue", granted.answered["token"])


def test_a_permission_that_a_token_lacks_is_missing_for_reads_too(
    target_as_app: SandboxIssue,
) -> None:
    target = target_as_app
    adapter = GitHubAdapter(as_app(target.sandbox), permissions={"contents": "read"})
    target.sandbox.push(SHOP, {"README.md": "# Shop"})
    assert adapter.read(ReadText(SHOP, "README.md"))["text"] == "# Shop"
    for query in (
        ListLabels(SHOP),
        ReadIssue(SHOP, 1),
        ListPulls(SHOP),
        ListIssues(SHOP),
        ListComments(SHOP),
    ):
        with pytest.raises(ActionRejected, match=r"403 .* it needs the permission"):
            adapter.read(query)
    assert adapter.read(SearchIssues(SHOP, "crashes"))["items"] == []


def test_the_sandbox_lets_an_unprotected_client_walk_out(target_as_app: SandboxIssue) -> None:
    """Else the attacks above would prove nothing."""
    hide(target_as_app.sandbox)
    token = target_as_app.sandbox.token
    for path in ("../../private/contents/README.md", "%2e%2e/%2E%2E/private/contents/README.md"):
        url = f"/repos/{SHOP}/contents/{path}"
        answer = sent(target_as_app.sandbox, "GET", url, token)
        assert b64decode(json.loads(answer.data)["content"]).decode() == SECRET
    assert PRIVATE in found(target_as_app.sandbox, f"repo:{SHOP} repo:{PRIVATE} launch", token)


def test_tokens_for_repositories_that_the_app_lacks_are_refused(
    target_as_app: SandboxIssue,
) -> None:
    sandbox = target_as_app.sandbox
    sandbox.add_repository("acme/alone", installed=False)
    app = app_identity(as_app(sandbox), 1).as_app
    found = app.call("look", "GET", in_repository("look", SHOP, ("installation",)), writes=False)
    path = of_app("ask", ("installations", found.data["id"], "access_tokens"))
    for names in (["alone"], ["shop", "none"], [], "shop"):
        with pytest.raises(ActionRejected, match="422 There is at least one repository"):
            app.call("ask", "POST", path, {"repositories": names}, writes=False)


def sent(sandbox: GitHubSandbox, verb: str, path: str, token: str) -> urllib3.BaseHTTPResponse:
    body = json.dumps({"title": "x", "body": "x", "labels": ["bug"]}) if verb == "POST" else None
    headers = {"Authorization": f"Bearer {token}"}
    return urllib3.request(verb, sandbox.api_url + path, body=body, headers=headers)


def found(sandbox: GitHubSandbox, words: str, token: str) -> str:
    return sent(sandbox, "GET", f"/search/issues?{urlencode({'q': words})}", token).data.decode()
