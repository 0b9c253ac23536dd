"""The pages of the front door that a browser signs in at, as a function of their own: it asks the
database and loads Slack's OAuth, which the ingress never does."""

from shared.aws.cold_start import ready

# isort: split
from collections.abc import Callable

from chalice.app import Chalice, Request, Response

from shared.aws.secrets import function_settings
from shared.database import Database
from shared.errors import AgentFlowsError, SettingsError
from shared.log import log
from shared.settings import Settings
from shared.web.oauth import installing, linking
from shared.web.oauth.pages import page

ready()

#: Seconds to wait for a database that is asleep, of the 20 that the function has.
PATIENCE = 10.0


class SignIn:
    """The routes. Nothing is connected before somebody comes."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def install(self, request: Request) -> Response:
        if not self._settings.slack_client_id:
            return page(
                "Not here",
                "This deployment serves one workspace. To let others install it, set"
                " SLACK_CLIENT_ID and SLACK_CLIENT_SECRET.",
                status=404,
            )
        return self._installing(request).install(request)

    def installed(self, request: Request) -> Response:
        if not self._settings.slack_client_id:
            return installing.from_terminal()
        return self._installing(request).come_back(request)

    def show_link(self, request: Request) -> Response:
        return self._linking(request).show(request)

    def go_link(self, request: Request) -> Response:
        return self._linking(request).go(request)

    def linked(self, request: Request) -> Response:
        return self._linking(request).come_back(request)

    def _linking(self, request: Request) -> linking.Linking:
        self._settings.require("github_client_id")
        return linking.Linking(self._settings, self._database, self._door(request))

    def _installing(self, request: Request) -> installing.Installing:
        return installing.Installing(self._settings, self._database, self._door(request))

    def _door(self, request: Request) -> str:
        """Return the address of the front door: the setting's, else API Gateway's own."""
        if given := self._settings.front_door_url:
            return given.rstrip("/")
        context = request.context
        below = str(context["path"]).removesuffix(str(context["resourcePath"]))
        return f"https://{context['domainName']}{below}"


def build(sign_in: SignIn) -> Chalice:
    """Return the Chalice app of the routes."""
    app = Chalice("sign-in", configure_logs=False, env={})
    app.api.binary_types = []
    routes: dict[str, Callable[[Request], Response]] = {
        installing.INSTALL: sign_in.install,
        installing.REDIRECT: sign_in.installed,
        linking.SHOW: sign_in.show_link,
        linking.GO: sign_in.go_link,
        linking.BACK: sign_in.linked,
    }
    for path, answer in routes.items():
        app.route(path, methods=["GET"], name=path)(_view(app, answer))
    return app


def _view(app: Chalice, answer: Callable[[Request], Response]) -> Callable[[], Response]:
    def view() -> Response:
        try:
            return answer(app.current_request)
        except SettingsError as err:
            log("sign-in not set up", reason=str(err))
            return _not_now(500, "The deployment is not set up for this; its log says why.")
        except (AgentFlowsError, OSError) as err:
            reason = str(err) if isinstance(err, AgentFlowsError) else type(err).__name__
            log("sign-in failed", error=type(err).__name__, reason=reason)
            return _not_now(503, "Something that this needs is away. Begin again in a moment.")
        except Exception as err:
            # The outermost handler. The error's text may quote the request, so it stays unlogged.
            log("sign-in failed", error=type(err).__name__)
            return _not_now(500, "Something went wrong. Begin again.")

    return view


def _not_now(status: int, reason: str) -> Response:
    return page("Not done", "Nothing was changed.", reason, status=status)


def __getattr__(name: str) -> object:
    """Build `app` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = function_settings()
    settings.require("database_url")
    login = settings.credential("database_url")
    return build(SignIn(settings, Database(login, patience=PATIENCE, own_login=True)))
