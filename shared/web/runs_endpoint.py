"""GET /runs/{run}: a run, its plan and the approvals it waits for, as JSON.

It reads the database, which the ingress never does, so it is a function of its own with a role that
may only read.
"""

from shared.aws.cold_start import ready

# isort: split
from typing import NamedTuple

from chalice.app import Chalice, Response

from shared.aws.secrets import function_settings
from shared.database import READER, Database
from shared.errors import AgentFlowsError, RequestRefused
from shared.log import log
from shared.perception import Headers
from shared.settings import Settings
from shared.web import api_requests, run_view
from shared.web.responses import later, refused, respond

ready()

#: Seconds to wait for a database that is lost, full or asleep, of the 20 that the function has. A
#: paused one wakes meanwhile, so that the caller who asks again after the 503 finds it awake.
PATIENCE = 12.0


class RunsEndpoint(NamedTuple):
    """The settings and the database that the route reads."""

    settings: Settings
    database: Database

    def read(self, headers: Headers, run: str) -> Response:
        """Return the run if it belongs to the caller's tenant; raises RequestRefused otherwise."""
        who = api_requests.caller_of(headers, self.settings.credential("api_tokens"))
        is_run = api_requests.is_run(run)
        found = run_view.read(self.database, who.tenant, run) if is_run else None
        if found is None:
            raise RequestRefused(404, "there is no such run, or it has not begun yet")
        return respond(200, found)


def build(endpoint: RunsEndpoint) -> Chalice:
    """Return the Chalice app of `endpoint`."""
    app = Chalice("runs", configure_logs=False, env={})
    app.api.binary_types = []

    def view(run: str) -> Response:
        try:
            return endpoint.read(app.current_request.headers, run)
        except RequestRefused as err:
            return refused(err)
        except AgentFlowsError as err:
            log("read failed", error=type(err).__name__, reason=str(err))
            return later(f"the run cannot be read now. {err.public}")

    app.route("/runs/{run}", methods=["GET"])(view)
    return app


def __getattr__(name: str) -> object:
    """Build `app` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = function_settings()
    settings.require("database_url")
    login = settings.credential("database_url")
    database = Database(login, patience=PATIENCE, role=READER, own_login=True)
    return build(RunsEndpoint(settings, database))
