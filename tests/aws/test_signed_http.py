"""The signer against botocore's, and the kept connection against servers that behave badly."""

import datetime
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.aws import signed_http
from shared.aws.root_certificates import ROOTS
from shared.aws.signed_http import AwsConnection, host_of, sign
from shared.errors import PublishError
from shared.settings import AwsCredentials
from tests.scripted_http import Server, Step, answer, raw, reset, served, silence

_KEYS = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
_SESSION = _KEYS._replace(session_token="IQoJb3JpZ2luX2VjEXAMPLE//token==")


@pytest.mark.parametrize("service", ["sns", "s3", "sqs", "scheduler"])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("credentials", [_KEYS, _SESSION])
@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1"])
@pytest.mark.parametrize("body", [b"", b"Action=Publish&Message=%E4%B8%AD", bytes(range(256)) * 99])
def test_signature_equals_that_of_botocore(
    service: str, method: str, credentials: AwsCredentials, region: str, body: bytes
) -> None:
    host = host_of(service, region)
    paths = {
        "s3": "/events/github-acme/2026-01-01/0a.json",
        "scheduler": "/schedules?MaxResults=100&NextToken=a%2Fb%3D&ScheduleGroup=my-stack",
    }
    path = paths.get(service, "/")
    headers = {"host": host, "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    theirs = AWSRequest(method, f"https://{host}{path}", headers, body)
    # botocore leaves the payload unsigned over TLS unless it is told otherwise.
    theirs.context["payload_signing_enabled"] = True
    theirs.context["client_config"] = None
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(*credentials[:2], credentials.session_token or None), service, region
    )
    signer.add_auth(theirs)
    stamp = datetime.datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    ours = sign(
        method,
        path,
        headers,
        body,
        service=service,
        region=region,
        credentials=credentials,
        now=stamp.replace(tzinfo=datetime.UTC).timestamp(),
    )
    assert ours == {name.lower(): value for name, value in theirs.headers.items()}


def test_hosts_follow_the_partition() -> None:
    assert host_of("sns", "eu-west-1") == "sns.eu-west-1.amazonaws.com"
    known = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
    for partition in known["partitions"]:
        for region in partition["regions"]:
            suffix = partition["outputs"]["dnsSuffix"]
            if "global" not in region:
                assert host_of("s3", region) == f"s3.{region}.{suffix}"


def test_amazons_roots_are_read_and_not_about_to_expire() -> None:
    context = ssl.create_default_context(cadata=ROOTS)
    ends = [ssl.cert_time_to_seconds(str(root["notAfter"])) for root in context.get_ca_certs()]
    assert len(ends) == 5
    assert min(ends) > time.time() + 366 * 24 * 3600


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(signed_http, "TIMEOUT", 0.2)
    yield


def _connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> AwsConnection:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
    return AwsConnection("sns", "us-east-1", "unused.invalid")


def test_one_connection_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        connection = _connection(server, monkeypatch)
        connection.open()
        for number in range(5):
            assert connection.request("POST", "/", {}, b"%d" % number).status == 200
        connection.close()
    assert [request.body for request in server.requests] == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1


def test_credentials_are_read_at_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        connection = _connection(server, monkeypatch)
        for key in ("AKIDFIRST", "AKIDSECOND"):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
            connection.request("POST", "/", {}, b"")
        connection.close()
    first, second = (request.headers["authorization"] for request in server.requests)
    assert "AKIDFIRST/" in first
    assert "AKIDSECOND/" in second


def test_connection_that_was_closed_meanwhile_is_replaced_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(answer(close=True), answer(close=True)) as server:
        connection = _connection(server, monkeypatch)
        for _ in range(3):
            assert connection.request("POST", "/", {}, b"x").status == 200
            time.sleep(0.02)
        connection.close()
    assert len(server.requests) == 3
    assert server.connections == 3


def test_connection_that_is_lost_in_the_middle_is_replaced_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(answer(), reset, answer(503), answer()) as server:
        connection = _connection(server, monkeypatch)
        connection.request("POST", "/", {}, b"first")
        # The reset does not use up the one retry that the 503 then needs.
        assert connection.request("POST", "/", {}, b"second").status == 200
        connection.close()
    assert [request.body for request in server.requests] == [b"first"] + [b"second"] * 3


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(reset, id="reset"),
        pytest.param(silence, id="silence"),
        pytest.param(answer(500, b"<Error/>"), id="500"),
        pytest.param(answer(503, b""), id="503"),
        pytest.param(raw(b""), id="closed"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Len"), id="cut in the head"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), id="cut in the body"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n\r\n"), id="no length"),
        pytest.param(raw(b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"), id="no status"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), id="not HTTP"),
        pytest.param(raw(b"\r\n\r\n"), id="empty line"),
    ],
)
def test_request_that_fails_once_is_sent_once_more(
    failure: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(failure) as server:
        connection = _connection(server, monkeypatch)
        assert connection.request("POST", "/", {}, b"x").status == 200
        connection.close()
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", [reset, silence, raw(b"nonsense\r\n\r\n")])
def test_second_failure_is_a_publish_error(failure: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(failure, failure) as server:
        connection = _connection(server, monkeypatch)
        with pytest.raises(PublishError, match=r"sns: no answer from 127\.0\.0\.1:\d+: "):
            connection.request("POST", "/", {}, b"x")
        assert connection.request("POST", "/", {}, b"y").status == 200
        connection.close()
    assert len(server.requests) == 3


def test_kept_connection_that_hangs_uses_up_the_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(answer(), silence, silence) as server:
        connection = _connection(server, monkeypatch)
        connection.request("POST", "/", {}, b"first")
        with pytest.raises(PublishError, match="timed out"):
            connection.request("POST", "/", {}, b"second")
    assert len(server.requests) == 3


def test_second_5xx_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(answer(500), answer(502)) as server:
        connection = _connection(server, monkeypatch)
        assert connection.request("POST", "/", {}, b"x").status == 502
        connection.close()


def test_refused_connection_is_a_publish_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        connection = _connection(server, monkeypatch)
    with pytest.raises(PublishError, match="refused"):
        connection.request("POST", "/", {}, b"x")


def test_chunked_answer_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    chunked = (
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    )
    with served(raw(chunked)) as server:
        connection = _connection(server, monkeypatch)
        assert connection.request("GET", "/", {}, b"") == (403, b"abcde")
        connection.close()


def test_announced_end_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with served(raw(last)) as server:
        connection = _connection(server, monkeypatch)
        assert connection.request("POST", "/", {}, b"x").body == b"ok"
        assert connection.request("POST", "/", {}, b"x").status == 200
        connection.close()
    assert server.connections == 2
