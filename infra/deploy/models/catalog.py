"""Asks Bedrock's control plane what this account may use in its region.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import AgentFlowsError


class CatalogUnknown(AgentFlowsError):
    """Bedrock does not say what it offers."""


class FoundationModel(NamedTuple):
    """`on_demand` says that it can be called by its own id; others need an inference profile."""

    id: str
    on_demand: bool
    legacy: bool


class InferenceProfile(NamedTuple):
    """A name that Bedrock routes to its `models`, in one region or in several."""

    id: str
    models: tuple[str, ...]
    active: bool = True


class BedrockCatalog:
    """`client` is boto3's of `bedrock`. Each list is read once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.region: str = client.meta.region_name

    @cached_property
    def models(self) -> dict[str, FoundationModel]:
        with self._asking("bedrock:ListFoundationModels"):
            rows = self._client.list_foundation_models()["modelSummaries"]
        return {row["modelId"]: _model(row) for row in rows}

    @cached_property
    def profiles(self) -> dict[str, InferenceProfile]:
        """The profiles that Bedrock defines, by id."""
        found = {}
        token: dict[str, str] = {}
        seen: set[str] = set()
        while True:
            with self._asking("bedrock:ListInferenceProfiles"):
                answer = self._client.list_inference_profiles(
                    typeEquals="SYSTEM_DEFINED", maxResults=1000, **token
                )
            for row in answer["inferenceProfileSummaries"]:
                found[row["inferenceProfileId"]] = _profile(row)
            following = answer.get("nextToken", "")
            if not following or following in seen:
                return found
            seen.add(following)
            token = {"nextToken": following}

    def profile(self, arn: str) -> InferenceProfile | None:
        """Return the profile with this ARN; None when there is none."""
        try:
            with self._asking("bedrock:GetInferenceProfile"):
                row = self._client.get_inference_profile(inferenceProfileIdentifier=arn)
        except ClientError:
            return None
        return _profile(row)

    def refusal(self, model: str) -> str:
        """Say why the account may not use a foundation model; '' when it may, or nobody knows."""
        try:
            found = self._client.get_foundation_model_availability(modelId=model)
        except (BotoCoreError, ClientError):
            return ""  # the trial tells
        if found.get("regionAvailability") == "NOT_AVAILABLE":
            return f"is not offered in {self.region}"
        agreement = found.get("agreementAvailability", {}).get("status", "AVAILABLE")
        if agreement != "AVAILABLE" or found.get("entitlementAvailability") == "NOT_AVAILABLE":
            return (
                "is not open to this account: ask for it in the Bedrock console under Model access"
                " (for Anthropic with its form on first use)"
            )
        if found.get("authorizationStatus") == "NOT_AUTHORIZED":
            return (
                "is not allowed to these credentials; a policy of the account or the organisation"
                " denies it"
            )
        return ""

    @contextmanager
    def _asking(self, action: str) -> Iterator[None]:
        """Turn failures into CatalogUnknown, but for an answer that there is no such thing."""
        try:
            yield
        except ClientError as err:
            code = err.response["Error"]["Code"]
            if code in {"ResourceNotFoundException", "ValidationException"}:
                raise
            advice = (
                f"give your credentials {action}"
                if "AccessDenied" in code
                else "try again in a minute"
                if "Throttling" in code
                else "look at your AWS credentials"
            )
            raise CatalogUnknown(f"Bedrock in {self.region} refuses ({code}); {advice}") from err
        except (BotoCoreError, KeyError, TypeError) as err:
            raise CatalogUnknown(
                f"Bedrock does not answer in {self.region} ({type(err).__name__});"
                " is it offered there? https://docs.aws.amazon.com/general/latest/gr/bedrock.html"
            ) from err


def _model(row: Any) -> FoundationModel:
    legacy = row.get("modelLifecycle", {}).get("status") == "LEGACY"
    return FoundationModel(
        row["modelId"], "ON_DEMAND" in row.get("inferenceTypesSupported", ()), legacy
    )


def _profile(row: Any) -> InferenceProfile:
    models = (str(model["modelArn"]).rpartition("/")[2] for model in row.get("models", ()))
    return InferenceProfile(
        row["inferenceProfileId"],
        tuple(dict.fromkeys(models)),
        row.get("status", "ACTIVE") == "ACTIVE",
    )
