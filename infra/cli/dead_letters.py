"""Brings dead letters back to their queue: in the local system, or in AWS."""

import argparse
import json

import urllib3

from infra.cli.system import KnownSystem
from shared.errors import SettingsError


def add_redrive(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", help="the flow's queue; in AWS the name of its dead-letter queue")
    command.set_defaults(run=_redrive)


def _redrive(known: KnownSystem, options: argparse.Namespace) -> None:
    print(redrive(known, options.queue))


def redrive(known: KnownSystem, queue: str) -> str:
    """Move all dead letters of `queue` back and say how many; raises SettingsError on failure."""
    return _locally(known.url, queue) if known.local else _in_aws(queue)


def _locally(url: str, queue: str) -> str:
    answer = urllib3.request(
        "POST", f"{url}/redrive", json={"queue": queue}, retries=False, timeout=15
    )
    if answer.status != 200:
        raise SettingsError(answer.data.decode("utf-8", "replace").strip())
    return f"{json.loads(answer.data)['moved']} dead letters are back in their queue"


def _in_aws(queue: str) -> str:
    """Start SQS's own redrive of the dead-letter queue; it goes on by itself."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sqs = boto3.client("sqs")
        address = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        wanted = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
        sqs.start_message_move_task(SourceArn=wanted["Attributes"]["QueueArn"])
    except (BotoCoreError, ClientError) as err:
        raise SettingsError(f"{queue} cannot be redriven: {type(err).__name__}") from err
    return f"the dead letters of {queue} are on their way back"
