"""Finds, for a name of a Bedrock model, one that can be called in this region."""

import re
from difflib import get_close_matches
from typing import NamedTuple

from infra.deploy.models.catalog import BedrockCatalog, InferenceProfile

_ARN = re.compile(r"arn:aws[\w-]*:bedrock:([a-z0-9-]+):[0-9]*:([a-z-]+)/(.+)")
#: An inference profile begins with where it may run.
_PLACE = re.compile(r"^(?:us-gov|global|apac|us|eu|jp|au|ca|sa|me|af|il|mx|in)\.")


class ResolvedModel(NamedTuple):
    """The `name` to use; a `problem` says why it cannot be used, a `note` what to know of it."""

    name: str
    problem: str = ""
    note: str = ""


def resolve(name: str, catalog: BedrockCatalog) -> ResolvedModel:
    """Return `name`, which begins with `bedrock:`, or the one that works in its place."""
    id, rest = _split(name.removeprefix("bedrock:"))
    found = _of_arn(id, catalog) if id.startswith("arn:") else _of_id(id, catalog)
    return found._replace(name=f"bedrock:{found.name}{rest}")


def _split(text: str) -> tuple[str, str]:
    """Split off what says the model behind a profile, or the dimensions."""
    end = re.search(r"[#@]", text)
    return (text[: end.start()], text[end.start() :]) if end else (text, "")


def _of_arn(arn: str, catalog: BedrockCatalog) -> ResolvedModel:
    found = _ARN.fullmatch(arn)
    if not found:
        return ResolvedModel(arn, "is no ARN of Bedrock")
    region, kind, id = found.groups()
    if region != catalog.region:
        return ResolvedModel(arn, f"is in {region}, and the deployment in {catalog.region}")
    if kind == "foundation-model":
        found_model = _of_id(id, catalog)
        return found_model if found_model.name != id else found_model._replace(name=arn)
    if kind not in {"inference-profile", "application-inference-profile"}:
        return ResolvedModel(arn, note="is nothing that Bedrock lists; the trial tells")
    profile = catalog.profile(arn)
    if profile is None:
        return ResolvedModel(arn, f"names no profile of this account in {catalog.region}")
    return _usable(arn, profile, catalog)


def _of_id(id: str, catalog: BedrockCatalog) -> ResolvedModel:
    if profile := catalog.profiles.get(id):
        return _usable(id, profile, catalog)
    model = catalog.models.get(id)
    if model and model.on_demand:
        note = _legacy(id, catalog)
        return ResolvedModel(id, catalog.refusal(id), note)
    plain = _PLACE.sub("", id)
    if better := _profile_for(plain, catalog):
        return _usable(better.id, better, catalog)
    if plain != id and plain in catalog.models and catalog.models[plain].on_demand:
        return ResolvedModel(plain, catalog.refusal(plain), _legacy(plain, catalog))
    if model:
        return ResolvedModel(
            id, f"cannot be called on demand, and {catalog.region} has no inference profile for it"
        )
    near = get_close_matches(plain, [*catalog.models, *catalog.profiles], 3, 0.6)
    nearest = f"; near: {', '.join(near)}" if near else ""
    return ResolvedModel(id, f"is unknown to Bedrock in {catalog.region}{nearest}")


def _profile_for(model: str, catalog: BedrockCatalog) -> InferenceProfile | None:
    """Return the profile for a model that stays nearest: in a part of the world before anywhere."""
    fitting = [
        profile
        for profile in catalog.profiles.values()
        if profile.active and model in {*profile.models, _PLACE.sub("", profile.id)}
    ]
    return min(fitting, key=lambda one: (one.id.startswith("global."), one.id), default=None)


def _usable(name: str, profile: InferenceProfile, catalog: BedrockCatalog) -> ResolvedModel:
    if not profile.active:
        return ResolvedModel(name, "is not active")
    notes = ["may run anywhere in the world"] if profile.id.startswith("global.") else []
    notes += filter(None, (_legacy(model, catalog) for model in profile.models))
    refusals = filter(None, (catalog.refusal(model) for model in profile.models))
    return ResolvedModel(name, next(refusals, ""), "; ".join(notes))


def _legacy(model: str, catalog: BedrockCatalog) -> str:
    known = catalog.models.get(model)
    return (
        f"{model} is legacy: AWS will retire it, so choose a newer one"
        if known and known.legacy
        else ""
    )
