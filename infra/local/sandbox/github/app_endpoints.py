"""The endpoints about the app, its installations, its webhook, and who the caller is."""

from infra.local.sandbox.github.call import Call, Listing, Reply
from infra.local.sandbox.github.errors import forbidden, not_found
from infra.local.sandbox.github.hooks import body_of, shown, shown_in_full
from shared.events import Json


def get_user(call: Call) -> Reply:
    if call.who.is_app or call.who.owner:
        # An installation token stands for no user: https://docs.github.com/rest/users/users
        raise forbidden()
    return Reply(call.site.views.own_account(call.who.login))


def get_rate_limit(call: Call) -> Reply:
    core = {"limit": 5000, "used": 0, "remaining": 5000, "reset": 0, "resource": "core"}
    return Reply({"resources": {"core": core, "search": core}, "rate": core})


def get_app(call: Call) -> Reply:
    call.as_app()
    return Reply(call.site.views.app())


def list_installations(call: Call) -> Reply:
    call.as_app()
    return Reply([call.site.views.installation(owner) for owner in _owners(call)])


def get_installation(call: Call, owner: str, name: str) -> Reply:
    call.as_app()
    repository = call.site.state.repository(f"{owner}/{name}")
    if repository is None or not repository["installed"]:
        raise not_found()
    return Reply(call.site.views.installation(repository["name"].partition("/")[0]))


def create_token(call: Call, number: int) -> Reply:
    call.as_app()
    for owner in _owners(call):
        if call.site.state.account(owner)["id"] == number:
            wanted = call.sent.get("permissions") if isinstance(call.sent, dict) else None
            permissions = wanted or call.site.views.app()["permissions"]
            token, ends = call.site.tokens.install(owner, permissions)
            body = {"token": token, "expires_at": ends, "permissions": permissions}
            return Reply({**body, "repository_selection": "selected"}, 201)
    raise not_found()


def list_deliveries(call: Call) -> Reply:
    call.as_app()
    return Reply(Listing(call.site.state.rows("deliveries")[::-1], shown))


def get_delivery(call: Call, number: int) -> Reply:
    row, hooks = _delivery(call, number), call.site.hooks
    headers = hooks.headers(row, body_of(row))
    return Reply(shown_in_full(row, headers, hooks.url))


def redeliver(call: Call, number: int) -> Reply:
    call.site.hooks.redeliver(_delivery(call, number))
    return Reply({}, 202)


def _delivery(call: Call, number: int) -> Json:
    call.as_app()
    row = call.site.state.get("deliveries", number)
    if row is None:
        raise not_found()
    return row


def _owners(call: Call) -> list[str]:
    installed = call.site.state.rows("repositories", installed=True)
    return sorted({row["name"].partition("/")[0] for row in installed})
