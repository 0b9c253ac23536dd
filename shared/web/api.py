"""What callers of the API read: a run, its plan, and what waits for an answer.

It reads the database, which the front door does not: so it is a function of its own, with a role
that can do nothing else.
"""

from shared.aws.cold_start import ready

# isort: split
from typing import Any, NamedTuple

from chalice.app import Chalice, Response

from shared.database import READER, Database
from shared.errors import AgentFlowsError, RequestRefused
from shared.log import log
from shared.perception import Headers
from shared.settings import Settings
from shared.web import api_requests as api
from shared.web import run_view as runs

ready()

#: Seconds that a lost database is waited for: the caller asks again anyway.
PATIENCE = 5.0


class Reads(NamedTuple):
    """What the routes share."""

    settings: Settings
    database: Database

    def run(self, headers: Headers, run: str) -> Response:
        """Answer how a run stands; another tenant's is not there."""
        who = api.caller(headers, self.settings.api_tokens)
        found = runs.read(self.database, who.tenant, run) if api.is_run(run) else None
        if found is None:
            raise RequestRefused(404, "there is no such run, or it has not begun yet")
        return _answer(200, found)


def build(reads: Reads) -> Chalice:
    """Return the Chalice app of `reads`."""
    app = Chalice("api", configure_logs=False, env={})
    app.api.binary_types = []

    def run(run: str) -> Response:
        try:
            return reads.run(app.current_request.headers, run)
        except RequestRefused as err:
            return _answer(err.status, api.told(err), **api.challenge(err))
        except AgentFlowsError as err:
            log("read failed", error=type(err).__name__, reason=str(err))
            return _answer(503, {"error": "the run cannot be read now"}, **{"Retry-After": "5"})

    app.route("/runs/{run}", methods=["GET"])(run)
    return app


def _answer(status: int, body: dict[str, Any], **headers: str) -> Response:
    kept = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(body, headers={**kept, **headers}, status_code=status)


def __getattr__(name: str) -> object:
    """Build `app` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = Settings.from_environment()
    url = settings.require("database_url")
    return build(Reads(settings, Database(url, patience=PATIENCE, role=READER)))
