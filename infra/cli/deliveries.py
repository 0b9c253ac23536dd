"""Replays a saved delivery: signs it as its platform would and posts it to the front door. Lists
what GitHub delivered to the App."""

import argparse
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import urllib3
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem
from infra.cli.table import Columns, show
from infra.local.sandbox.github.hooks import signature
from infra.local.sandbox.slack.front_door import AppAnswer, FrontDoor
from infra.project import from_caller
from shared.database import Row, queries
from shared.database.address import arguments_of
from shared.errors import SettingsError
from shared.github_app.deliveries import DeliveryList, HookDelivery
from shared.perception.github import digest_of
from shared.perception.slack import AGAIN
from shared.settings import Settings

SQL = queries(__file__, "deliveries.sql")

#: Seconds that the front door may take to answer.
_PATIENCE = 15.0
#: Pages of GitHub's list, of a hundred deliveries each.
_MOST_PAGES = 1000

_COLUMNS: Columns = {
    "last": lambda row: f"{row['at']:%Y-%m-%d %H:%M:%S}",
    "event": lambda row: str(row["event"]),
    "tries": lambda row: str(row["attempts"]),
    "state": lambda row: str(row["state"]),
    "GitHub says": lambda row: str(row["says"]),
    "guid": lambda row: str(row["guid"]),
}


def run_send(known: KnownSystem, options: argparse.Namespace) -> int:
    url = options.url or known.url
    if not url:
        raise SettingsError("no front door: start ./scripts/dev, or name one with --url")
    saved = Saved.read(from_caller(options.file), options.event)
    if options.again:
        saved = saved.again()
    with repeats(saved, known.settings) as found:
        status, answer = send(saved, url, known.settings)
        print("\n".join([f"{status} {answer}", *(found(answer) if status == 200 else ())]))
    return 0 if status == 200 else 1


def run_deliveries(known: KnownSystem, options: argparse.Namespace) -> None:
    with closing(DeliveryList.of_app(_with_app(known, options.prefix))) as listed:
        events = _events(listed, 1 if options.redeliver else options.limit, _chosen(options))
        if not options.redeliver:
            show(
                [*map(_row, events)],
                _COLUMNS,
                options,
                "nothing failed" if options.failed else "no deliveries",
            )
        elif not events:
            raise SettingsError(f"GitHub lists no delivery {options.redeliver} any more")
        else:
            listed.redeliver(_last(events[0]))
            print(f"GitHub sends {options.redeliver} again in a moment")


def _with_app(known: KnownSystem, prefix: str) -> Settings:
    """Return the settings with an App: the one that they name, else that of the deployment in AWS.

    Raises SettingsError when neither has one.
    """
    settings = known.settings
    if known.local or settings.github_app_id or settings.github_app_private_key:
        return settings  # what lacks of the two is named
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.deploy.credentials import app_of

    hint = "set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or name the deployment with --prefix"
    try:
        found = app_of(boto3.Session(), prefix, settings)
    except (BotoCoreError, ClientError) as err:
        raise SettingsError(
            f"no App is set here, and AWS says of the secrets {prefix}/…: {err}; {hint}"
        ) from err
    if not (found.github_app_id and found.github_app_private_key):
        raise SettingsError(f"no App is set here, and none is in the secrets {prefix}/…; {hint}")
    return found


def _chosen(options: argparse.Namespace) -> Callable[[list[HookDelivery]], bool]:
    """Return what tells, from the attempts for an event, if it is wanted."""
    if options.redeliver:
        return lambda attempts: attempts[0].guid == options.redeliver
    return lambda attempts: not (options.failed and any(one.arrived for one in attempts))


def _events(
    listed: DeliveryList, limit: int, wanted: Callable[[list[HookDelivery]], bool]
) -> list[list[HookDelivery]]:
    """Return the attempts for each of the newest wanted events. Later attempts are listed before
    earlier ones, so a limit cuts off old attempts, never new ones."""
    attempts: dict[str, list[HookDelivery]] = {}
    for page in listed.pages(_MOST_PAGES):
        for row in page.rows:
            attempts.setdefault(row.guid, []).append(row)
        if sum(map(wanted, attempts.values())) >= limit:
            break
    return [rows for rows in attempts.values() if wanted(rows)][:limit]


def _last(attempts: list[HookDelivery]) -> HookDelivery:
    return max(attempts, key=lambda one: (one.at, one.id))


def _row(attempts: list[HookDelivery]) -> Row:
    last = _last(attempts)
    at = datetime.fromtimestamp(last.at, UTC)
    name = f"{last.event}.{last.action}".rstrip(".")
    state = "done" if any(one.arrived for one in attempts) else "failed"
    return {
        "guid": last.guid,
        "at": at,
        "event": name,
        "attempts": len(attempts),
        "state": state,
        "answered": last.code,
        "says": last.status,
    }


class Saved(NamedTuple):
    """A delivery in a file. A body that was saved as text is sent byte for byte.

    `event` is GitHub's name for it, such as `issues`; empty for Slack.
    """

    event: str
    id: str
    payload: Any

    @classmethod
    def read(cls, file: Path, event: str) -> "Saved":
        """Read `{"headers": …, "body": …}` or a bare payload; `event` overrules the headers.

        It keeps the id in the headers, so that a delivery that is sent twice is one event. Raises
        SettingsError when the file is not a delivery.
        """
        try:
            saved = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as err:
            raise SettingsError(f"{file} cannot be read as JSON: {type(err).__name__}") from err
        if not isinstance(saved, dict):
            raise SettingsError(
                f"{file} holds no delivery; expected an object with headers and body"
            )
        if not {"headers", "body"} <= saved.keys():
            return cls(event, str(uuid.uuid4()), saved)
        headers = {name.lower(): str(value) for name, value in saved["headers"].items()}
        id = headers.get("x-github-delivery") or str(uuid.uuid4())
        return cls(event or headers.get("x-github-event", ""), id, saved["body"])

    @property
    def body(self) -> bytes:
        """The body as GitHub sends it."""
        plain = isinstance(self.payload, str)
        text = self.payload if plain else json.dumps(self.payload, ensure_ascii=False)
        return text.encode("utf-8", "replace")

    def again(self) -> "Saved":
        """Return it as one that nobody has handled: under another id, with another body."""
        mark = uuid.uuid4()
        if not self.event and isinstance(self.payload, dict):
            return self._replace(payload=self.payload | {AGAIN: mark.hex})
        # Space at the end means nothing in JSON, nor in a form after a field that nobody reads.
        text = self.body.decode()
        space = f"{mark.int:0128b}".translate({ord("0"): " ", ord("1"): "\t"})
        end = space if text.lstrip().startswith("{") else f"&{AGAIN}={mark.hex}"
        return self._replace(id=str(mark), payload=text + end)


@contextmanager
def repeats(saved: Saved, settings: Settings) -> Iterator[Callable[[str], list[str]]]:
    """Give what tells by the answer to `saved` which flows take it as a repeat, a line each."""
    url, secret = settings.database_url, settings.github_webhook_secret
    if not url:
        yield lambda answer: ["set DATABASE_URL to see whether it is taken as a repeat"]
        return
    digest = digest_of(signature(secret, saved.body)) if saved.event else ""
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        sent = connection.execute("select clock_timestamp() as at").fetchall()[0]["at"]

        def found(answer: str) -> list[str]:
            about = {"sent": sent, "event": _event_in(answer), "digest": digest}
            return [_line(row) for row in connection.execute(SQL["had"].encode(), about).fetchall()]

        yield found


def _line(row: Row) -> str:
    return (
        f"taken as a repeat: {row['flow']} has had it {row['ago']:.0f} s ago (run {row['id']});"
        " --again sends it as new"
    )


def _event_in(answer: str) -> str:
    try:
        return str(json.loads(answer)["event"])
    except (ValueError, KeyError, TypeError):
        return ""


def send(saved: Saved, url: str, settings: Settings) -> tuple[int, str]:
    """Post it, signed, to the front door at `url`; return the status and the answer.

    Raises SettingsError when its secret is not set, nobody answers, or the file is not a delivery.
    """
    try:
        if saved.event:
            return _to_github(saved, url, settings.require("github_webhook_secret"))
        answer = _to_slack(
            saved, FrontDoor(url, settings.require("slack_signing_secret"), _PATIENCE)
        )
        return answer.status, answer.body.decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError, HTTPException) as err:
        raise SettingsError(f"{url} does not answer; is ./scripts/dev running?") from err


def _to_github(saved: Saved, url: str, secret: str) -> tuple[int, str]:
    body = saved.body
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": saved.event,
        "X-GitHub-Delivery": saved.id,
        "X-Hub-Signature-256": signature(secret, body),
    }
    address = url.rstrip("/") + "/github/webhook"
    answer = urllib3.request(
        "POST", address, body=body, headers=headers, retries=False, timeout=_PATIENCE
    )
    return answer.status, answer.data.decode("utf-8", "replace")


def _to_slack(saved: Saved, door: FrontDoor) -> AppAnswer:
    payload = saved.payload if isinstance(saved.payload, dict) else {}
    if payload.get("type") in {"event_callback", "url_verification"}:
        return door.event(payload)
    if "command" in payload:
        return door.command(payload)
    if "trigger_id" in payload:
        return door.interaction(payload)
    raise SettingsError("this is no request of Slack's; for a GitHub payload say --event issues")
