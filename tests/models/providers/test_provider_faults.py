"""What goes wrong at model servers, in each wire format, and which error it becomes."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.errors import ModelError, ModelRejected, ModelUnavailable
from shared.models import ChatMessage, ModelRequest, Provider
from shared.models.routing import Models
from shared.settings import Settings, proxy_to
from tests.models.conftest import KEY, NAMES
from tests.models.scripted_server import Fails, Hangs, Says, ScriptedServer, Sends, Turn
from tests.waiting import PATIENCE

SECRET = "the customer's secret"
ASK = ModelRequest((ChatMessage("user", SECRET),), max_tokens=50)

#: What errors point to: where the key is, and where the address is.
_SETTINGS = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "bedrock": ("bedrock:InvokeModel", "AWS_REGION"),
}
_FAILURES_INSIDE = {
    "openai": ("server_error", "rate_limit_exceeded"),
    "anthropic": ("overloaded_error", "api_error"),
    "bedrock": ("throttlingException", "serviceUnavailableException"),
}


def _kind(provider: Provider) -> str:
    return provider.name.partition(":")[0]


def _error(provider: Provider, stream: bool = False, timeout: float = 5) -> ModelError:
    with pytest.raises(ModelError) as caught:
        if stream:
            list(provider.stream(ASK, timeout))
        else:
            provider.reply(ASK, timeout)
    return caught.value


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_carries_the_seconds_to_wait(
    wire: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Fails(429, headers={"Retry-After": "7"}))
    error = _error(wire, stream)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == 7
    assert "rate limited (429)" in str(error)
    assert "retry in 7 s" in str(error)


def test_a_rate_limit_may_name_a_date(wire: Provider, server: ScriptedServer) -> None:
    when = datetime.now(UTC) + timedelta(seconds=60)
    server.says(Fails(429, headers={"Retry-After": format_datetime(when, usegmt=True)}))
    error = _error(wire)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_has_too_much_to_do_says_so(
    wire: Provider, server: ScriptedServer, status: int, stream: bool
) -> None:
    server.says(Fails(status))
    error = _error(wire, stream)
    assert isinstance(error, ModelUnavailable)
    assert error.overloaded


@pytest.mark.parametrize("turn", [Fails(500), Sends(b"{}"), Hangs()])
def test_a_server_that_is_broken_is_not_overloaded(
    wire: Provider, server: ScriptedServer, turn: Turn
) -> None:
    server.says(turn)
    error = _error(wire, timeout=0.3)
    assert isinstance(error, ModelUnavailable)
    assert not error.overloaded


@pytest.mark.parametrize("wait", ["", "soon", "-5", "nan", "99999999999999"])
def test_a_wait_that_makes_no_sense_is_none(
    wire: Provider, server: ScriptedServer, wait: str
) -> None:
    server.says(Fails(429, headers={"Retry-After": wait}))
    error = _error(wire)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after is None


@pytest.mark.parametrize(
    "turn",
    [
        Fails(500),
        Fails(503),
        Sends(b"<html>Bad gateway</html>", "text/html", 502),
        Sends(b"<html>Welcome</html>", "text/html"),
        Sends(b'{"choices": [{"mess'),
        Sends(b"{}"),
        Sends(b"null"),
        Sends(b"[[[" * 5000),
        Sends(b""),
        Sends(b'{"choices": "x", "output": [1], "usage": 3, "type": "message", "content": 1}'),
        Sends(b"\xff\xfe\x00"),
    ],
    ids=lambda turn: repr(turn)[:40],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_may_pass_is_unavailable(
    wire: Provider, server: ScriptedServer, turn: Turn, stream: bool
) -> None:
    server.says(turn)
    assert isinstance(_error(wire, stream), ModelUnavailable)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_will_not_pass_names_a_setting(
    wire: Provider, server: ScriptedServer, status: int, stream: bool
) -> None:
    server.says(Fails(status, message=f"no such thing as {KEY} or {SECRET}"))
    error = _error(wire, stream)
    assert isinstance(error, ModelRejected)
    key, address = _SETTINGS[_kind(wire)]
    assert {400: "the flow's model=", 401: key, 403: key, 404: address}[status] in str(error)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_no_error_shows_a_key_or_what_was_asked(
    wire: Provider, server: ScriptedServer, status: int, stream: bool
) -> None:
    server.says(Fails(status, message=f"the key {KEY} may not ask {SECRET}"))
    error = _error(wire, stream)
    for shown in (str(error), repr(error)):
        assert KEY not in shown
        assert SECRET not in shown


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_hangs_is_left_in_time(
    wire: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Hangs())
    start = time.monotonic()
    assert isinstance(_error(wire, stream, timeout=0.3), ModelUnavailable)
    assert time.monotonic() - start < PATIENCE, "the test's own bound; the server hangs for ever"


def test_an_address_where_nobody_listens_is_unavailable(
    wire: Provider, server: ScriptedServer
) -> None:
    server.__exit__(None, None, None)
    assert isinstance(_error(wire), ModelUnavailable)


def test_a_stream_that_breaks_off_is_unavailable(wire: Provider, server: ScriptedServer) -> None:
    server.says(Says("a long answer that stops", breaks_off=True))
    assert isinstance(_error(wire, stream=True), ModelUnavailable)


@pytest.mark.parametrize("which", [0, 1])
def test_a_failure_inside_of_a_stream_is_unavailable(
    wire: Provider, server: ScriptedServer, which: int
) -> None:
    server.says(Says("half", fails_inside=_FAILURES_INSIDE[_kind(wire)][which]))
    assert isinstance(_error(wire, stream=True), ModelUnavailable)


@pytest.mark.parametrize("code", ["throttlingException", "rate_limit_exceeded"])
def test_an_overload_inside_of_a_stream_is_one(
    wire: Provider, server: ScriptedServer, code: str
) -> None:
    known = code == "throttlingException" if wire.name.startswith("bedrock") else "_" in code
    server.says(Says("half", fails_inside=code))
    error = _error(wire, stream=True)
    assert getattr(error, "overloaded", False) == known


def test_characters_may_be_cut_anywhere(wire: Provider, server: ScriptedServer) -> None:
    text = "Grüße, 你好, 🙂🏳️‍🌈"
    server.says(Says(text, bytewise=True))
    chunks = list(wire.stream(ASK, 5))
    assert "".join(chunk.text for chunk in chunks) == text
    assert all("\ufffd" not in chunk.text for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_answer_is_a_reply_without_text(
    wire: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Says(""))
    reply = list(wire.stream(ASK, 5))[-1].reply if stream else wire.reply(ASK, 5)
    assert reply is not None
    assert reply.text == ""


@pytest.mark.parametrize("finish", ["length", "refused"])
def test_why_an_answer_ended_is_told(wire: Provider, server: ScriptedServer, finish: str) -> None:
    server.says(Says("half", finish), Says("half", finish))
    assert wire.reply(ASK, 5).finish == finish
    last = list(wire.stream(ASK, 5))[-1].reply
    assert last is not None
    assert last.finish == finish


@pytest.mark.parametrize("raw", ['{"city": "Zü', '{"city": "Zü"}', ""])
def test_the_last_call_of_a_reply_that_was_cut_off_is_malformed(
    wire: Provider, server: ScriptedServer, raw: str
) -> None:
    whole = ("get_weather", '{"city": "Oslo"}')
    server.says(Says("", "length", calls=(whole, ("get_weather", raw))))
    last = list(wire.stream(ASK, 5))[-1].reply
    assert last is not None
    assert last.finish == "length"
    assert [call.arguments for call in last.calls] == [{"city": "Oslo"}, {}]
    assert [bool(call.malformed) for call in last.calls] == [False, True]


@pytest.mark.parametrize("raw", ['{"city": ', "Zürich", "[1]", "3", '{"x": NaN}', "[" * 9000])
def test_arguments_that_are_no_object_are_kept_as_they_were_written(
    wire: Provider, server: ScriptedServer, raw: str
) -> None:
    server.says(Says("", "tools", calls=(("get_weather", raw),)))
    last = list(wire.stream(ASK, 5))[-1].reply
    assert last is not None
    assert [(call.arguments, call.malformed) for call in last.calls] == [({}, raw)]


def test_cached_tokens_are_counted_as_part_of_the_input(
    wire: Provider, server: ScriptedServer
) -> None:
    server.says(Says("ok", cached=8))
    usage = wire.reply(ASK, 5).usage
    assert (usage.input, usage.cached, usage.output) == (12, 8, 5)


def test_nothing_is_retried_below_the_router(wire: Provider, server: ScriptedServer) -> None:
    server.says(Fails(500), Says("a second call"))
    _error(wire)
    assert len(server.seen) == 1


def test_a_stream_can_be_left_early(wire: Provider, server: ScriptedServer) -> None:
    server.says(Says("one two three four five"))
    stream = wire.stream(ASK, 5)
    assert next(stream).text
    del stream
    server.says(Says("again"))
    assert wire.reply(ASK, 5).text == "again"


def test_a_proxy_is_used(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also its user and password; the scripted server is the proxy."""
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:pass%40word@"))
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    settings = Settings(openai_base_url="http://models.example/v1", openai_api_key=KEY)
    server.says(Says("through"))
    assert Models(settings).provider(NAMES["openai"]).reply(ASK, 5).text == "through"
    (seen,) = server.seen
    assert seen.path == "http://models.example/v1/chat/completions"
    assert seen.headers["proxy-authorization"] == "Basic bWU6cGFzc0B3b3Jk"


PROXIES = [
    ({}, "https", "api.example", ""),
    ({"HTTPS_PROXY": "http://p:1"}, "https", "api.example", "http://p:1"),
    ({"https_proxy": "p:1"}, "https", "api.example", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1"}, "http", "api.example", ""),
    ({"ALL_PROXY": "http://p:1"}, "http", "api.example", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x,.example"}, "https", "api.example", ""),
    ({"HTTP_PROXY": "http://p:1"}, "http", "localhost", ""),
    ({"HTTP_PROXY": "http://p:1"}, "http", "127.0.0.1", ""),
]


@pytest.mark.parametrize(("variables", "scheme", "host", "proxy"), PROXIES)
def test_which_proxy_leads_to_a_host(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], scheme: str, host: str, proxy: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_to(scheme, host) == proxy


def test_a_stream_that_drips_byte_by_byte_ends_in_time(
    wire: Provider, server: ScriptedServer
) -> None:
    """No silence is long, and no event becomes whole."""
    server.says(Says("never whole", bytewise=True, pause=0.1))
    began = time.monotonic()
    assert "within 0.5 s" in str(_error(wire, stream=True, timeout=0.5))
    assert time.monotonic() - began < 10  # all bytes take longer
