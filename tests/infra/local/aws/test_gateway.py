"""The front door: what API Gateway does with requests and with the answers of functions."""

import base64

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from infra.local.aws.gateway import Gateway, Route
from shared.events import Json
from tests.infra.local.aws.site import Site


def test_a_request_becomes_a_proxy_event(site: Site) -> None:
    answer = site.request(
        "/echo/J%C3%BCrgen?a=1&b=2&b=3", b"caf\xc3\xa9", **{"X-GitHub-Event": "issues"}
    )
    event = answer.json()
    assert (event["resource"], event["path"]) == ("/echo/{name}", "/echo/Jürgen")
    assert (event["httpMethod"], event["pathParameters"]) == ("POST", {"name": "Jürgen"})
    assert event["queryStringParameters"]["a"] == "1"
    assert event["multiValueQueryStringParameters"] == {"a": ["1"], "b": ["2", "3"]}
    assert (event["body"], event["isBase64Encoded"]) == ("café", False)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    assert headers["x-github-event"] == "issues"
    context = event["requestContext"]
    assert context["resourcePath"] == "/echo/{name}"
    assert context["identity"]["sourceIp"] == "127.0.0.1"


def test_an_answer_keeps_its_status_headers_and_cookies(site: Site) -> None:
    answer = site.request("/echo/x")
    assert (answer.status, answer.headers["X-Echo"]) == (201, "x")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.json()["body"] is None


def test_a_body_that_is_no_text_travels_in_base64(site: Site) -> None:
    event = site.request("/echo/x", b"\xff\x00").json()
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"
    answer = site.request("/echo/binary")
    assert (answer.body, answer.headers["Content-Type"]) == (b"\xff\x00", "image/png")


def test_bodies_up_to_the_limits_pass_and_larger_ones_are_refused(site: Site) -> None:
    assert site.request("/files/large").status == 200
    assert len(site.request("/echo/x", b"x" * 2_000_000).json()["body"]) == 2_000_000
    for size in (6_500_000, 12_000_000):
        answer = site.request("/echo/x", b"x" * size)
        assert (answer.status, answer.json()) == (413, {"message": "Request Too Long"})


@pytest.mark.parametrize("name", ["raise", "malformed"])
def test_a_function_that_fails_answers_502(site: Site, name: str) -> None:
    answer = site.request(f"/echo/{name}")
    assert (answer.status, answer.json()) == (502, {"message": "Internal server error"})


def test_a_path_parameter_with_a_plus_takes_the_rest(site: Site) -> None:
    assert site.request("/files/a/b/c.txt").body == b"a/b/c.txt"


def test_what_matches_no_route_is_refused_when_there_is_no_page(site: Site) -> None:
    for answer in (site.request("/"), site.request("/events")):
        assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_exact_routes_come_before_parameters_and_the_page_gets_the_rest() -> None:
    routes = [
        Route("GET", "/{any+}", "greedy", ()),
        Route("GET", "/items/{id}", "item", ()),
        Route("X-AMAZON-APIGATEWAY-ANY-METHOD", "/items/new", "any", ()),
        Route("GET", "/items/new", "new", ()),
    ]
    client = Client(
        Gateway(
            routes,
            lambda function, event: {"statusCode": 200, "body": function},
            Response("page"),
        )
    )
    assert client.get("/items/new").text == "new"
    assert client.put("/items/new").text == "any"
    assert client.get("/items/7").text == "item"
    assert client.get("/x/y").text == "greedy"
    assert client.put("/x/y").text == "page"


def test_media_types_of_the_template_are_binary() -> None:
    events: list[Json] = []

    def invoke(function: str, event: Json) -> Json:
        events.append(event)
        return {"statusCode": 200}

    client = Client(Gateway([Route("POST", "/", "f", ("image/png",))], invoke, None))
    client.post("/", data=b"text", content_type="image/png")
    client.post("/", data=b"text", content_type="text/plain")
    assert [event["isBase64Encoded"] for event in events] == [True, False]
