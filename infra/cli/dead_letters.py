"""Lists what was given up, and starts it again: in the local system, or in AWS."""

import argparse
import json

import urllib3

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, show
from infra.cli.usage.commands import STACK
from infra.deploy.looks import wake
from infra.local.endings import dead_letters, reopen
from shared.errors import SettingsError

_COLUMNS: Columns = {
    "run": lambda row: str(row["id"]),
    "flow": lambda row: str(row["flow"]),
    "event": lambda row: str(row["event"]),
    "conversation": lambda row: str(row["conversation"]),
    "tries": lambda row: str(row["attempts"]),
    "given up": lambda row: f"{row['finished_at']:%Y-%m-%d %H:%M}",
    "why": lambda row: str(row["reason"]),
}


def run_dead_letters(known: KnownSystem, options: argparse.Namespace) -> None:
    rows = dead_letters(database_url(known), flow=options.flow, limit=options.limit)
    if not rows and not options.json:
        print("no dead letters")
        return
    show(rows, _COLUMNS, options)
    if not options.json:
        print("`./scripts/flows redrive RUN|FLOW` starts them again")


def run_redrive(known: KnownSystem, options: argparse.Namespace) -> None:
    print(redrive(known, options.what, options.stack))


def redrive(known: KnownSystem, what: str, stack: str = STACK) -> str:
    """Start again what was given up, and say how many; raises SettingsError on failure."""
    if known.local:
        return _locally(known.url, what)
    if what.endswith(".fifo"):
        return _in_aws(what)
    moved = reopen(database_url(known), what)
    if not moved:
        raise SettingsError(f"nothing of {what} was given up; see `./scripts/flows dead-letters`")
    return f"{_counted(moved)} again {_swept(stack)}"


def _locally(url: str, what: str) -> str:
    try:
        answer = urllib3.request(
            "POST", f"{url}/redrive", json={"queue": what}, retries=False, timeout=15
        )
    except urllib3.exceptions.HTTPError as err:
        raise SettingsError(f"{url} does not answer; is ./scripts/dev running?") from err
    if answer.status != 200:
        raise SettingsError(answer.data.decode("utf-8", "replace").strip())
    return f"{_counted(json.loads(answer.data)['moved'])} again"


def _swept(stack: str) -> str:
    """Let the sweep come now, and say when it comes."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        wake(boto3.client("sns"), stack, ["sweep"])
    except (BotoCoreError, ClientError, SettingsError) as err:
        return f"tonight at 03:17 UTC: the sweep could not be called now ({err})"
    return "now"


def _counted(moved: int) -> str:
    return "1 dead letter starts" if moved == 1 else f"{moved} dead letters start"


def _in_aws(queue: str) -> str:
    """Start SQS's own redrive of the dead-letter queue; it goes on by itself."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sqs = boto3.client("sqs")
        address = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
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
