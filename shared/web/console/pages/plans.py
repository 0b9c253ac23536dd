"""/console/plans: plans as graphs of steps and waves, and the questions that they ask."""

import json
from typing import Any, NamedTuple

from chalice.app import Response

from shared.canonical import digest
from shared.database import Row, queries
from shared.errors import RequestRefused
from shared.web.api_requests import ApiRequest, RunEvent, TokenHolder, answer, order
from shared.web.console.pages.timeline import read_json
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "plans.sql")
LIST, ONE = "plans.html", "plan.html"
_SHOWN = 50
_WIDE, _HIGH, _GAP = 190, 46, 46


class Node(NamedTuple):
    """A step in the picture, where it stands, and what it waits for."""

    id: str
    label: str
    state: str
    x: int
    y: int


def plans(asked: PageRequest) -> Response:
    """List the newest plans."""
    [found] = asked.rows(SQL, "plans", limit=_SHOWN)
    return asked.page(LIST, "Plans", plans=found)


def plan(asked: PageRequest) -> Response:
    """Show one plan; raises RequestRefused where the reader may see none."""
    names = ("plan", "steps", "versions", "approvals")
    head, steps, versions, approvals = asked.rows(SQL, *names, plan=asked.path["plan"])
    if not head:
        raise RequestRefused(404, "There is no such plan, or you may not see it.")
    told = [dict(row) | {"of": _object(row["step"])} for row in steps]
    nodes, lines = _graph(told)
    told_versions = [
        dict(row) | {"changes": _changes(versions, at)} for at, row in enumerate(versions)
    ]
    return asked.page(
        ONE, f"Plan {head[0]['id']}", plan=head[0], steps=told, nodes=nodes, lines=lines,
        wide=_WIDE, high=_HIGH, width=max([n.x for n in nodes] or [0]) + _WIDE + 10,
        height=max([n.y for n in nodes] or [0]) + _HIGH + 10,
        versions=told_versions, approvals=approvals,
    )  # fmt: skip


def decide(asked: PageRequest) -> Response:
    """Approve, reject or change what a plan asks, as the REST API does."""
    said = asked.form.get("answer", "")
    fields = {"answer": said, "digest": asked.form.get("digest", "")}
    if said == "change":
        fields["words"] = asked.form.get("words", "")
    sent = _sent(asked, json.dumps(fields).encode())
    return _published(asked, answer(asked.path["plan"], asked.path["step"], sent), said)


def cancel(asked: PageRequest) -> Response:
    """Stop a plan or a run, as the REST API does."""
    return _published(asked, order("cancel", asked.path["plan"], _sent(asked, b"")), "cancel")


def _sent(asked: PageRequest, body: bytes) -> ApiRequest:
    who = TokenHolder(asked.reader.tenant, f"console:{asked.reader.login}", "member")
    # A second click on the same button is the same request.
    key = digest([*asked.path.values(), asked.reader.login, body.decode()])[:32]
    headers = {"content-type": "application/json", "idempotency-key": key}
    return ApiRequest(body, headers, who, asked.now)


def _published(asked: PageRequest, wanted: RunEvent, action: str) -> Response:
    """Publish a change of a plan that the operator may see, and note who made it."""
    [found] = asked.rows(SQL, "plan", plan=asked.path["plan"])
    if not found:
        raise RequestRefused(404, "There is no such plan, or you may not see it.")
    about = {"actor": f"console {asked.reader.login}", "event": wanted.event.id}
    asked.rows(SQL, "record", action=action, **about)
    asked.publish(wanted.event)
    return asked.elsewhere(f"plans/{asked.path['plan']}")


def _graph(steps: list[Row]) -> tuple[list[Node], list[tuple[Node, Node]]]:
    """Place each step in the wave after the last one that it waits for."""
    waves: dict[str, int] = {}
    for _ in steps:  # a step's wave is known once those of what it waits for are
        for row in steps:
            before = [waves.get(one, 0) for one in _waits(row)]
            waves[row["id"]] = max(before, default=-1) + 1
    filled: dict[int, int] = {}
    nodes: dict[str, Node] = {}
    for row in steps:
        wave = waves[row["id"]]
        place = filled[wave] = filled.get(wave, -1) + 1
        x, y = 5 + wave * (_WIDE + _GAP), 5 + place * (_HIGH + 18)
        label = str(row["of"].get("tool") or row["of"].get("goal") or "")[:24]
        nodes[row["id"]] = Node(row["id"], label, row["state"], x, y)
    lines = [(nodes[one], nodes[row["id"]]) for row in steps for one in _waits(row) if one in nodes]
    return [*nodes.values()], lines


def _waits(row: Row) -> list[str]:
    found = row["of"].get("depends_on") or ()
    return [str(one) for one in found]


def _object(text: str) -> dict[str, Any]:
    found = read_json(text)
    return found if isinstance(found, dict) else {}


def _changes(versions: Any, at: int) -> list[str]:
    """Say how a version differs from the one before it, a line for each step."""
    if not at:
        return []
    before, after = (_steps(versions[n]["steps"]) for n in (at - 1, at))
    lines = [f"− {name}" for name in before if name not in after]
    lines += [f"+ {name}" for name in after if name not in before]
    return lines + [f"≠ {name}" for name in after if name in before and before[name] != after[name]]


def _steps(text: str) -> dict[str, Any]:
    found = read_json(text)
    rows = found if isinstance(found, list) else found.get("steps", []) if found else []
    return {
        f"{one.get('id')} {one.get('tool') or ''}": one for one in rows if isinstance(one, dict)
    }
