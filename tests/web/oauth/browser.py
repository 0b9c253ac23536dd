"""The OAuth function behind API Gateway over HTTP, and a browser with cookies."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3

from infra.deploy.connections import read_template
from infra.local.aws.gateway import Gateway, Route
from infra.local.http_server import HttpServer
from shared.database import Database
from shared.events import Json
from shared.settings import Settings
from shared.web.oauth.function import SignIn, build


class Shown(NamedTuple):
    """What a browser shows at an address."""

    url: str
    status: int
    text: str
    headers: dict[str, str]

    def link(self) -> str:
        found = re.search(r'<a class="go" href="([^"]+)"', self.text)
        assert found, self.text
        return unescape(found[1])


@dataclass
class Browser:
    """It keeps cookies by host, and follows redirects; `stops` before an address that begins so."""

    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)

    def open(self, url: str, stops: str = "") -> Shown:
        for _ in range(8):
            self.visited.append(url)
            shown = self._get(url)
            where = shown.headers.get("location", "")
            if shown.status not in (302, 303) or not where:
                return shown
            url = urljoin(url, where)
            if stops and url.startswith(stops):
                return shown._replace(url=url)
        raise AssertionError(self.visited)

    def _get(self, url: str) -> Shown:
        jar = self.cookies.setdefault(urlsplit(url).netloc, {})
        sent = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
        )
        answer = urllib3.request(
            "GET", url, headers=sent, redirect=False, retries=False, timeout=20
        )
        for one in answer.headers.getlist("Set-Cookie"):
            name, _, rest = one.partition("=")
            assert "; Secure; HttpOnly; Path=/" in one, one
            jar[name] = rest.partition(";")[0]
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Shown(url, answer.status, answer.data.decode(), headers)


@contextmanager
def front_door(settings: Settings, database: Database) -> Iterator[str]:
    """Serve the function, and yield the address of the front door."""
    events = read_template()["Resources"]["SignIn"]["Properties"]["Events"].values()
    routes = [
        Route(one["Properties"]["Method"], one["Properties"]["Path"], "SignIn", ())
        for one in events
    ]
    server = HttpServer(0)
    app = build(SignIn(settings._replace(front_door_url=server.url), database))

    def invoke(_: str, event: Json) -> Json:
        answer: Json = app(event, None)
        return answer

    server.start(Gateway(routes, invoke, None))
    try:
        yield server.url
    finally:
        server.stop()
