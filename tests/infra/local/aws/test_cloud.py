"""The whole cloud: starting, stopping, being killed, and what survives it."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import pytest

from infra.local.aws.cloud import LocalCloud
from infra.local.aws.errors import LocalCloudError, TemplateError
from tests.infra.local.aws.site import TEMPLATE, Site, is_alive
from tests.waiting import wait_for

#: Starts the stack in a process of its own, publishes, puts an object, says so and sleeps.
VICTIM = """
import sys, time
from pathlib import Path
from tests.infra.local.aws.site import Site
import tests.infra.local.aws.test_cloud as test
site = Site(Path(sys.argv[1]), state=Path(sys.argv[1]) / "state")
site.cloud.start()
test.put(site, "big.json", b"payload")
site.send("accepted", {"until": 1, "wrong": "sleep"})
site.send("behind", {})
site.wait_for_records(1, "accepted")
print(*site.cloud.processes, flush=True)
time.sleep(60)
"""


def client(site: Site, service: str) -> boto3.client:
    return boto3.client(
        service,
        endpoint_url=site.cloud.endpoints[f"AWS_ENDPOINT_URL_{service.upper()}"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def put(site: Site, key: str, body: bytes) -> None:
    client(site, "s3").put_object(Bucket=site.cloud.outputs["Bucket"], Key=key, Body=body)


def get(site: Site, key: str) -> bytes:
    answer = client(site, "s3").get_object(Bucket=site.cloud.outputs["Bucket"], Key=key)
    return bytes(answer["Body"].read())


def test_messages_and_objects_survive_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path, state=tmp_path / "state", visibility=1)
    with site.cloud:
        put(site, "kept.json", b"one")
        put(site, "deleted.json", b"two")
        client(site, "s3").delete_object(Bucket=site.cloud.outputs["Bucket"], Key="deleted.json")
        site.send("done", {})
        site.wait_for_records(1, "done")
        site.wait_until_idle()
        site.send("dead", {"until": 2, "wrong": "raise"}, "other")
        site.wait_for(lambda: site.cloud.queues()["github.fifo"].dead)
        site.send("stuck", {"until": 1, "wrong": "sleep"})
        site.wait_for_records(1, "stuck")
        site.send("next", {})

    again = Site(tmp_path, state=tmp_path / "state")
    with again.cloud:
        again.wait_for_records(1, "next")
        again.send("done", {})  # its deduplication id is remembered too
        again.send("last", {})
        again.wait_for_records(1, "last")
        assert get(again, "kept.json") == b"one"
        with pytest.raises(client(again, "s3").exceptions.NoSuchKey):
            get(again, "deleted.json")
        assert [letter["body"]["record"] for letter in again.cloud.dead_letters("Github")] == [
            "dead"
        ]
    stuck = [(record["name"], record["attempt"]) for record in again.records("stuck", "next")]
    assert stuck == [("stuck", 1), ("stuck", 2), ("next", 1)]
    assert len(again.records("done")) == 1
    assert "Github: worked on stuck" in (tmp_path / "state" / "functions.log").read_text()


def test_kill_9_loses_nothing_and_leaves_no_process_behind(tmp_path: Path) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with victim:
        assert victim.stdout
        children = [int(pid) for pid in victim.stdout.readline().split()]
        assert len(children) == 2
        assert all(is_alive(pid) for pid in children)
        victim.kill()
    wait_for(lambda: not any(is_alive(pid) for pid in children))

    site = Site(tmp_path, state=tmp_path / "state")
    with site.cloud:
        site.wait_for_records(1, "behind")
        assert get(site, "big.json") == b"payload"
    attempts = [
        (record["name"], record["attempt"]) for record in site.records("accepted", "behind")
    ]
    assert attempts == [("accepted", 1), ("accepted", 2), ("behind", 1)]


def test_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.cloud:
        site.send("long", {"until": 1, "wrong": "sleep"})
        site.wait_for_records(1, "long")
        children = site.cloud.processes
        assert len(children) == 2
        assert all(is_alive(pid) for pid in children)
    assert not any(is_alive(pid) for pid in children)


def test_what_is_under_way_may_end_when_the_cloud_stops(tmp_path: Path) -> None:
    site = Site(tmp_path, state=tmp_path / "state", visibility=30, grace=60.0)
    with site.cloud:
        site.send("short", {"seconds": 1.5})
        site.wait_for_records(1, "short")
    with Site(tmp_path, state=tmp_path / "state").cloud as again:
        assert again.queues()["github.fifo"][1:] == (0, 0, 0)


def test_what_does_not_end_gives_up_what_it_holds(tmp_path: Path) -> None:
    site = Site(tmp_path, state=tmp_path / "state", visibility=30, grace=0.0)
    with site.cloud:
        site.send("long", {"until": 9, "wrong": "hold"})
        site.wait_for_records(1, "long")
        children = site.cloud.processes
    assert (tmp_path / "let go").exists()
    assert not any(is_alive(pid) for pid in children)
    with Site(tmp_path, state=tmp_path / "state").cloud as again:
        assert sum(again.queues()["github.fifo"][1:]) == 1


def test_a_schedule_publishes_when_it_is_fired(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.cloud:
        assert site.cloud.schedules == ("digest",)
        site.cloud.fire("digest")
        site.cloud.fire("Digest")
        line = site.wait_for(lambda: site.record.exists() and site.record.read_text())
        site.wait_until_idle()
        record = json.loads(line.splitlines()[0])
        with pytest.raises(LocalCloudError, match=r"no schedule 'weekly'; known: digest"):
            site.cloud.fire("weekly")
    assert record["type"] == "schedule.digest"
    today = time.strftime("digest at %Y-%m-%dT", time.gmtime())
    assert record["name"].startswith(today)
    assert len(site.record.read_text().splitlines()) == 2  # each execution has its own id


def test_a_template_may_lie_elsewhere_than_its_code(tmp_path: Path) -> None:
    moved = tmp_path / "template.yaml"
    folder = TEMPLATE.parent
    text = TEMPLATE.read_text().replace("CodeUri: .", f"CodeUri: {folder}")
    moved.write_text(text.replace("TemplateURL: ", f"TemplateURL: {folder}/"))
    with LocalCloud(moved) as cloud:
        assert cloud.invoke("Github", {}) == {"batchItemFailures": []}


def test_outputs_name_the_local_front_door(tmp_path: Path) -> None:
    with Site(tmp_path).cloud as cloud:
        assert cloud.outputs["Url"] == f"{cloud.url}/hooks/github"
        assert cloud.outputs["Bucket"] == "payloads-123456789012"


def test_two_clouds_run_side_by_side(tmp_path: Path) -> None:
    sites = [Site(tmp_path), Site(tmp_path / "second")]
    (tmp_path / "second").mkdir()
    with sites[0].cloud, sites[1].cloud:
        for site in sites:
            site.send("published", {})
        client(sites[1], "sqs").send_message(
            QueueUrl=f"{sites[1].cloud.endpoints['AWS_ENDPOINT_URL_SQS']}/any/github.fifo",
            MessageBody='{"record": "sent"}',
            MessageGroupId="c",
            MessageDeduplicationId="sent",
            MessageAttributes={"type": {"DataType": "String", "StringValue": "github.push"}},
        )
        sites[1].wait_for_records(1, "sent")
        for site in sites:
            site.wait_for_records(1, "published")
            site.wait_until_idle()
    assert [len(site.records("published")) for site in sites] == [1, 1]
    assert [len(site.records("sent")) for site in sites] == [0, 1]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with Site(tmp_path).cloud as cloud:
        port = int(cloud.url.rpartition(":")[2])
        with pytest.raises(LocalCloudError, match=f"port {port}: .*; choose another port"):
            LocalCloud(TEMPLATE, port=port).start()


def test_handlers_and_code_can_be_replaced(tmp_path: Path) -> None:
    tmp_path.joinpath("built.py").write_text(
        "import importlib.util, sqlite3\n"
        "def handler(event, context):\n"
        "    return {name: bool(importlib.util.find_spec(name)) for name in event['names']}\n"
    )
    handlers = {"Github": "app.worker.echo", "Slack": "built.handler"}
    with Site(tmp_path, handlers=handlers, code={"Slack": tmp_path}).cloud as cloud:
        assert cloud.invoke("Github", {"n": 1})["event"] == {"n": 1}
        found = cloud.invoke("Slack", {"names": ["built", "decimal", "boto3", "app", "infra"]})
    assert found == {"built": True, "decimal": True, "boto3": False, "app": False, "infra": False}


def test_a_start_that_failed_leaves_nothing_open(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {R: {Type: AWS::Unknown::Thing}}")
    threads = threading.active_count()
    cloud = LocalCloud(template, state=tmp_path / "state")
    for _ in range(2):
        with pytest.raises(TemplateError, match="R: AWS::Unknown::Thing is not known"):
            cloud.start()
    assert threading.active_count() == threads
    template.write_text(
        "Resources: {R: {Type: AWS::SQS::Queue}}\nOutputs: {R: {Value: !GetAtt R.Arn}}"
    )
    with cloud:
        assert cloud.outputs["R"] == "arn:aws:sqs:us-east-1:123456789012:agent-flows-R"


def test_ctrl_c_does_not_reach_the_functions(tmp_path: Path) -> None:
    with Site(tmp_path).cloud as cloud:
        cloud.invoke("Github", {})
        (child,) = cloud.processes
        assert os.getpgid(child) != os.getpgid(0)
