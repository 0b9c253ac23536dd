"""Makes the database, where DATABASE=aurora asks for one, and keeps its address as a secret."""

from collections.abc import Mapping

from infra.deploy import aurora, secrets
from infra.deploy.stack import DeployError
from infra.deploy.steps.step import Sitting
from shared.database.address import parsed
from shared.settings import Settings


def run(sitting: Sitting) -> None:
    settings = sitting.settings
    if settings.database != "aurora":
        return
    place, manager = sitting.place, sitting.client("secretsmanager")
    before = secrets.read(manager, place.prefix).get("database_url", "")
    if sitting.settings.database_url:
        raise DeployError("set DATABASE=aurora or DATABASE_URL, and not both")
    values = _values(sitting, settings)
    password = aurora.password_of(manager, place.prefix)
    sitting.say("Aurora takes some ten minutes the first time")
    name = aurora.stack_name(place.stack)
    found = aurora.bring_up(sitting.client("cloudformation"), name, values)
    if parsed(before).get("host") != found["Host"]:
        sitting.environment["DATABASE_URL"] = aurora.url(found["Host"], found["Port"], password)


def done(sitting: Sitting) -> str:
    """Tell when nobody wants one."""
    if sitting.settings.database == "aurora":
        return ""
    return "your own, of DATABASE_URL"


def wanted(sitting: Sitting) -> Mapping[str, str]:
    """Return the parameters of the stack that is wanted; empty where none is."""
    settings = sitting.settings
    return _values(sitting, settings) if settings.database == "aurora" else {}


def _values(sitting: Sitting, settings: Settings) -> Mapping[str, str]:
    key = sitting.stage.parameters.get("KmsKeyArn", "")
    return aurora.parameters(sitting.session, settings, sitting.place.prefix, key)
