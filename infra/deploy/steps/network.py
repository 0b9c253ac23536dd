"""Checks the way to the database, before anything changes: its address, its network, itself."""

from collections.abc import Mapping

from infra.deploy import database, network
from infra.deploy.connections import Sum, connections, read_template
from infra.deploy.stack import DeployError, parameters
from infra.deploy.steps.step import Sitting
from shared.database.address import parsed
from shared.settings import Settings


def run(sitting: Sitting, stored: Mapping[str, str]) -> None:
    """Say what a person should know; raise DeployError with all that would fail. `stored` are the
    secret settings, those that are new among them."""
    place = sitting.place
    settings = sitting.settings._replace(**stored)
    held = connections(
        read_template(), parameters(place, sitting.deployed) | sitting.stage.parameters
    )
    problems, notes = database.address_problems(settings), []
    if settings.subnets:
        found = network.examine(sitting.session, _wish(settings, held))
        problems, notes = [*problems, *found.problems], found.notes
    facts = database.ask_function(sitting.client("lambda"), f"{place.stack}-schema")
    if facts is None:
        notes.append("the database itself is looked at when its function is there")
        facts = {"problems": [], "notes": []}
    for note in (*notes, *database.notes(facts, held)):
        sitting.say(f"note: {note}")
    if problems := [*problems, *database.problems(facts, held, settings)]:
        raise DeployError("\n".join(problems))


def _wish(settings: Settings, held: Sum) -> network.Wish:
    url = parsed(settings.database_url)
    models = [value for name, value in settings._asdict().items() if name.startswith("model_")]
    bedrock = network.MODELS if any("bedrock:" in value for value in models) else ()
    return network.Wish(
        settings.subnets.split(","),
        settings.security_groups.split(","),
        (*network.SERVICES, *bedrock),
        held.total,
        str(url.get("host", "")),
        int(url.get("port") or 5432),
    )
