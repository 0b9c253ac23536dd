"""The answer to a slash command: seen by who gave it, refused once it is too late."""

from urllib.error import URLError
from urllib.request import OpenerDirector, Request

import pytest

from infra.local.sandbox.slack.workspace import ALICE, GENERAL, TEAM
from shared.actions.slack.actions import Whisper
from shared.actions.slack.responses import answer
from shared.errors import ActionRejected, ActionUnavailable
from shared.events import ResponseUrl
from tests.actions.slack.sandbox_thread import MARK, SandboxThread
from tests.scripted_http import raw, served


def a_response(target: SandboxThread) -> ResponseUrl:
    token = target.slack._responses.invite(GENERAL, ALICE)
    return ResponseUrl(TEAM, GENERAL, target.slack._url(token))


def test_only_who_gave_the_command_sees_the_answer(target: SandboxThread) -> None:
    target.adapter.perform(Whisper(a_response(target), "**Hello** <!channel>"), MARK, None)
    [whisper] = target.slack.workspace.whispers(GENERAL)
    assert whisper["to"] == ALICE
    assert "<!channel>" not in str(whisper)


def test_an_address_that_is_used_up_is_a_refusal_and_a_dead_one_a_failure(
    target: SandboxThread,
) -> None:
    response = a_response(target)
    used = response._replace(url=response.url + "x")
    with pytest.raises(ActionRejected, match="HTTP 404; the command is older than 30 minutes"):
        target.adapter.perform(Whisper(used, "Hello"), MARK, None)
    target.slack.stop()
    with pytest.raises(ActionUnavailable, match="no connection") as caught:
        target.adapter.perform(Whisper(response, "Hello"), MARK, None)
    assert not caught.value.sent


ELSEWHERE = (
    "",
    "{root}",
    "{root}.evil.example/respond/x",
    "{root}@evil.example/respond/x",
    "{root}:1/respond/x",
    "{root}1/respond/x",
    "{root}\\@evil.example/respond/x",
    "{root}/\\evil.example",
    "{root}/respond/x y",
    "{root}/respond/x\r\nHost: evil.example",
    "{root}/respond/x\n",
    "{root}/respond/x#y",
    " {root}/respond/x",
    "//{host}/respond/x",
    "file:///etc/hostname",
    "http://169.254.169.254/latest/meta-data/",
    "http://user:word@{host}/respond/x",
    "HTTP://{host}.evil.example/respond/x",
)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_address_elsewhere_is_not_called(target: SandboxThread, url: str) -> None:
    root = target.slack.api_url.removesuffix("/api/")
    told = url.format(root=root, host=root.partition("//")[2])
    response = a_response(target)._replace(url=told)
    with pytest.raises(ActionRejected, match="its response_url is not on"):
        target.adapter.perform(Whisper(response, "Hello"), MARK, None)


@pytest.mark.parametrize(
    ("api", "host"), [("slack.com", "hooks.slack.com"), ("slack-gov.com", "hooks.slack-gov.com")]
)
def test_slacks_hosts_are_known(api: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def fail(self: OpenerDirector, request: Request, *_: object, **__: object) -> None:
        called.append(request.full_url)
        raise URLError(ConnectionRefusedError())

    monkeypatch.setattr(OpenerDirector, "open", fail)
    right = f"https://{host}/commands/T1/1/x"
    wrong = (
        f"http://{host}/commands/T1/1/x",
        f"https://{api}/commands/T1/1/x",
        f"https://hooks.{api}.evil.example/x",
        f"https://evil-{host}/x",
        "https://hooks.slack.evil.example/x",
        right.replace(".com/", ".com:8443/"),
    )
    for url in (right, *wrong):
        error = ActionUnavailable if url == right else ActionRejected
        with pytest.raises(error):
            answer("answer", url, {}, api_url=f"https://{api}/api/", timeout=1)
    assert called == [right]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with served() as other:
        away = f"HTTP/1.1 {status} Away\r\nLocation: {other.url}/x\r\nContent-Length: 0\r\n\r\n"
        with served(raw(away.encode())) as slack:
            url = f"{slack.url}/respond/x"
            assert answer("answer", url, {}, api_url=f"{slack.url}/api/", timeout=2) == status
    assert other.requests == []
