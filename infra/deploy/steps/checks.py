"""Checks what a deployment needs, before it changes anything: settings, credentials, the clock."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from infra.bundle.build import TemplateText
from infra.configuration.destinations import is_here, left_out, out_of_reach
from infra.configuration.dotenv_file import read_file
from infra.deploy import aurora, clock, kept, rollouts, secrets, states
from infra.deploy.stack import DeployError
from infra.deploy.steps import network
from infra.deploy.steps.step import Sitting
from infra.migrations.logins import ROLES
from infra.project import ROOT
from shared.people.addresses import api_url
from shared.settings import Settings


def run(sitting: Sitting) -> None:
    place = sitting.place
    sitting.say(
        f"account {sitting.account}, region {place.region}, stack {place.stack}, {place.runtime}"
    )
    client = sitting.client("cloudformation")
    for name in (place.stack, place.schema, aurora.stack_name(place.stack)):
        states.check_changeable(client, name)
    kept.checked(sitting.deployed)
    rollouts.read(sitting.client("ssm"), place.prefix)
    before = secrets.read(sitting.client("secretsmanager"), place.prefix)
    _ask_for_database(sitting, before)
    for line in left_out(read_file(ROOT / sitting.stage.settings).values):
        sitting.say(f"note: {line}")
    _say_what_is_left_behind(sitting)
    after = {**before, **secrets.given(sitting.settings)}
    problems = missing(sitting.settings, after)
    problems += [*out_of_reach(sitting.environment), *_unshipped(sitting.settings)]
    if problems := [*problems, *_clocks(sitting)]:
        raise DeployError("; ".join(problems))
    network.run(sitting, after)


def _say_what_is_left_behind(sitting: Sitting) -> None:
    """Tell of a deployment of an earlier version what is not taken over."""
    client, stack = sitting.client("cloudformation"), sitting.place.stack
    for one in kept.left_behind(client, stack, TemplateText(ROOT).parameters):
        sitting.say(
            f"note: the stack has {one}, which is no setting any more; see docs/settings.md"
        )


def _unshipped(settings: Settings) -> Iterator[str]:
    """Name the embedder that no bundle ships."""
    template = TemplateText(ROOT)
    parts = {part for name in template.functions for part in template.function(name).parts}
    if settings.model_embed == "minilm" and "embedder" not in parts:
        yield "MODEL_EMBED is minilm, which ships with functions that have Parts: [embedder] alone"


def _clocks(sitting: Sitting) -> Iterator[str]:
    """Compare our clock with AWS's, and with GitHub's where an App will sign by it."""
    yield from filter(None, [clock.difference(sitting.dated, "AWS")])
    if sitting.settings.github_app_id or sitting.stage.github not in {"", "no"}:
        yield from filter(None, [clock.of_server(api_url(sitting.settings), "GitHub")])


def _ask_for_database(sitting: Sitting, before: Mapping[str, str]) -> None:
    """Let a person paste the database's address, which goes to Secrets Manager and nowhere else."""
    if before.get("database_url") or sitting.settings.database_url or sitting.settings.database:
        return
    if sitting.person.is_there:
        sitting.environment["DATABASE_URL"] = sitting.person.secret(
            "DATABASE_URL of the login that owns it, such as"
            " postgresql://user:password@host/name?sslmode=verify-full:"
        )


def missing(settings: Settings, stored: Mapping[str, str]) -> list[str]:
    """List what is needed and neither set nor stored. A platform may be connected later."""
    problems = []
    if not (stored.get("database_url") or settings.database):
        problems.append("DATABASE_URL is not set")
    for name in ("database_url", *(f"database_{kind}_url" for kind in ROLES)):
        url = getattr(settings, name)
        if url and ((host := urlsplit(url).hostname) is None or is_here(host)):
            on = host or "this machine"
            problems.append(f"{name.upper()} is on {on}, which AWS cannot reach")
    # The secret of an App's webhook is set for it; that of a repository's is a person's to tell.
    token = stored.get("github_token") and not stored.get("github_app_private_key")
    if token and not stored.get("github_webhook_secret"):
        problems.append("GITHUB_WEBHOOK_SECRET is not set")
    makes_slack = bool(settings.slack_configuration_token)
    if stored.get("slack_bot_token") and not (stored.get("slack_signing_secret") or makes_slack):
        problems.append("SLACK_SIGNING_SECRET is not set")
    if settings.github_app_private_key and not settings.github_app_id:
        problems.append("GITHUB_APP_PRIVATE_KEY is set, but not GITHUB_APP_ID")
    return problems
