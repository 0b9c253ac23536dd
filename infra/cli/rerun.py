"""./scripts/flows rerun: lives a recorded run once more with one step changed, without effects."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from infra.cli.runs import find_run
from infra.cli.shadows import flow_of, shadowing_of, text_of
from infra.cli.system import KnownSystem, database_url
from infra.cli.table import cost, in_colour, show_json
from infra.terminal import Colour, paint
from shared.errors import SettingsError
from shared.runtime.shadow.changes import StepChange, find_step, step_names
from shared.runtime.shadow.difference import Difference, compare, diff_lines, lines_of
from shared.runtime.shadow.shadowing import RecordedRun, Shadow, recorded_run

_COLOURS: dict[str, Colour] = {"-": "red", "+": "green"}


def run_rerun(known: KnownSystem, options: argparse.Namespace) -> None:
    head = find_run(database_url(known), options.run)
    flow = flow_of(head["flow"])
    with shadowing_of(known, flow) as (shadows, database):
        run = recorded_run(database, head["tenant"], head["id"])
        if options.steps:
            _list_steps(run)
            return
        following = "anew" if options.anew else "replayed"
        change = _change(run, options)
        shadow = shadows.live(run, options.step, change, following)
    if change != StepChange() and not shadow.changed:
        raise SettingsError(
            "the shadow never came by the changed step: the flow, or what it reads, is another one"
            " today"
        )
    different = compare(run, shadow)
    if options.json:
        show_json(_plain(run, shadow, different))
        return
    print("\n".join(_told(run, shadow, different)))


def _change(run: RecordedRun, options: argparse.Namespace) -> StepChange:
    output: Any = text_of(options.output)
    if output is not None:
        if not options.step:
            raise SettingsError("--output needs --step")
        if not isinstance(find_step(run.steps, options.step)["output"], str):
            output = _parsed(output, str(options.output))
    return StepChange(options.model, text_of(options.prompt), text_of(options.input), output)


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise SettingsError(f"{name} is no JSON, as the output of this step is: {err}") from err


def _list_steps(run: RecordedRun) -> None:
    for name, row in zip(step_names(run.steps), run.steps, strict=True):
        print(f"{name:<20} {row['key'][:12]}  {row['model']}".rstrip())


def _told(run: RecordedRun, shadow: Shadow, different: Difference) -> Iterator[str]:
    states = f"recorded {in_colour(run.state)}  shadow {in_colour(shadow.state)}"
    yield f"run {run.id}  {run.flow}  {states}"
    if shadow.reason:
        yield f"reason {shadow.reason}"
    for answer in different.answers:
        yield f"\n{paint(answer.step, 'bold', sys.stdout)} answers otherwise"
        yield from map(_coloured, diff_lines(answer.before, answer.after))
    if not different.acts:
        yield f"\nIt does the same: {_counted(len(shadow.actions), 'action')}."
    for act in different.acts:
        title, *lines = lines_of(act)
        verb = "changed" if act.before and act.after else "new" if act.after else "left out"
        yield f"\n{paint(title, 'bold', sys.stdout)} is {verb}"
        yield from map(_coloured, lines)
    before, after = different.cost
    yield (
        f"\n{_counted(len(shadow.steps), 'step')} done anew: {cost(before)} → {cost(after)},"
        f" {different.seconds[0]:.2f} s → {different.seconds[1]:.2f} s. Nothing was posted or kept."
    )


def _plain(run: RecordedRun, shadow: Shadow, different: Difference) -> dict[str, Any]:
    return {
        "run": run.id,
        "flow": run.flow,
        "state": list(different.state),
        "reason": shadow.reason,
        "answers": [one._asdict() for one in different.answers],
        "acts": [
            {name: act and act._asdict() for name, act in one._asdict().items()}
            for one in different.acts
        ],
        "cost": list(different.cost),
        "seconds": list(different.seconds),
        "anew": len(shadow.steps),
    }


def _coloured(line: str) -> str:
    colour = _COLOURS.get(line[:1])
    return f"  {paint(line, colour, sys.stdout)}" if colour else f"  {line}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
