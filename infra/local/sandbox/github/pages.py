"""The pages of the sandbox GitHub outside of its API: a person creates an App and installs it, and
logs lie where the API leads to."""

import html
import json
from http import HTTPStatus

from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from infra.local.sandbox.github.checks.views import log_signature
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.registration import Registration, checked_manifest
from infra.local.sandbox.github.sign_in import PersonSignIn
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.uploads import Uploads

_MAP = Map(
    [
        Rule("/settings/apps/new", methods=["POST"], endpoint="new"),
        Rule("/organizations/<organization>/settings/apps/new", methods=["POST"], endpoint="new"),
        Rule("/settings/apps/create", methods=["POST"], endpoint="create"),
        Rule("/apps/<slug>/installations/new", methods=["GET"], endpoint="ask"),
        Rule("/apps/<slug>/installations/new", methods=["POST"], endpoint="install"),
        Rule("/logs/<int:run>", methods=["GET"], endpoint="log"),
        Rule("/private-user-images/<key>", methods=["GET"], endpoint="picture"),
        Rule("/login/oauth/authorize", methods=["GET"], endpoint="sign_in"),
        Rule("/login/oauth/access_token", methods=["POST"], endpoint="exchange"),
    ],
    strict_slashes=False,
)
_FORM = '<form method="post" action="{action}">{fields}<button>{button}</button></form>'


class Pages:
    """Answers a browser; raises werkzeug's HTTPException for an address that it does not have."""

    def __init__(
        self,
        registration: Registration,
        state: SandboxState,
        sign_in: PersonSignIn,
        uploads: Uploads,
    ) -> None:
        self._uploads = uploads
        self._apps = registration
        self._people = sign_in
        self._state = state

    def answer(self, request: Request) -> Response:
        endpoint, values = _MAP.bind("").match(request.path, request.method)
        try:
            response: Response = getattr(self, f"_{endpoint}")(request, **values)
        except GitHubError as err:
            return _page(f"<p>{html.escape(err.body['message'])}</p>", err.status)
        return response

    def _new(self, request: Request, organization: str = "") -> Response:
        """Show the name of the App, which the person may change, and the button."""
        self._apps.owner(organization)
        text = request.form.get("manifest", "")
        name = str(checked_manifest(text).get("name", ""))
        fields = {"manifest": text, "state": request.args.get("state", ""), "name": name}
        fields["organization"] = organization
        return _page(_form("/settings/apps/create", fields, "Create GitHub App"))

    def _create(self, request: Request) -> Response:
        form = request.form
        keys = ("organization", "manifest", "name", "state")
        return redirect(self._apps.create(*(form.get(key, "") for key in keys)))

    def _ask(self, request: Request, slug: str) -> Response:
        return _page(_form(f"/apps/{slug}/installations/new", {}, "Install"))

    def _install(self, request: Request, slug: str) -> Response:
        self._apps.install(slug)
        return _page("<p>Installed.</p>")

    def _picture(self, request: Request, key: str) -> Response:
        return self._uploads.serve(request, key)

    def _sign_in(self, request: Request) -> Response:
        return self._people.authorize(request)

    def _exchange(self, request: Request) -> Response:
        told = self._people.exchange(request.form.to_dict())
        return Response(json.dumps(told), mimetype="application/json")

    def _log(self, request: Request, run: int) -> Response:
        """Give the log of a job to whoever has its address."""
        row = self._state.get("check_runs", run)
        if row is None or request.args.get("sig") != log_signature(row):
            return Response("The signature is wrong.", HTTPStatus.FORBIDDEN)
        return Response(row["log"], mimetype="text/plain")


def _form(action: str, fields: dict[str, str], button: str) -> str:
    inputs = "".join(
        f'<input name="{name}" value="{html.escape(value, quote=True)}">'
        for name, value in fields.items()
    )
    return _FORM.format(action=html.escape(action, quote=True), fields=inputs, button=button)


def _page(body: str, status: int = HTTPStatus.OK) -> Response:
    return Response(f"<!doctype html><title>GitHub</title>{body}", status, mimetype="text/html")
