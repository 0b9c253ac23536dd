"""Lists what is set for later: timers of flows, and looks at what waits."""

import argparse

import urllib3

from infra.cli.system import KnownSystem
from infra.cli.table import Columns, show
from infra.deploy.timers import timers
from shared.database import Row
from shared.errors import SettingsError

_COLUMNS: Columns = {
    "at (UTC)": lambda row: str(row["at"]).replace("T", " "),
    "flow": lambda row: str(row["flow"]),
    "event": lambda row: str(row["event"]),
    "conversation": lambda row: str(row["conversation"]),
    "name": lambda row: str(row["name"]),
}


def run_timers(known: KnownSystem, options: argparse.Namespace) -> None:
    rows = _locally(known.url) if known.local else _in_aws(options.stack)
    rows = [row for row in rows if options.flow in ("", row["flow"])]
    show(rows[: options.limit], _COLUMNS, options, "nothing is set for later")


def _locally(url: str) -> list[Row]:
    try:
        answer = urllib3.request("GET", f"{url}/timers", retries=False, timeout=15)
    except urllib3.exceptions.HTTPError as err:
        raise SettingsError(f"{url} does not answer; is ./scripts/dev running?") from err
    rows: list[Row] = answer.json()
    return rows


def _in_aws(stack: str) -> list[Row]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return timers(boto3.client("scheduler"), stack)
    except (BotoCoreError, ClientError) as err:
        raise SettingsError(
            f"no ./scripts/dev runs, and AWS says of the schedule group {stack}: {err}"
        ) from err
