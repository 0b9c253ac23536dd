"""Results of maps in S3: a real client, signed requests, and moto's server."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from shared.agent import Agent, spilling
from shared.agent.flow import flow
from shared.agent.mapping import Results
from shared.agent.spilling import SpillBucket, SpillFile, spill_of
from shared.errors import PublishError, SettingsError
from shared.events import Event
from shared.settings import Settings
from shared.testing import FlowRunner, schedule_event
from tests.moto_server import moto_server

IN_S3 = Settings(map_spill="S3", payload_bucket="spilled")


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """boto3's client of the bucket `spilled`, which is empty; segments are small."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(spilling, "SEGMENT", 1_000)
    monkeypatch.setattr(spilling, "_PAUSE", 0.01)
    client = boto3.client("s3")
    client.create_bucket(Bucket="spilled")
    yield client
    for key in keys(client):
        client.delete_object(Bucket="spilled", Key=key)
    client.close()


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket="spilled").get("Contents", [])]


def test_results_beyond_the_memory_are_objects_and_come_back_in_order(bucket: Any) -> None:
    results = Results[str](500, spill_of(IN_S3, "run1"))
    texts = [f"中文 🚀 {n} " + "x" * (n * 37 % 400) for n in range(100)] + ["y" * 5_000, "z"]
    for text in texts:
        results.add(text)
    found = keys(bucket)
    assert len(found) > 10
    assert all(key.startswith("maps/run1/") for key in found)
    assert results == texts
    assert [results[at] for at in (101, 0, 60, 59, 60)] == [
        texts[at] for at in (101, 0, 60, 59, 60)
    ]


def test_a_flow_maps_a_stream_by_way_of_s3(bucket: Any) -> None:
    told: list[int] = []

    @flow("schedule.spills")
    def spills(event: Event, agent: Agent) -> None:
        results = agent.map(lambda number: f"{number}" * 100, iter(range(200)))
        told.extend(len(text) for text in results)

    runner = FlowRunner(map_spill="s3", map_memory_mb="0", payload_bucket="spilled")
    runner.run(spills, schedule_event("spills"))
    assert told == [len(f"{number}") * 100 for number in range(200)]
    assert len(keys(bucket)) > 20


def test_what_somebody_else_wrote_is_not_read(bucket: Any) -> None:
    spill = SpillBucket("spilled", "run1")
    places = [spill.write(b"a" * 900), spill.write(b"b" * 900)]
    (key,) = keys(bucket)
    assert spill.read(places[0]) == b"a" * 900
    spill = SpillBucket("spilled", "run1")
    place = [spill.write(b"a" * 900), spill.write(b"b" * 900)][0]
    (mine,) = set(keys(bucket)) - {key}
    bucket.put_object(Bucket="spilled", Key=mine, Body=b"c" * 900)
    with pytest.raises(SettingsError, match="is not what was written there"):
        spill.read(place)


def test_a_bucket_that_refuses_or_is_away_says_so(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = SpillBucket("nowhere", "run1")
    spill.write(b"a" * 900)
    with pytest.raises(SettingsError, match=r"nowhere answered 404 .*look at MAP_SPILL"):
        spill.write(b"b" * 900)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    spill = SpillBucket("spilled", "run1")
    spill.write(b"a" * 900)
    with pytest.raises(PublishError):
        spill.write(b"b" * 900)


def test_the_setting_is_read() -> None:
    assert isinstance(spill_of(Settings(), "run1"), SpillFile)
    assert isinstance(spill_of(IN_S3, "run1"), SpillBucket)
    for wrong, said in (
        (Settings(map_spill="tape"), "expected disk or s3"),
        (Settings(map_spill="s3"), "PAYLOAD_BUCKET names no bucket"),
    ):
        with pytest.raises(SettingsError, match=said):
            spill_of(wrong, "run1")
