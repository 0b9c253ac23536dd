"""/console/runs/ID: a run as a timeline, the conversation around it, the event as it came."""

import json

from chalice.app import Response

from shared.database import queries
from shared.errors import RequestRefused
from shared.web.console.pages.timeline import ROOM, WIDTH, timeline
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "run.sql")
TEMPLATE = "run.html"

#: Steps and effects that are shown of a run; a map may have thousands.
_SHOWN = 400


def run(asked: PageRequest) -> Response:
    """Show a run; raises RequestRefused where the reader may see none."""
    names = ("run", "steps", "effects", "sums", "beside", "signals")
    values = {"run": asked.path["run"], "room": ROOM, "limit": _SHOWN}
    heads, steps, effects, sums, beside, signals = asked.rows(SQL, *names, **values)
    if not heads:
        raise RequestRefused(404, "There is no such run, or you may not see it.")
    head = heads[0]
    said = [dict(row) | {"said": _words(row["said"])} for row in beside]
    return asked.page(
        TEMPLATE, f"Run {head['id']}",
        run=head, event=json.loads(head["body"]), body=head["body"],
        groups=timeline(steps, effects), width=WIDTH, sums=sums[0],
        left_out=max(sums[0]["steps"] - len(steps), 0),
        beside=said, signals=signals, effects=effects,
    )  # fmt: skip


def _words(text: str | None) -> str:
    """Return the words of an event from the first characters of their JSON."""
    text = text or ""
    try:
        return str(json.loads(text))
    except ValueError:
        pass
    try:
        return str(json.loads(text[: text.rindex(" ")] + '"')) + " …"
    except ValueError:
        return text.strip('"')
