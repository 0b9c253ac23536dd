"""The step of ./scripts/deploy that finds models which work, and tries them."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from infra.deploy import secrets
from infra.deploy.models.catalog import BedrockCatalog, CatalogUnknown
from infra.deploy.models.naming import SETTINGS, names_in, proposals, renamed
from infra.deploy.models.resolving import ResolvedModel, resolve
from infra.deploy.models.trial import HERE, TrialResult, tried
from infra.deploy.stack import DeployError
from infra.deploy.steps.step import Sitting
from shared.settings import Settings

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_KEYS = ("openai_api_key", "anthropic_api_key")


def run(sitting: Sitting) -> None:
    """Name working models in the settings of this sitting, and call each once.

    Raises DeployError when a setting names no model that works.
    """
    place = sitting.place
    settings = sitting.deployed
    chosen = choose(settings, BedrockCatalog(sitting.client("bedrock")))
    for line in chosen.said:
        sitting.say(line)
    if chosen.changed and sitting.person.agrees("Use these models?"):
        sitting.environment |= chosen.changed
        settings |= chosen.changed
    stored = secrets.read(sitting.client("secretsmanager"), place.prefix)
    keys = {name.upper(): stored[name] for name in _KEYS if stored.get(name)}
    known = Settings.from_environment({**keys, **settings, **sitting.environment})
    if problems := try_all(sitting, settings, known, chosen.refused):
        raise DeployError("\n".join(("these models do not work:", *problems)))


class ModelsChosen(NamedTuple):
    """The settings to change, what to tell the person, and why Bedrock refuses a name."""

    changed: dict[str, str]
    said: list[str]
    refused: dict[str, str]


def choose(settings: Mapping[str, str], catalog: BedrockCatalog) -> ModelsChosen:
    """Replace each Bedrock model in the settings by a name that works in the region; propose models
    where none are set."""
    chosen = ModelsChosen({}, [], {})
    try:
        for setting in SETTINGS:
            _choose_for(setting, settings.get(setting, ""), catalog, chosen)
        if not any(settings.get(one, "offline") != "offline" for one in SETTINGS[:2]):
            for setting, proposed in proposals(settings, catalog).items():
                chosen.changed[setting] = proposed.name
                chosen.said.append(f"  {setting}={proposed.name}, which this account may use")
                chosen.said.extend(_noted(setting, proposed))
    except CatalogUnknown as err:
        chosen.said.append(f"  {err}; the models are tried as they are named")
    return chosen


def _choose_for(setting: str, text: str, catalog: BedrockCatalog, chosen: ModelsChosen) -> None:
    found = _resolved(setting, text, catalog)
    better = {name: one.name for name, one in found.items()}
    for name, one in found.items():
        chosen.said.extend(_noted(setting, one))
        if one.problem:
            chosen.refused[name] = chosen.refused[one.name] = f"{name} {one.problem}"
    if any(name != other for name, other in better.items()):
        chosen.changed[setting] = renamed(text, lambda name: better.get(name, name))
        chosen.said.append(f"  {setting}={chosen.changed[setting]}, as {catalog.region} wants it")


def _resolved(setting: str, text: str, catalog: BedrockCatalog) -> dict[str, ResolvedModel]:
    names = [name for _, name in names_in({setting: text}) if name.startswith("bedrock:")]
    return {name: resolve(name, catalog) for name in names}


def _noted(setting: str, found: ResolvedModel) -> list[str]:
    return [f"  {setting}: {found.name}: {found.note}"] if found.note else []


class ModelSitting(Protocol):
    """What a trial asks of a sitting."""

    def client(self, service: str) -> Any: ...

    def say(self, line: str) -> None: ...


def try_all(
    sitting: ModelSitting, named: Mapping[str, str], settings: Settings, refused: Mapping[str, str]
) -> list[str]:
    """Call each model once; return what went wrong with those that no setting can do without."""
    results: dict[str, TrialResult] = {}
    by_setting: dict[str, list[str]] = {}
    for setting, name in names_in(named):
        by_setting.setdefault(setting, []).append(name)
        if name in HERE or name in results:
            continue
        known = refused.get(name) or on_this_machine(name, settings)
        results[name] = (
            TrialResult(known)
            if known
            else tried(setting, name, settings, lambda: sitting.client("bedrock-runtime"))
        )
        sitting.say(f"  {_line(name, results[name])}")
    costs = [found.cost or 0.0 for found in results.values()]
    if costs:
        sitting.say(f"  tried {len(costs)} models for ${sum(costs):.6f}, where the price is known")
    return [
        f"  {setting}: {results[names[0]].problem}"
        for setting, names in by_setting.items()
        if all(name in results and _fails(results[name]) for name in names)
    ]


def _fails(result: TrialResult) -> bool:
    return bool(result.problem) and not result.passing


def _line(name: str, result: TrialResult) -> str:
    if result.problem:
        return result.problem
    cost = (
        "price unknown; MODEL_PRICES can name it" if result.cost is None else f"${result.cost:.7f}"
    )
    return f"{name} answers in {result.seconds:.1f} s ({cost})"


def on_this_machine(name: str, settings: Settings) -> str:
    """Say that a model is on this machine, where no function reaches it; else ''."""
    kind = name.partition(":")[0]
    address = {
        "ollama": settings.ollama_host or "http://127.0.0.1:11434",
        "openai": settings.openai_base_url,
        "anthropic": settings.anthropic_base_url,
        **dict.fromkeys(("http", "https"), name),
    }.get(kind, "")
    host = urlsplit(address if "://" in address else f"//{address}").hostname
    return f"{name}: it is on this machine, which AWS cannot reach" if host in _LOOPBACK else ""
