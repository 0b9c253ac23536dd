"""The endpoints about the app, its installations, its webhook, and who the caller is."""

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import GitHubError, forbidden, not_found
from infra.local.sandbox.github.hooks import body_of, shown, shown_in_full
from infra.local.sandbox.github.state import app_slug
from shared.events import Json


def get_user(call: Call) -> ApiReply:
    if call.who.is_app or call.who.owner:
        # An installation token stands for no user: https://docs.github.com/rest/users/users
        raise forbidden()
    return ApiReply(call.site.views.own_account(call.who.login))


def get_rate_limit(call: Call) -> ApiReply:
    core = {"limit": 5000, "used": 0, "remaining": 5000, "reset": 0, "resource": "core"}
    return ApiReply({"resources": {"core": core, "search": core}, "rate": core})


def get_app(call: Call) -> ApiReply:
    return ApiReply(call.site.views.app(call.app))


def convert_manifest(call: Call, code: str) -> ApiReply:
    return ApiReply(call.site.registration.convert(code), 201)


def get_hook(call: Call) -> ApiReply:
    return ApiReply(_hook_config(call))


def set_hook(call: Call) -> ApiReply:
    """Change the webhook of an App that was registered from a manifest."""
    app, fields = call.app, call.fields
    names = {"url", "secret", "content_type"} & fields.keys()
    if "hook" in app:
        hook = {**app["hook"], **{name: fields[name] for name in names}}
        call.site.state.change("app", app, hook=hook)
    return ApiReply(_hook_config(call))


def _hook_config(call: Call) -> Json:
    hook = call.app.get("hook") or {"url": call.site.hooks.url, "content_type": "json"}
    shown = {name: hook[name] for name in ("url", "content_type")}
    return {**shown, "secret": "********", "insecure_ssl": "0"}


def list_installations(call: Call) -> ApiReply:
    app = call.app
    return ApiReply([call.site.views.installation(owner, app) for owner in _owners(call)])


def list_own(call: Call) -> ApiReply:
    """List the repositories that a person may write to."""
    if call.who.is_app or call.who.owner:
        raise forbidden()
    state = call.site.state
    rows = [r for r in state.rows("repositories") if state.may_write(r, call.who.login)]
    return ApiReply(Listing(rows, call.site.views.repository))


def list_reached(call: Call) -> ApiReply:
    """List a page of the repositories that the token of an installation is for."""
    if not call.who.owner:
        raise forbidden()
    state, login = call.site.state, call.who.login
    rows = [row for row in state.rows("repositories") if state.acts_for(login, row)]
    found = [row for row in rows if call.who.reaches(row["name"])]
    size, page = call.number("per_page", 30, 100), call.number("page", 1, 10_000)
    shown = found[(page - 1) * size : page * size]
    body = {"repositories": [call.site.views.repository(row) for row in shown]}
    return ApiReply({"total_count": len(found), "repository_selection": "all", **body})


def get_installation(call: Call, owner: str, name: str) -> ApiReply:
    repository, bot = call.site.state.repository(f"{owner}/{name}"), _bot(call)
    if repository is None or not call.site.state.acts_for(bot, repository):
        raise not_found()
    account = repository["name"].partition("/")[0]
    return ApiReply(call.site.views.installation(account, call.app))


def create_token(call: Call, number: int) -> ApiReply:
    """Give out a token; as asked for, with fewer permissions and for some repositories only."""
    app = call.app
    for owner in _owners(call):
        if call.site.views.installation(owner, app)["id"] == number:
            wanted = call.fields if call.sent is not None else {}
            permissions = wanted.get("permissions") or app["permissions"]
            repositories = _repositories(call, owner, wanted.get("repositories"))
            token, ends = call.site.tokens.install(app, owner, permissions, repositories)
            body = {"token": token, "expires_at": ends, "permissions": permissions}
            return ApiReply({**body, "repository_selection": "selected"}, 201)
    raise not_found()


def _repositories(call: Call, owner: str, names: object) -> list[str] | None:
    """Return the wanted repositories as `owner/name`, None for all."""
    if names is None:
        return None
    installed = {row["name"] for row in _reached(call)}
    wanted = [f"{owner}/{name}" for name in names] if isinstance(names, list) else []
    if not wanted or not installed.issuperset(wanted):
        raise GitHubError(
            422,
            "There is at least one repository that does not exist or is not accessible to the"
            " parent installation.",
        )
    return wanted


def list_deliveries(call: Call) -> ApiReply:
    return ApiReply(Listing(_deliveries(call, call.app)[::-1], shown, cursor=True))


def get_delivery(call: Call, number: int) -> ApiReply:
    row, hooks = _delivery(call, number), call.site.hooks
    headers = hooks.headers(row, body_of(row))
    return ApiReply(shown_in_full(row, headers, hooks.address(row)))


def redeliver(call: Call, number: int) -> ApiReply:
    call.site.hooks.redeliver(_delivery(call, number))
    return ApiReply({}, 202)


def _delivery(call: Call, number: int) -> Json:
    app, row = call.app, call.site.state.get("deliveries", number)
    if row is None or row not in _deliveries(call, app):
        raise not_found()
    return row


def _owners(call: Call) -> list[str]:
    app = call.app
    if "hook" in app:
        return sorted(row["owner"] for row in call.site.state.rows("installations", app=app["id"]))
    return sorted({row["name"].partition("/")[0] for row in _reached(call)})


def _reached(call: Call) -> list[Json]:
    """Return the repositories that the calling app is installed on."""
    state, bot = call.site.state, _bot(call)
    return [row for row in state.rows("repositories") if state.acts_for(bot, row)]


def _bot(call: Call) -> str:
    return f"{app_slug(call.app)}[bot]"


def _deliveries(call: Call, app: Json) -> list[Json]:
    """Return the app's deliveries, oldest first."""
    first = call.site.tokens.app_id
    rows = call.site.state.rows("deliveries")
    return [row for row in rows if row.get("app", first) == app["id"]]
