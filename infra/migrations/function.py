"""The function of `<stack>-schema`: `./scripts/deploy` invokes it before the others change."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from infra.migrations.applying import Asked, attempt
from infra.migrations.checking import check
from infra.migrations.files import migrations
from infra.migrations.logins import given_urls, kept_urls
from infra.migrations.progress import progress
from infra.migrations.record import make, recorded, release
from shared.aws.secrets import function_settings
from shared.database import connect
from shared.events import Json
from shared.settings import Settings


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Json, context: Context) -> Json:
    """Migrate, and make the other functions' logins; or do the one thing that the event names.

    `{"check": true}` looks whether the database can carry the system; `{"progress": true,
    "attempt": ID}` tells how far the migrations are, and with `"record": true` also which the
    database had. `{"live": "this"}` records that no code older than this is live; `{"live":
    "older"}` that it is again.
    """
    for name, answer in _OTHERS.items():
        if event.get(name):
            return answer(function_settings(), event)
    settings = function_settings()
    outcome = attempt(
        settings.require("database_url"),
        Asked(
            id=str(event.get("attempt", "")),
            logins=kept_urls(settings.login_secrets) or given_urls(settings),
            wait=False,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
        ),
    )
    return outcome._asdict() if outcome else {"applied": [], "busy": True}


def _progress(settings: Settings, event: Mapping[str, Any]) -> Json:
    url, id = settings.require("database_url"), str(event.get("attempt", ""))
    if event.get("record"):  # of other files than ours, which may not fit to it
        with connect(url) as connection:
            return {"record": recorded(connection)._asdict()}
    return progress(url, id)._asdict()


def _live(settings: Settings, event: Mapping[str, Any]) -> Json:
    url = settings.require("database_url")
    with connect(url) as connection:
        make(connection)
        release(connection, migrations() if event["live"] == "this" else [])
    return {"live": event["live"]}


def _check(settings: Settings, event: Mapping[str, Any]) -> Json:
    return check(settings.require("database_url"))


_OTHERS: Mapping[str, Callable[[Settings, Mapping[str, Any]], Json]] = {
    "check": _check,
    "progress": _progress,
    "live": _live,
}
