"""A server that has enough to do refuses at once, in a way that the client can read."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from werkzeug import Request, Response

from infra.local.aws.gateway import Gateway, Route
from infra.local.http_server import HttpServer
from tests.waiting import wait_for


class Door:
    """An application whose answers wait until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.enter()
        size = len(Request(environ).get_data())
        return Response(f"{size}")(environ, start_response)

    def enter(self) -> None:
        self.inside.release()
        assert self.opened.wait(60)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.opened.set()


def post(url: str, size: int = 10) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, body=b"x" * size, retries=False, timeout=60)


def test_connections_above_the_most_are_refused_and_the_others_answered(door: Door) -> None:
    server = HttpServer(most=2)
    server.start(door)
    with ThreadPoolExecutor(40) as clients:
        first = [clients.submit(post, server.url) for _ in range(2)]
        for _ in first:
            assert door.inside.acquire(timeout=60)
        for size in (0, 10, 3_000_000):
            others = [clients.submit(post, server.url, size) for _ in range(12)]
            assert {answer.result().status for answer in others} == {503}
        assert others[0].result().headers["retry-after"] == "1"
        door.opened.set()
        assert [answer.result().data for answer in first] == [b"10", b"10"]
        assert wait_for(lambda: post(server.url, 3_000_000).data == b"3000000")
    server.stop()


def test_a_stopped_server_leaves_no_thread(door: Door) -> None:
    threads = threading.active_count()
    server = HttpServer(most=1)
    server.start(door)
    server.stop()
    server.stop()
    assert threading.active_count() == threads


def test_a_request_without_a_turn_is_refused_while_the_page_answers(door: Door) -> None:
    def invoke(function: str, event: object) -> object:
        door.enter()
        return {"statusCode": 200, "body": function}

    routes = [Route("POST", "/hook", "F", ()), Route("POST", "/runs", "G", ())]
    server = HttpServer()
    server.start(Gateway(routes, invoke, Response("page"), patience=0.05))
    with ThreadPoolExecutor(12) as clients:
        first = [clients.submit(post, f"{server.url}/hook") for _ in range(10)]
        for _ in first:
            assert door.inside.acquire(timeout=60)
        refused = post(f"{server.url}/hook")
        assert (refused.status, refused.json()) == (503, {"message": "Service Unavailable"})
        assert post(f"{server.url}/other").data == b"page"
        another = clients.submit(post, f"{server.url}/runs")
        assert door.inside.acquire(timeout=60)
        door.opened.set()
        assert {answer.result().status for answer in [*first, another]} == {200}
    server.stop()
