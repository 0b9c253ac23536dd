"""The page on this machine, asked by everybody but the person's browser that comes back from
GitHub."""

import threading
import time
from http.client import HTTPConnection, HTTPResponse
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from infra.apps.loopback import BACK, Loopback
from tests.waiting import wait_for

OURS = f"{BACK}?code=abc&state=nonce"


def ask(page: Loopback, path: str, host: str | None = "", method: str = "GET") -> HTTPResponse:
    """Send one request; without a `host` its own, with None no such header."""
    connection = HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host or f"127.0.0.1:{page.port}")
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{BACK}?code=evil", 403),
        (f"{BACK}?code=evil&state=", 403),
        (f"{BACK}?code=evil&state=Nonce", 403),
        (f"{BACK}?code=evil&state=nonce%00", 403),
        (f"{BACK}?code=evil&state=%C3%A9", 403),
        (f"{BACK}?code=evil&state=other&state=nonce", 403),
        (f"{BACK}?state=nonce", 400),
        (f"{BACK}?error=access_denied&state=nonce", 400),
        (f"{BACK}?code=&state=nonce", 400),
        (f"{BACK}?code=../../app&state=nonce", 400),
        (f"{BACK}?code=a%0d%0ab&state=nonce", 400),
        (f"{BACK}?code={'a' * 1000}&state=nonce", 400),
        (f"{BACK}?code={'a' * 70_000}&state=nonce", 414),
        (f"{BACK}/{OURS}", 404),
        ("/favicon.ico", 404),
    ],
)
def test_what_github_did_not_send_is_refused_at_once(path: str, status: int) -> None:
    with Loopback(0, "nonce") as page:
        begun = time.monotonic()
        assert ask(page, path).status == status
        assert time.monotonic() - begun < 30  # not the patience with a code that is tried
        assert page.heard() is None


@pytest.mark.parametrize(
    "host", [None, "evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:1", "localhost.evil:1", "{}."]
)
@pytest.mark.parametrize("path", ["/", OURS])
def test_a_name_that_leads_here_is_refused(path: str, host: str | None) -> None:
    """A site can point its own name at this machine, and its scripts would read the page."""
    with Loopback(0, "nonce") as page:
        page.offer("https://github.example", {})
        assert ask(page, path, host and host.format(f"127.0.0.1:{page.port}")).status == 403
        assert page.heard() is None


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "HEAD", "CONNECT"])
def test_only_a_browser_that_follows_a_link_is_served(method: str) -> None:
    with Loopback(0, "nonce") as page:
        assert ask(page, OURS, method=method).status == 501
        assert page.heard() is None


def test_no_other_page_may_frame_or_read_it() -> None:
    with Loopback(0, "nonce") as page:
        page.offer("https://github.example", {})
        headers = ask(page, "/").headers
        assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers


def test_of_two_tabs_one_is_used_and_the_other_is_told() -> None:
    told: list[bytes] = []
    with Loopback(0, "nonce") as page:

        def come(code: str) -> None:
            with urlopen(f"{page.url}{BACK}?code={code}&state=nonce", timeout=60) as answer:
                told.append(answer.read())

        tabs = [threading.Thread(target=come, args=[code]) for code in ("one", "two")]
        for tab in tabs:
            tab.start()
        heard = wait_for(page.heard)
        assert heard
        heard[1]("registered")
        wait_for(page._codes.qsize)
    for tab in tabs:
        tab.join(30)
    assert sorted(b"registered" in one for one in told) == [False, True]
    assert sum(b"has its App already" in one for one in told) == 1
    with pytest.raises(URLError):
        urlopen(f"{page.url}{OURS}")
