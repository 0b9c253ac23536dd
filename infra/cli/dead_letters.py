"""Brings dead letters back to their queue: in the local system, or in AWS."""

import argparse
import json
from typing import Any

import urllib3

from infra.cli.system import KnownSystem
from shared.errors import SettingsError

#: What template.yaml calls the dead-letter queue of a flow; the stack's name is deploy's default.
_NAMES = ("{0}", "{0}-dead.fifo", "agent-flows-{0}-dead.fifo")


def add_redrive(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", help="a flow, such as triage; in AWS also a dead-letter queue")
    command.set_defaults(run=_redrive)


def _redrive(known: KnownSystem, options: argparse.Namespace) -> None:
    print(redrive(known, options.queue))


def redrive(known: KnownSystem, queue: str) -> str:
    """Move all dead letters of `queue` back and say how many; raises SettingsError on failure."""
    return _locally(known.url, queue) if known.local else _in_aws(queue)


def _locally(url: str, queue: str) -> str:
    try:
        answer = urllib3.request(
            "POST", f"{url}/redrive", json={"queue": queue}, retries=False, timeout=15
        )
    except urllib3.exceptions.HTTPError as err:
        raise SettingsError(f"{url} does not answer; is ./scripts/dev running?") from err
    if answer.status != 200:
        raise SettingsError(answer.data.decode("utf-8", "replace").strip())
    return f"{json.loads(answer.data)['moved']} dead letters are back in their queue"


def _in_aws(queue: str) -> str:
    """Start SQS's own redrive of the dead-letter queue; it goes on by itself."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sqs = boto3.client("sqs")
        address = _address(sqs, queue)
        wanted = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
        sqs.start_message_move_task(SourceArn=wanted["Attributes"]["QueueArn"])
    except ClientError as err:
        code = err.response.get("Error", {}).get("Code", "refused")
        raise SettingsError(f"{queue} cannot be redriven: AWS says {code}") from err
    except BotoCoreError as err:
        raise SettingsError(
            f"{queue} cannot be redriven: no ./scripts/dev runs, and AWS says: {err}"
        ) from err
    return f"the dead letters of {queue} are on their way back"


def _address(sqs: Any, queue: str) -> str:
    """Find the queue by its own name, or by that of its flow."""
    for name in _NAMES[:-1]:
        try:
            return str(sqs.get_queue_url(QueueName=name.format(queue))["QueueUrl"])
        except sqs.exceptions.QueueDoesNotExist:
            continue
    return str(sqs.get_queue_url(QueueName=_NAMES[-1].format(queue))["QueueUrl"])
