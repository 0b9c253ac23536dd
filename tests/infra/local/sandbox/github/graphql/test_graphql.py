"""The GraphQL API of the sandbox GitHub: a true part of GitHub's, as a reviewer uses it."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from github import GithubException
from urllib3 import PoolManager

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.graphql.execution import schema
from infra.project import ROOT
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app, client
from tests.infra.local.sandbox.github.graphql.described import members

Ask = Callable[..., Any]

_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id
      reviewThreads(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line startLine diffSide resolvedBy { login }
          comments(first: 10) { nodes {
            databaseId body author { __typename login } isMinimized minimizedReason
            reactions(first: 10) { nodes { content user { login } } totalCount }
            reactionGroups { content reactors(first: 1) { totalCount } }
          } }
        }
      }
    }
  }
}
"""
_TURN = """mutation($id: ID!) {
  %s(input: {threadId: $id}) { thread { isResolved resolvedBy { login } } }
}"""
_REPLY = """mutation($id: ID!, $body: String!) {
  addPullRequestReviewThreadReply(
    input: {pullRequestReviewThreadId: $id, body: $body, clientMutationId: "1"}
  ) {
    clientMutationId comment { databaseId replyTo { body } pullRequestReview { state } }
  }
}"""
_HIDE = """mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
    minimizedComment { isMinimized minimizedReason }
  }
}"""
_WHERE = {"owner": "acme", "name": "shop", "number": 1}


@pytest.fixture
def number(sandbox: GitHubSandbox) -> int:
    """A pull request with three threads; in the first one there is an answer."""
    sandbox.push(SHOP, {"a.py": "1\n2\n3\n"})
    files = {"a.py": "1\n2\n3\n4\n", "b.py": "x\n"}
    number = sandbox.open_pull_request(SHOP, "Mend it", head="fix", files=files)
    bot = sandbox.bot_login
    first = sandbox.comment_on_line(SHOP, number, "Why?", bot, path="a.py", line=4, start_line=3)
    sandbox.answer(first, "So", "maria")
    sandbox.comment_on_line(SHOP, number, "And?", bot, path="b.py", line=1)
    sandbox.comment_on_line(SHOP, number, "All", "li", path="b.py", subject_type="file")
    return number


@pytest.fixture
def ask(sandbox: GitHubSandbox) -> Ask:
    """Ask with a token, which is the bot's unless given; returns the whole answer."""
    http = PoolManager()

    def asking(query: str, token: str = "", /, **variables: object) -> Any:
        url = sandbox.api_url.replace("/v3", "/graphql")
        headers = {"Authorization": f"bearer {token or sandbox.token}"}
        sent = {"query": query, "variables": variables}
        reply = http.request("POST", url, headers=headers, json=sent)
        assert reply.status == 200
        return reply.json()

    return asking


def _threads(ask: Ask) -> list[Any]:
    pull = ask(_THREADS, **_WHERE, first=50)["data"]["repository"]["pullRequest"]
    nodes: list[Any] = pull["reviewThreads"]["nodes"]
    return nodes


def _bot(sandbox: GitHubSandbox) -> str:
    return app(sandbox).get_access_token(sandbox.account_id("acme")).token


def test_the_schema_is_a_part_of_githubs() -> None:
    packed = (ROOT / "tests/data/github_graphql.json.gz").read_bytes()
    theirs = json.loads(gzip.decompress(packed))
    ours = {name: kind for name, kind in schema().type_map.items() if not name.startswith("__")}
    assert not [
        f"{name}.{member}: {kind}"
        for name, one in ours.items()
        for member, kind in members(one).items()
        if theirs[name].get(member) != kind
    ]


def test_the_threads_of_a_pull_request(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    sandbox.react(sandbox.threads(SHOP, number)[0]["comments"][0]["id"], "-1", "li")
    first, second, third = _threads(ask)
    assert [one["author"]["login"] for one in first["comments"]["nodes"]] == [
        "agent-flows",
        "maria",
    ]
    assert first["comments"]["nodes"][0]["author"]["__typename"] == "Bot"
    assert (first["path"], first["startLine"], first["line"]) == ("a.py", 3, 4)
    assert (third["path"], third["line"], third["isOutdated"]) == ("b.py", None, False)
    reactions = first["comments"]["nodes"][0]["reactions"]
    assert reactions["nodes"] == [{"content": "THUMBS_DOWN", "user": {"login": "li"}}]
    sandbox.push(SHOP, {"b.py": "y\n"}, branch="fix")
    assert [one["isOutdated"] for one in _threads(ask)] == [False, True, False]
    assert second["id"] == _threads(ask)[1]["id"]


def test_pages(number: int, ask: Ask) -> None:
    seen, after = [], None
    while True:
        page = ask(_THREADS, **_WHERE, first=2, after=after)
        threads = page["data"]["repository"]["pullRequest"]["reviewThreads"]
        seen += [one["path"] for one in threads["nodes"]]
        assert threads["totalCount"] == 3
        if not threads["pageInfo"]["hasNextPage"]:
            break
        after = threads["pageInfo"]["endCursor"]
    assert seen == ["a.py", "b.py", "b.py"]
    refusals = {
        "first: 101": "EXCESSIVE_PAGINATION",
        "after: null": "MISSING_PAGINATION_BOUNDARIES",
    }
    refusals['first: 1, after: "x"'] = "INVALID_CURSOR_ARGUMENTS"
    for bounds, kind in refusals.items():
        query = _pull(f"reviewThreads({bounds}) {{ totalCount }}")
        (error,) = ask(query)["errors"]
        assert (error["type"], error["path"][-1]) == (kind, "reviewThreads")


def _pull(fields: str) -> str:
    return f'{{repository(owner: "acme", name: "shop") {{pullRequest(number: 1) {{ {fields} }}}}}}'


def test_a_thread_is_resolved_and_opened_again(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    thread = _threads(ask)[0]["id"]
    done = ask(_TURN % "resolveReviewThread", _bot(sandbox), id=thread)
    expected = {"isResolved": True, "resolvedBy": {"login": "agent-flows"}}
    assert done["data"]["resolveReviewThread"]["thread"] == expected
    maria = sandbox.person_token("maria")
    again = ask(_TURN % "unresolveReviewThread", maria, id=thread)
    assert again["data"]["unresolveReviewThread"]["thread"]["isResolved"] is False


def test_an_app_needs_contents_write_to_resolve(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    thread = _threads(ask)[0]["id"]
    sandbox.limit_permissions({"contents": "read"})
    refused = ask(_TURN % "resolveReviewThread", _bot(sandbox), id=thread)
    assert refused["data"] == {"resolveReviewThread": None}
    (error,) = refused["errors"]
    assert error == {
        "type": "FORBIDDEN",
        "path": ["resolveReviewThread"],
        "locations": error["locations"],
        "extensions": {"saml_failure": False},
        "message": "Resource not accessible by integration",
    }
    # It may answer all the same.
    answered = ask(_REPLY, _bot(sandbox), id=thread, body="Fixed in 1234567.")
    comment = answered["data"]["addPullRequestReviewThreadReply"]["comment"]
    assert comment["replyTo"] == {"body": "Why?"}
    assert comment["pullRequestReview"] == {"state": "COMMENTED"}
    assert not _threads(ask)[0]["isResolved"]
    sandbox.limit_permissions({"pull_requests": "read"})
    for query in (_REPLY, _HIDE):
        one = thread if query == _REPLY else _comment(sandbox, number)
        refused = ask(query, _bot(sandbox), id=one, body="x")
        assert refused["errors"][0]["type"] == "FORBIDDEN"


def _comment(sandbox: GitHubSandbox, number: int) -> str:
    return str(sandbox.threads(SHOP, number)[0]["comments"][0]["node_id"])


def test_only_who_may_write_or_wrote_it_resolves(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    thread, visitor = _threads(ask)[0]["id"], sandbox.person_token("visitor")
    refused = ask(_TURN % "resolveReviewThread", visitor, id=thread)
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert "visitor" in refused["errors"][0]["message"]


def test_comments_are_hidden(sandbox: GitHubSandbox, number: int, ask: Ask) -> None:
    below = sandbox.comment(SHOP, number, "Hello", sandbox.bot_login)
    shown = next(one for one in sandbox.issue(SHOP, number)["comments"] if one["id"] == below)
    for identifier in (_comment(sandbox, number), shown["node_id"]):
        done = ask(_HIDE, _bot(sandbox), id=identifier)["data"]["minimizeComment"]
        assert done["minimizedComment"] == {"isMinimized": True, "minimizedReason": "outdated"}
    assert _threads(ask)[0]["comments"]["nodes"][0]["isMinimized"]
    listed = ask(_pull("comments(first: 5) { nodes { minimizedReason } }"))
    (comment,) = listed["data"]["repository"]["pullRequest"]["comments"]["nodes"]
    assert comment == {"minimizedReason": "outdated"}


_REFUSED = {
    '{repository(owner: "acme", name: "none") {id}}': ("NOT_FOUND", "Repository with the name"),
    '{repository(owner: "eve", name: "secret") {id}}': ("NOT_FOUND", "Repository with the name"),
    _pull("id").replace("number: 1", "number: 99"): (
        "NOT_FOUND",
        "PullRequest with the number of 99",
    ),
    '{node(id: "PRRT_nothing") {id}}': ("NOT_FOUND", "global id of 'PRRT_nothing'"),
    '{node(id: "x") {id}}': ("NOT_FOUND", "global id of 'x'"),
    (_TURN % "resolveReviewThread").replace("$id: ID!", '$id: ID! = "PRRT_x"'): (
        "NOT_FOUND",
        "PRRT_x",
    ),
}


@pytest.mark.parametrize("query", _REFUSED)
def test_what_is_not_there(sandbox: GitHubSandbox, number: int, ask: Ask, query: str) -> None:
    sandbox.add_repository("eve/secret", private=True, installed=False)
    kind, words = _REFUSED[query]
    (error,) = ask(query)["errors"]
    assert (error["type"], words in error["message"]) == (kind, True)


@pytest.mark.parametrize(
    "query", ["{", "{nothing}", _pull("secrets"), _THREADS, "mutation {x}", "{viewer}"]
)
def test_a_query_that_is_wrong_has_no_data(number: int, ask: Ask, query: str) -> None:
    refused = ask(query)
    assert refused["errors"][0]["message"]
    assert "data" not in refused


def test_a_pending_review_and_another_mans_private_repository_are_hidden(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    line = {"path": "a.py", "line": 4, "body": "Hm"}
    sandbox.review(SHOP, number, "Wait", "li", event="PENDING", comments=[line])
    threads = _pull("reviewThreads(first: 9) { nodes { id comments(first: 9) { totalCount } } }")
    li = sandbox.person_token("li")
    own = ask(threads, li)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    assert (len(own), len(_threads(ask))) == (4, 3)
    secret = f'{{node(id: "{own[-1]["id"]}") {{ id }}}}'
    assert ask(secret, li)["data"] == {"node": {"id": own[-1]["id"]}}
    assert ask(secret)["errors"][0]["type"] == "NOT_FOUND"
    query = _pull("reviews(first: 50) { nodes { id state } }")
    states = [
        one["state"] for one in ask(query)["data"]["repository"]["pullRequest"]["reviews"]["nodes"]
    ]
    assert states == ["COMMENTED"] * 4
    own = ask(query, sandbox.person_token("li"))["data"]["repository"]["pullRequest"]["reviews"]
    hidden = own["nodes"][-1]
    assert hidden["state"] == "PENDING"
    node = f'{{node(id: "{hidden["id"]}") {{ id }}}}'
    assert ask(node)["errors"][0]["type"] == "NOT_FOUND"
    thread = f'{{node(id: "{_threads(ask)[0]["id"]}") {{ __typename }}}}'
    assert ask(thread)["data"] == {"node": {"__typename": "PullRequestReviewThread"}}
    sandbox.set_private(SHOP, private=True)
    assert ask(thread, sandbox.person_token("visitor"))["errors"][0]["type"] == "NOT_FOUND"


def test_a_renamed_repository_is_found_by_its_old_name(
    sandbox: GitHubSandbox, number: int, ask: Ask
) -> None:
    sandbox.relocations.rename(SHOP, "store")
    query = '{repository(owner: "acme", name: "shop"%s) {nameWithOwner}}'
    assert ask(query % "")["data"]["repository"] == {"nameWithOwner": "acme/store"}
    (error,) = ask(query % ", followRenames: false")["errors"]
    assert error["type"] == "NOT_FOUND"


def test_pygithub_takes_it_for_real(sandbox: GitHubSandbox, number: int) -> None:
    pull = client(sandbox).get_repo(SHOP).get_pull(number)
    requester = pull.requester
    assert pull.convert_to_draft()["pullRequest"]["isDraft"]
    assert not pull.mark_ready_for_review()["pullRequest"]["isDraft"]
    _, data = requester.graphql_query(_THREADS, {**_WHERE, "first": 1})
    assert data["data"]["repository"]["pullRequest"]["id"] == pull.raw_data["node_id"]
    with pytest.raises(GithubException):
        requester.graphql_query("{nothing}", {})
    sandbox.fail_next(502, path="graphql")
    with pytest.raises(GithubException):
        requester.graphql_query(_THREADS, {**_WHERE, "first": 1})
