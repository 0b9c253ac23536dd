"""Connects the deployment to GitHub: an App is registered, installed and pointed at the front door,
and GitHub delivers something to it."""

import re
import time
from collections.abc import Iterator, Mapping
from secrets import token_urlsafe

from infra.apps.github_app import ME, RegisteredApp
from infra.apps.github_rights import Rights
from infra.apps.github_setup import NotConnected, Registration, Wish, install, lacking
from infra.deploy.declared import declared_flows
from infra.deploy.stages import EXPECTED
from infra.deploy.steps.step import Sitting, left_out
from shared.errors import ActionUnavailable
from shared.github_app.deliveries import DeliveryList, HookDelivery
from shared.settings import Settings

_SITE = "https://github.com/apps"
#: How often a delivery is asked for again until it arrives, and seconds between two looks.
_TRIES, _LOOKS, _PACE = 4, 20, 1.0


class SittingKeys:
    """The App's credentials in Secrets Manager, beneath what the sitting is given."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting

    @property
    def settings(self) -> Settings:
        return self._sitting.connected

    def keep(self, values: Mapping[str, str]) -> None:
        self._sitting.credentials.keep(values)

    def keep_client(self, client_id: str, client_secret: str) -> None:
        values = {"client_id": client_id, "client_secret": client_secret}
        self._sitting.credentials.put("github-client", values)
        # The functions that sign people in read them too.
        self.keep({f"github_{name}": value for name, value in values.items()})


def registered(sitting: Sitting) -> str:
    """Tell if the App's keys are kept, or GitHub is left out."""
    keys = SittingKeys(sitting)
    settings = keys.settings
    if settings.github_token and not settings.github_app_id:
        return "a token is used in place of an App"
    if settings.github_app_id and settings.github_app_private_key:
        with RegisteredApp(settings) as app:
            slug = str(app.about()["slug"])
        name = settings.github_bot_name or slug
        keys.keep({"github_app_id": settings.github_app_id, "github_bot_name": name})
        return f"the App {slug} is registered"
    return left_out(sitting, "github") if _owner(sitting) == "no" else ""


def register(sitting: Sitting) -> None:
    owner = _owner(sitting)
    name = sitting.place.stack if owner == ME else f"{sitting.place.stack}-{owner}"
    wish = Wish(name, owner, _wanted(), _hook(sitting), _SITE, _sign_in(sitting))
    Registration(sitting.person, sitting.state, SittingKeys(sitting), wish).run()


def left(sitting: Sitting) -> str:
    """Tell if there is no App to install and try."""
    return "" if _has_app(sitting) else left_out(sitting, "github")


def install_app(sitting: Sitting) -> None:
    """Wait for an installation; tell what the App lacks; point its webhook at the front door."""
    keys = SittingKeys(sitting)
    settings = keys.settings
    with RegisteredApp(settings) as app:
        about = app.about()
        found = install(sitting.person, app, about)
        sitting.say(f"installed on {found['account']['login']}")
        for line in lacking(app, about, _wanted()):
            sitting.say(f"note: {line}")
        secret = settings.github_webhook_secret
        if not secret:
            secret = token_urlsafe(32)
            keys.keep({"github_webhook_secret": secret})
        if not settings.github_webhook_secret or app.hook() != _hook(sitting):
            app.set_hook(_hook(sitting), secret)
            sitting.say(f"the App's webhook is {_hook(sitting)} now")


def changes(sitting: Sitting) -> Iterator[str]:
    """Say what of the App is not as this code wants it; ask GitHub, and no person."""
    settings, wanted = SittingKeys(sitting).settings, _wanted()
    if not (settings.github_app_id and settings.github_app_private_key):
        owner = sitting.stage.github or sitting.state.get("choices", "github", "")
        if owner != "no" and not settings.github_token:
            yield f"an App is registered where you want one: {wanted}"
        return
    with RegisteredApp(settings) as app:
        about = app.about()
        yield from lacking(app, about, wanted)
        if more := wanted.lacking(Rights.of_app(about)):
            page = app.page(about, "/permissions")
            yield f"the App {about['slug']} has {more}, which no flow needs; it stays, see {page}"
        if (now := app.hook()) != (hook := _hook(sitting)):
            yield f"its webhook: {now or 'none'} → {hook}"


def prove(sitting: Sitting) -> str:
    """Let GitHub deliver something once more, until our front door answers 200, and say where to
    say hi; raises NotConnected."""
    settings = SittingKeys(sitting).settings
    with RegisteredApp(settings) as app:
        deliveries = DeliveryList.of_app(settings)
        try:
            newest = _newest(deliveries)
            for number in range(_TRIES):
                if newest is None:
                    break
                if newest.arrived:
                    sitting.say(f"GitHub: its {newest.event} arrived, and was answered 200")
                    return f"open an issue where the App {app.about()['slug']} is installed"
                if newest.code in {401, 403} and number == 1:
                    # The App signs with another secret than ours.
                    app.set_hook(_hook(sitting), settings.require("github_webhook_secret"))
                newest = _again(sitting, deliveries, newest)
        finally:
            deliveries.close()
        raise NotConnected(_no_proof(app, newest))


def _again(sitting: Sitting, deliveries: DeliveryList, last: HookDelivery) -> HookDelivery:
    """Let GitHub deliver it again, and wait for what comes of it."""
    sitting.say(f"GitHub delivered {last.event} and got {last.code or last.status}; once more")
    deliveries.redeliver(last)
    found = last
    for _ in range(_LOOKS):
        time.sleep(_PACE)
        try:
            found = _newest(deliveries) or last
        except ActionUnavailable:
            continue
        if found.id != last.id and found.status != "pending":
            break
    return found


def _newest(deliveries: DeliveryList) -> HookDelivery | None:
    for page in deliveries.pages(1):
        return page.rows[0] if page.rows else None
    return None


def _no_proof(app: RegisteredApp, last: HookDelivery | None) -> str:
    page = app.page(app.about())
    if last is None:
        return (
            "GitHub lists no delivery: look whether the webhook is active at"
            f" {page}, open an issue, and run this again"
        )
    return (
        f"GitHub's {last.event} was answered {last.code or last.status}; see {page}/advanced, and"
        " the log of the ingress"
    )


def _has_app(sitting: Sitting) -> bool:
    settings = SittingKeys(sitting).settings
    return bool(settings.github_app_id and settings.github_app_private_key)


def _owner(sitting: Sitting) -> str:
    """Return who gets the App: an organisation, ME, or `no`. A person is asked once."""
    if given := sitting.stage.github or sitting.state.get("choices", "github", ""):
        return str(given)
    if not sitting.person.is_there:
        return "no"
    question = "GitHub: the organisation that gets the App (@me: your own account, no: none)"
    pattern, expected = EXPECTED["github"]
    while not re.fullmatch(pattern, owner := sitting.person.ask(question, "no")):
        sitting.say(f"{owner!r} is wrong; expected {expected}, as in github.com/ORGANISATION")
    sitting.state.put("choices", github=owner)
    return owner


def _wanted() -> Rights:
    return Rights.of(declared_flows().values())


def _hook(sitting: Sitting) -> str:
    return sitting.outputs["GitHubWebhookUrl"]


def _sign_in(sitting: Sitting) -> tuple[str, ...]:
    """Return where people come back who prove their accounts, or sign in to the console."""
    door = _hook(sitting).removesuffix("/github/webhook")
    return f"{door}/link/done", f"{door}/console/signed-in"
