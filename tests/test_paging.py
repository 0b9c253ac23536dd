"""Lists of pages end, whatever their server answers; tokens of the wrong kind are named."""

import json
import socket

import pytest

from shared.actions import Mark
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.queries import ListCommits
from shared.actions.github.session import GitHubSession
from shared.actions.slack.actions import Channel, Post, ReadThread
from shared.actions.slack.adapter import SlackAdapter
from shared.errors import ActionRejected, EffectUnknown, SettingsError
from shared.events import Json, Thread
from shared.memory.documents.github import GitHubDocuments
from shared.paging import pages
from shared.settings import Settings
from tests.scripted_http import Request, Server, Step, served

MARK = Mark("key-1", "plan", 1)


@pytest.mark.parametrize(
    ("following", "read", "reason"),
    [
        ({"a": "b", "b": "c"}, "abc", ""),
        ({"a": "a"}, "a", "leads back"),
        ({"a": "b", "b": "c", "c": "b"}, "abc", "leads back"),
        ({"a": "b", "b": "c", "c": "d", "d": "e"}, "abcd", "more than 4 pages"),
    ],
)
def test_a_list_ends(following: dict[str, str], read: str, reason: str) -> None:
    seen: list[str] = []
    said = ""
    try:
        found = pages(lambda at: at, following.get, "a", most=4, endless=ActionRejected)
        for page in found:
            seen.append(page)
    except ActionRejected as err:
        said = str(err)
    assert ("".join(seen), bool(said)) == (read, bool(reason))
    assert reason in said


def always(body: object, *headers: str, cursors: bool = False) -> list[Step]:
    """Return a script that always gives the same answer; with `cursors` a new cursor each time,
    which also takes the place of NEW in the headers."""
    count = iter(range(10_000))

    def step(client: socket.socket, request: Request) -> bool:
        cursor = f"c{next(count)}"
        more = {"response_metadata": {"next_cursor": cursor}} if cursors else {}
        text = json.dumps({**body, **more} if isinstance(body, dict) else body).encode()
        named = [line.replace("NEW", cursor) for line in headers]
        lines = ("HTTP/1.1 200 OK", "Content-Type: application/json", *named)
        head = "\r\n".join((*lines, f"Content-Length: {len(text)}", "Connection: close"))
        client.sendall(f"{head}\r\n\r\n".encode() + text)
        return False

    return [step] * 1_000


def slack(server: Server) -> SlackAdapter:
    return SlackAdapter(Settings(slack_bot_token="xoxb-1", slack_api_url=f"{server.url}/api/"), 5)


EMPTY: Json = {"ok": True, "channels": [], "messages": [], "bot_id": "B1", "team_id": "T1"}
AGAIN = EMPTY | {"response_metadata": {"next_cursor": "again"}}


def test_a_channel_is_not_looked_for_without_an_end() -> None:
    for script, calls in ((always(AGAIN), 2), (always(EMPTY, cursors=True), 100)):
        with served(*script) as server:
            with pytest.raises(ActionRejected, match="find channel #news, so name it by its id"):
                slack(server).perform(Post(Channel("#news"), "Hello"), MARK, None)
            assert len(server.requests) == calls


def test_a_post_and_a_thread_are_not_looked_for_without_an_end() -> None:
    with served(*always(AGAIN)) as server:
        with pytest.raises(EffectUnknown):
            slack(server).find(Post(Channel("C1"), "Hello"), MARK)
        assert len(server.requests) == 2
    one = AGAIN | {"messages": [{"ts": "1.1", "text": "Hello", "user": "U1"}], "has_more": True}
    with served(*always(one)) as server:
        found = slack(server).read(ReadThread(Thread("T1", "C1", "1.1"), 10))
        assert (len(found["items"]), found["complete"]) == (2, False)


def test_lists_of_github_end() -> None:
    ever = 'Link: <https://api.github.com/x?after=NEW>; rel="next"'
    again = 'Link: <https://api.github.com/x?after=Y3Vy&page=2>; rel="next"'
    last = 'Link: <https://api.github.com/x?page=999999>; rel="last"'
    for link, calls, why in ((ever, 300, "more than 300 pages"), (again, 2, "leads back")):
        with served(*always([{"name": "bug"}], link, cursors=True)) as server:
            session = GitHubSession(Settings(github_token="t", github_api_url=server.url), 5)
            with pytest.raises(ActionRejected, match=why):
                list(session.every("list labels", "acme/shop", ("labels",)))
            assert len(server.requests) == calls
    with served(*always([{"name": "bug"}], last)) as server:
        settings = Settings(github_token="t", github_api_url=server.url)
        session = GitHubSession(settings, 5)
        with pytest.raises(ActionRejected, match="more than 300 pages"):
            list(session.newest_first("list comments", "acme/shop", ("issues", 1, "comments")))
        assert len(server.requests) == 1


def test_issues_are_taken_whole_where_github_does_not_count_the_pages() -> None:
    """Its list of issues names the next page by a cursor, and no last one."""
    user = {"login": "maria", "id": 1, "type": "User"}
    issue = {"title": "Pay", "body": "It crashes.", "user": user, "labels": []}
    issue |= {"author_association": "MEMBER", "html_url": "https://github.example/acme/shop/1"}
    onward = 'Link: <https://api.github.com/x?per_page=100&after=Y3Vy&page=2>; rel="next"'
    script = [
        *always([issue | {"number": 1}], onward)[:1],
        *always([issue | {"number": 2}])[:1],
    ]
    with served(*script) as server:
        adapter = GitHubAdapter(Settings(github_token="t", github_api_url=server.url), 5)
        found = [*GitHubDocuments("acme/shop", adapter.read).issues()]
    assert [[one.path for one in documents] for documents, _ in found] == [["1"], ["2"]]
    assert [pages for _, pages in found] == [0, 1]
    assert "after=Y3Vy" in server.requests[1].line


def test_a_list_whose_next_page_alone_is_named_is_not_taken_for_whole() -> None:
    onward = 'Link: <https://api.github.com/x?per_page=1&after=Y3Vy&page=2>; rel="next"'
    commit: Json = {"sha": "c1", "html_url": "https://github.example/c1", "author": None}
    commit["commit"] = {"message": "Pay", "author": {"name": "Li", "date": "2026-11-30T00:00:00Z"}}
    for link, complete in (((onward,), False), ((), True)):
        with served(*always([commit], *link)[:1]) as server:
            adapter = GitHubAdapter(Settings(github_token="t", github_api_url=server.url), 5)
            assert adapter.read(ListCommits("acme/shop", limit=1))["complete"] is complete


def test_repositories_of_an_owner_are_listed_past_a_page_that_names_the_next_alone() -> None:
    onward = 'Link: <https://api.github.com/x?per_page=100&page=2>; rel="next"'
    row = {"owner": {"login": "acme"}, "archived": False}
    script = [
        *always([row | {"full_name": "acme/shop"}], onward)[:1],
        *always([row | {"full_name": "acme/site"}])[:1],
    ]
    with served(*script) as server:
        session = GitHubSession(Settings(github_token="t", github_api_url=server.url), 5)
        found = [one["full_name"] for one in session.reached("list repositories", "acme")]
    assert found == ["acme/shop", "acme/site"]


def test_issues_are_taken_until_a_page_is_empty() -> None:
    asked: list[str] = []

    def read(query: object) -> Json:
        asked.append(vars(query)["after"])
        return {"issues": [], "next": "page=2", "pages": 0}

    assert list(GitHubDocuments("acme/shop", read).issues()) == [([], 0)]
    assert asked == [""]


@pytest.mark.parametrize(
    ("setting", "token", "kind"),
    [
        ("slack_bot_token", "xapp-1-A1-2-x", "an app-level token of Slack"),
        ("slack_bot_token", "xoxp-1-2", "a user token of Slack"),
        ("slack_bot_token", '"xoxe.xoxp-1"', "a user token of Slack"),
        ("slack_bot_token", "xoxe-1", "a refresh token of Slack"),
        ("slack_bot_token", "ghp_x", "a token of GitHub"),
        ("slack_app_token", "xoxb-1", "a bot token of Slack"),
        ("slack_signing_secret", "xoxb-1", "a bot token of Slack"),
        ("github_token", "xoxb-1", "a bot token of Slack"),
        ("github_token", "-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("github_app_private_key", "ghp_x", "a token of GitHub"),
    ],
)
def test_a_token_of_the_wrong_kind_is_named(setting: str, token: str, kind: str) -> None:
    settings = Settings(**{setting: token})
    with pytest.raises(SettingsError, match=f"{setting.upper()} is {kind}; expected") as caught:
        settings.require(setting)
    assert token.strip('"') not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "token"),
    [
        ("slack_bot_token", "xoxb-1"),
        ("slack_bot_token", "xoxe.xoxb-1"),
        ("slack_bot_token", "of-a-stand-in"),
        ("slack_app_token", "xapp-1"),
        ("github_token", "github_pat_1"),
    ],
)
def test_a_token_of_the_right_kind_or_of_none_is_taken(setting: str, token: str) -> None:
    assert Settings(**{setting: token}).require(setting) == token


def test_a_token_that_slack_gives_no_bot_is_a_wrong_setting() -> None:
    answer = {"ok": True, "user_id": "U1", "team_id": "T1", "bot_id": ""}
    with (
        served(*always(answer | {"messages": [{"ts": "1.1"}]})) as server,
        pytest.raises(SettingsError, match="SLACK_BOT_TOKEN is not a bot's"),
    ):
        slack(server).find(Post(Channel("C1"), "Hello"), MARK)
