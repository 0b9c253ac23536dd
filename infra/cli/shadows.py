"""Opens shadows of recorded runs for the commands that live them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from infra.cli.system import KnownSystem, database_url
from infra.project import flow_modules, from_caller
from shared.agent.flow import Flow
from shared.database import OPERATOR, ROLE, Database
from shared.errors import SettingsError
from shared.runtime.shadow.models import ShadowModels
from shared.runtime.shadow.shadowing import Shadowing


def flow_of(name: str) -> Flow:
    """Return the flow of a name; raises SettingsError for one that is not there."""
    for module in flow_modules().values():
        if isinstance(found := getattr(import_module(module), name, None), Flow):
            return found
    raise SettingsError(f"there is no flow {name!r}")


@contextmanager
def shadowing_of(
    known: KnownSystem, flow: Flow, models: ShadowModels | None = None
) -> Iterator[tuple[Shadowing, Database]]:
    """Open the shadows of a flow, and the database that has its runs."""
    settings = known.settings
    role = OPERATOR if flow.operator else ROLE
    with (
        Database(database_url(known), role=role) as database,
        Shadowing(flow, settings, database, models=models) as shadows,
    ):
        yield shadows, database


def text_of(path: Path | None) -> str | None:
    """Return the text of a file that a person names, None for none; raises SettingsError for one
    that is empty or no text."""
    if path is None:
        return None
    try:
        text = from_caller(path).read_text("utf-8").strip()
    except UnicodeDecodeError as err:
        raise SettingsError(f"{path} is no UTF-8 text") from err
    if not text:
        raise SettingsError(f"{path} is empty")
    return text
