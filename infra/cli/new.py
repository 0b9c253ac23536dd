"""./scripts/flows new: writes a flow, its test, and its blocks in template.yaml."""

import argparse
import builtins
import keyword
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from infra.cli.scaffold import Woken, flow_source, test_source, way_of
from infra.cli.system import KnownSystem
from infra.deploy.declared import (
    Deployed,
    declared_flows,
    differences,
    title_of,
    with_flow,
)
from infra.local.aws.cron import parse
from infra.local.aws.errors import TemplateError
from infra.local.aws.template import parsed
from infra.project import ROOT
from shared.agent.event_types import mistake_in
from shared.agent.flow import Flow
from shared.errors import SettingsError
from shared.perception.commands import COMMANDS, event_types

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
#: Names that a flow's file imports, or that its function's arguments have.
_TAKEN = frozenset({"agent", "answer", "event", "flow", "new"})
#: The longest name: the stack's name and the end of a queue's are still to come.
LONGEST = 30
_TEMPLATE = ROOT / "template.yaml"


def run_new(known: KnownSystem, options: argparse.Namespace) -> None:
    """Write the files, all or none, and say what is next; raises SettingsError."""
    woken = Woken(options.name, _types(options), options.timer and f"timer.{options.timer}")
    text = _TEMPLATE.read_text("utf-8")
    deployed = Deployed(parsed(text, _TEMPLATE), text)
    flow, test = ROOT / f"flows/{woken.name}.py", ROOT / f"tests/flows/test_{woken.name}.py"
    _check_name(woken.name, deployed, flow, test)
    source = flow_source(woken)
    declared = _declared(source, woken.name)
    whole = with_flow(f"flows.{woken.name}:{woken.name}", declared, options.schedule, deployed)

    def check() -> None:
        flows = declared_flows() | {f"flows.{woken.name}:{woken.name}": declared}
        if found := differences(flows, Deployed(parsed(whole, _TEMPLATE), whole)):
            raise SettingsError(
                "template.yaml does not hold what the code declares; mend that first:\n"
                + "\n".join(found)
            )

    _write({flow: source, test: test_source(woken)}, _TEMPLATE, whole, check)
    for path in (flow, test, _TEMPLATE):
        print(f"wrote {path.relative_to(ROOT)}")
    print("\n".join(_next(woken)))


def _types(options: argparse.Namespace) -> list[str]:
    types = list(options.on)
    if options.slack:
        types.append("slack.app_mention")
    for name in options.orders:
        if name.removeprefix("/") not in COMMANDS:
            raise SettingsError(f"--command {name}: there are {', '.join(COMMANDS)}")
        types += event_types(name.removeprefix("/"))
    if options.schedule:
        _check_schedule(options.schedule)
        types.append(f"schedule.{options.name}")
    if not types:
        raise SettingsError("say what wakes it: --on EVENT, --slack, --command or --schedule")
    _check_types(types, options)
    return list(dict.fromkeys(types))


def _check_types(types: Sequence[str], options: argparse.Namespace) -> None:
    for name in types:
        if mistake := mistake_in(name):
            raise SettingsError(mistake)
        if name.startswith("timer."):
            raise SettingsError(f"{name} is set by the flow itself: --timer {name[6:]}")
        if name.partition(".")[0] not in {"github", "slack", "schedule"}:
            raise SettingsError(f"{name}: write that flow by hand; see CONTRIBUTING.md")
        if name.startswith("schedule.") and not options.schedule:
            raise SettingsError(f'{name} needs its time: --schedule "rate(1 day)"')
    if options.timer and mistake_in(f"timer.{options.timer}"):
        raise SettingsError(f"--timer {options.timer}: take small letters, digits, _ and -")


def _check_schedule(expression: str) -> None:
    try:
        parse(expression)
    except (TemplateError, ValueError, OverflowError) as err:
        raise SettingsError(f"--schedule: {err}") from err
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression)
    if rate and (int(rate[1]) == 0 or (int(rate[1]) == 1) is bool(rate[3])):
        raise SettingsError(
            f"--schedule: {expression}: AWS takes rate(1 {rate[2]}), and rate(2 {rate[2]}s) or more"
        )


def _check_name(name: str, deployed: Deployed, *files: Path) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        suggested = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:LONGEST].strip("_")
        hint = f", such as {suggested}" if _NAME.fullmatch(suggested) else ""
        raise SettingsError(
            f"{name!r} is no name of a flow: small letters, digits and _, at most {LONGEST}{hint}"
        )
    if keyword.iskeyword(name) or name in _TAKEN or hasattr(builtins, name):
        raise SettingsError(f"{name} means something in Python or in a flow's file; choose another")
    for file in files:
        if file.exists():
            raise SettingsError(f"{file.relative_to(ROOT)} is there already; choose another name")
    title = title_of(name)
    for taken in (title, f"{title}Flow", f"{title}Schedule"):
        if taken in deployed.resources:
            raise SettingsError(f"template.yaml has {taken} already; choose another name")
    if f"schedule.{name}" in deployed.schedules:
        raise SettingsError(f"template.yaml uses the name {name} already; choose another")


def _declared(source: str, name: str) -> Flow:
    """Return the flow that a source declares."""
    names: dict[str, Any] = {"__name__": f"flows.{name}"}
    exec(source, names)
    found: Flow = names[name]
    return found


def _write(files: dict[Path, str], template: Path, text: str, check: Callable[[], None]) -> None:
    """Write all of it, or nothing: new files never replace others, and the template comes last."""
    with ExitStack() as undo:
        for path, source in files.items():
            with path.open("x", encoding="utf-8") as file:
                undo.callback(path.unlink, missing_ok=True)
                file.write(source)
        check()
        fresh = template.with_name(f".{template.name}.{os.getpid()}")
        undo.callback(fresh.unlink, missing_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(template.stat().st_mode)
        fresh.replace(template)
        undo.pop_all()


def _next(woken: Woken) -> Iterator[str]:
    """Say what is left to do."""
    manifest = (ROOT / "infra/apps/slack.yaml").read_text("utf-8")
    for name in woken.types:
        source, _, kind = name.partition(".")
        if source == "github" and not kind.startswith("command."):
            said = kind.partition(".")[0]
            yield f"subscribe the GitHub App to {said}, as ./scripts/deploy will tell you"
        is_told = way_of(name).effect or re.search(rf"^ +- {kind}$", manifest, re.M)
        if source == "slack" and not is_told:
            yield f"subscribe the Slack app to {kind}: bot_events in infra/apps/slack.yaml"
    for flow in declared_flows().values():
        both = sorted({*flow.types} & {*woken.types})
        if flow.name != woken.name and both:
            yield f"{flow.name} takes {', '.join(both)} too: both will answer"
    if any(name.startswith("schedule.") for name in woken.types):
        yield f"invite the bot to #general, or name another channel in flows/{woken.name}.py"
        yield "to see it at once, say rate(1 minute) in template.yaml for a while"
    yield f"test it: ./scripts/test tests/flows/test_{woken.name}.py tests/infra/test_template.py"
    yield f"break it: ./scripts/flows certify {woken.name}"
    yield "see it: ./scripts/dev"
