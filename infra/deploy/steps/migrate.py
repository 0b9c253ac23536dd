"""Brings the database to the current schema, and makes the functions' logins, before the functions
change.

The function that does it is a stack of its own: CloudFormation gives it its network and rights as
well as its code, whatever the other stack is in.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from infra.deploy import rollouts, stack
from infra.deploy.stack import DeployError
from infra.deploy.steps.ingredients import deployed, made_of, parameters
from infra.deploy.steps.step import Sitting
from infra.migrations.files import Migration, migrations
from infra.migrations.progress import Progress
from infra.migrations.record import Pending, Recorded
from infra.migrations.watching import Watched, watch
from shared.events import Json

T = TypeVar("T")

#: No call is sent twice by itself: a second invocation would be a second attempt.
_ONCE = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1})

#: Seconds between looks that fail.
_PAUSES = (0.5, 2.0)


def run(sitting: Sitting) -> None:
    settings = sitting.deployed
    values = parameters(sitting, settings)
    for command in stack.schema_commands(sitting.place, values):
        stack.run_sam(command, sitting.place, settings)
    _mind_older_code(sitting)
    told = migrate(_client(sitting), sitting.place.schema, sitting.say)
    sitting.say("database: is current" if not told.applied else "database: is current now")
    for title in told.held:
        sitting.say(f"database: {title} waits for a later deployment, when no older code is live")
    if found := deployed(sitting, sitting.place.schema):
        sitting.state.put("schema", made_of=made_of({**settings, **values}), **found)


def _mind_older_code(sitting: Sitting) -> None:
    """While older code is live, tell the database, which a rollback may not have reached. Before
    anything is taken away from older code, forget it, so that no rollback leads there."""
    ssm, prefix = sitting.client("ssm"), sitting.place.prefix
    known = rollouts.read(ssm, prefix)
    if known.abandoned:
        live(sitting, older=True)
    elif len(known.deployed) > 1:
        client, function = _client(sitting), sitting.place.schema
        pending = _patiently(lambda: _pending(client, function, migrations()))
        if any(one.contracts for one in pending.now):
            rollouts.save(ssm, prefix, known.forgetting())


def done(sitting: Sitting) -> str:
    """Tell if the function is of this code, and the database has its schema."""
    found = deployed(sitting, sitting.place.schema)
    same = found and all(sitting.state.get("schema", name) == found[name] for name in found)
    before = sitting.state.get("schema", "made_of")
    settings = sitting.deployed if same and before else {}
    if settings and before == made_of({**settings, **parameters(sitting, settings)}):
        now = _look(_client(sitting), sitting.place.schema, "")
        if not (now.running or now.remaining):
            return "the database has the schema of this code"
    return ""


def live(sitting: Sitting, *, older: bool = False) -> None:
    """Tell the database that no code older than this is live; after a rollback, that it is again.

    A contract migration waits for it.
    """
    client = _client(sitting)
    with suppress(client.exceptions.ResourceNotFoundException):  # then nothing was ever taken away
        _invoke(client, sitting.place.schema, {"live": "older" if older else "this"})


def changes(sitting: Sitting) -> Iterator[str]:
    """Name the migrations to come, as the database tells; change nothing.

    Raises DeployError and SettingsError as the step would.
    """
    client, function, files = _client(sitting), sitting.place.schema, migrations()
    try:
        client.get_function_configuration(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        yield f"{len(files)}, all of them, where the database is new: no function could ask it yet"
        return
    yield from to_come(client, function, files)


def to_come(client: Any, function: str, files: Sequence[Migration]) -> Iterator[str]:
    """Name those of `files` that the database has not; raises DeployError and SettingsError."""
    now, held = _pending(client, function, files)
    yield from (f"{one.title}: {one.described}" for one in now)
    for one in held:
        yield f"{one.title}: {one.described}; waits until no older code is live"


def _pending(client: Any, function: str, files: Sequence[Migration]) -> Pending:
    # An older function knows no `record`, and tells how far it is itself.
    told = _invoke(client, function, {"progress": True, "record": True}).get("record")
    if not isinstance(told, dict):
        raise DeployError(f"{function} is of a release that cannot tell; the deployment does")
    return Recorded([(*row,) for row in told["applied"]], told["released"]).pending(files)


def migrate(client: Any, function: str, say: Any) -> Watched:
    """Let the function migrate, and show its progress; raises DeployError when it cannot."""

    def start(id: str) -> None:
        # It is taken, or not; the progress tells.
        with suppress(ReadTimeoutError, ConnectionClosedError):
            event = json.dumps({"attempt": id}).encode()
            client.invoke(FunctionName=function, InvocationType="Event", Payload=event)

    return watch(start, lambda id: _look(client, function, id), say)


def _look(client: Any, function: str, id: str) -> Progress:
    event = {"progress": True, "attempt": id}
    return Progress(**_patiently(lambda: _invoke(client, function, event)))


def _patiently(look: Callable[[], T]) -> T:
    """Look, again if need be: it harms nothing, and one that fails says nothing of the attempt."""
    for pause in _PAUSES:
        with suppress(DeployError, BotoCoreError, ClientError):
            return look()
        time.sleep(pause)
    return look()


def _invoke(client: Any, function: str, event: Json) -> Json:
    reply = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    answer = json.loads(reply["Payload"].read() or b"null")
    if reply.get("FunctionError") or not isinstance(answer, dict):
        reason = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise DeployError(
            f"{function} could not ask the database: {reason or 'no answer'};"
            " look at DATABASE_URL, and whether the function can reach it"
        )
    return answer


def _client(sitting: Sitting) -> Any:
    return sitting.session.client("lambda", config=_ONCE)
