"""Hands a delivery to a flow in a process that may die of it: the real worker, on the sandboxes."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from infra.certify.killing import (
    BriefJournal,
    KillableDatabase,
    KillableModels,
    KillablePlatforms,
    KillSwitch,
)
from infra.certify.process import serve
from infra.certify.watching import Watch
from infra.project import ROOT, flow_modules
from shared.agent.flow import Flow
from shared.database import OPERATOR, ROLE
from shared.errors import AgentFlowsError, SettingsError
from shared.events import Event, Json
from shared.models.routing import Models
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings

#: What nearly every run loads late: once here, and not in each process.
_EVERY_RUN = (
    "shared.memory.embedding.hashing",
    "shared.models.guards.budgets",
    "shared.models.offline.model",
)


class _Context:
    """What Lambda tells a function of its time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Order(NamedTuple):
    """One delivery of an `event`, received so many times, to a flow, see `flow_at`, by a function
    with these settings and this environment of AWS, which logs to a file. `end`, `held` and `lost`
    are those of the KillSwitch; `watch` watches the flow."""

    flow: str
    log: str
    event: str
    settings: Mapping[str, str]
    environment: Mapping[str, str]
    receives: int = 1
    lease: float = 0
    end: int = 0
    held: int = 0
    lost: int = 0
    watch: bool = False


def flow_at(name: str) -> Flow:
    """Load a flow: `triage`, or the path of its file, `docs/examples/stale.py`, with `:function`
    where the file has several. Raises SettingsError when there is none."""
    place, _, function = name.partition(":")
    module = flow_modules().get(place, "")
    path = Path(f"{module.replace('.', '/')}.py" if module else place)
    path = path if path.is_absolute() else ROOT / path
    if not path.is_file():
        known = ", ".join(flow_modules())
        raise SettingsError(f"{name!r} is no flow; name a file, or one of {known}")
    content = vars(_imported(path))
    found = {key: value for key, value in content.items() if isinstance(value, Flow)}
    named = [value for key, value in found.items() if function in {"", key}]
    if len({flow.name for flow in named}) != 1:
        raise SettingsError(
            f"{name!r} names {len(named)} flows, of {', '.join(sorted(found)) or 'none'};"
            " say which one with FILE:FUNCTION"
        )
    return named[0]


def _imported(path: Path) -> object:
    """Import a file, once; raises SettingsError when it cannot be."""
    try:
        if path.is_relative_to(ROOT / "flows"):
            return importlib.import_module(flow_modules()[path.stem])
        name = f"certified {path}"
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec and spec.loader
            # Before it is loaded: its dataclasses look for it there.
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]
    except AgentFlowsError:
        raise
    # The outermost place of an import: an author's code may raise anything.
    except Exception as err:
        sys.modules.pop(f"certified {path}", None)
        raise SettingsError(f"{path} cannot be imported: {type(err).__name__}: {err}") from err


def deliver(given: Json) -> Json:
    """Carry out an Order, and tell what it came by."""
    order = Order(**given)
    _log_to(order.log)
    flow = flow_at(order.flow)
    os.environ.update(order.environment)
    settings = Settings(**order.settings)
    switch = KillSwitch(order.end, held=order.held, lost=order.lost)
    watch = Watch(flow) if order.watch else None
    role = OPERATOR if flow.operator else ROLE
    with KillableDatabase(settings.database_url, switch, role=role) as database:
        models = KillableModels(settings, switch, database)
        platforms = KillablePlatforms(flow, settings, switch)
        can = capabilities(settings, database, platforms, {Models: lambda: models})
        journal = BriefJournal(database, order.lease)
        handle = handler_of(flow, journal, can._replace(models=models))
        batch = _batch(Event.from_json(order.event), order.receives)
        answer = watch.over(handle, batch, _Context()) if watch else handle(batch, _Context())
    return {
        "again": bool(answer["batchItemFailures"]),
        "boundaries": switch.boundaries,
        "answers": switch.answers,
        "unasked": [step for run in journal.runs for step in run.unasked()],
        "asked": sorted(watch.found) if watch else [],
    }


def _log_to(path: str) -> None:
    with open(path, "ab") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())


def _prepare(given: Json) -> None:
    """Load the flow once, for all deliveries that follow."""
    if name := given.get("flow"):
        with suppress(SettingsError):  # the delivery says so
            flow_at(name)


def _batch(event: Event, receives: int) -> Json:
    """Return what a function gets from its queue."""
    attributes = {"MessageGroupId": event.group, "ApproximateReceiveCount": str(receives)}
    record: Json = {"messageId": event.id, "body": event.to_json(), "attributes": attributes}
    record |= {"receiptHandle": "1", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:certify.fifo"}
    return {"Records": [record]}


if __name__ == "__main__":
    for module in _EVERY_RUN:
        importlib.import_module(module)
    serve(deliver, _prepare)
