"""/console/dead-letters: what was given up, and why; an operator starts it again."""

from chalice.app import Response

from shared.aws.looks import tick
from shared.database import queries
from shared.errors import RequestRefused
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "dead_letters.sql")
TEMPLATE = "dead_letters.html"
_SHOWN = 100


def dead_letters(asked: PageRequest) -> Response:
    """List the dead letters."""
    [found] = asked.rows(SQL, "letters", limit=_SHOWN)
    return asked.page(TEMPLATE, "Dead letters", letters=found, limit=_SHOWN)


def redrive(asked: PageRequest) -> Response:
    """Start one run again, or with `run=all` all of them; note who did, and wake the sweep.

    Raises RequestRefused when none of that name was given up.
    """
    run = asked.form.get("run", "")
    if not run:
        raise RequestRefused(400, "Name a run, or all.")
    wanted = {"run": "" if run == "all" else run, "actor": f"console {asked.reader.login}"}
    [done] = asked.rows(SQL, "reopen", **wanted)
    if not done:
        raise RequestRefused(409, "Nothing of that name was given up, or somebody was faster.")
    asked.publish(tick("sweep", asked.now))
    return asked.elsewhere("dead-letters")
