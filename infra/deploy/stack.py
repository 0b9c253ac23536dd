"""The steps of a deployment that SAM and AWS do, and their parameters."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from infra.deploy.secrets import Stored
from infra.project import ROOT
from shared.errors import AgentFlowsError

#: The parameters of template.yaml that are settings; one that is not set stays as it was deployed.
_SETTINGS = {
    "GitHubAppId": "GITHUB_APP_ID",
    "GitHubApiUrl": "GITHUB_API_URL",
    "GitHubBotName": "GITHUB_BOT_NAME",
    "SlackApiUrl": "SLACK_API_URL",
    "ModelSmall": "MODEL_SMALL",
    "ModelLarge": "MODEL_LARGE",
    "ModelEmbed": "MODEL_EMBED",
    "ModelRoles": "MODEL_ROLES",
    "ModelPrices": "MODEL_PRICES",
    "ModelLimits": "MODEL_LIMITS",
    "Budgets": "BUDGETS",
    "PromptCache": "PROMPT_CACHE",
    "PromptCacheHours": "PROMPT_CACHE_HOURS",
    "PromptCacheMb": "PROMPT_CACHE_MB",
    "AnthropicBaseUrl": "ANTHROPIC_BASE_URL",
    "OpenAiBaseUrl": "OPENAI_BASE_URL",
    "OllamaHost": "OLLAMA_HOST",
    "Tenants": "TENANTS",
    "Repositories": "REPOSITORIES",
    "ApproverDiffers": "APPROVER_DIFFERS",
    "Footer": "FOOTER",
    "LinkHosts": "LINK_HOSTS",
    "RetentionDays": "RETENTION_DAYS",
    "MemoryUnusedDays": "MEMORY_UNUSED_DAYS",
    "Audiences": "AUDIENCES",
    "Places": "PLACES",
    "MemoryRetention": "MEMORY_RETENTION",
    "BatchBucket": "BATCH_BUCKET",
    "BatchRoleArn": "BATCH_ROLE_ARN",
}


class DeployError(AgentFlowsError):
    pass


class Destination(NamedTuple):
    """The stack and the account to deploy to, and its Python."""

    stack: str
    prefix: str
    runtime: str
    architecture: str
    profile: str = ""
    region: str = ""

    @property
    def account_options(self) -> list[str]:
        profile = ["--profile", self.profile] if self.profile else []
        return [*profile, "--region", self.region] if self.region else profile


def parameters(
    place: Destination, environment: Mapping[str, str], stored: Stored
) -> dict[str, str]:
    """Return the parameters of template.yaml that the destination, the settings and the secrets
    give."""
    values = {
        "Runtime": place.runtime,
        "Architecture": place.architecture,
        "SecretPrefix": place.prefix,
        "SecretsVersion": stored.versions,
        "GitHubAuth": _github(stored),
        "SlackAuth": "bot" if stored.has("slack", "bot_token") else "none",
        "ApiAuth": "tokens" if stored.has("api", "tokens") else "none",
        "ModelAuth": _models(stored),
    }
    chosen = {p: environment[name] for p, name in _SETTINGS.items() if name in environment}
    return values | chosen


def _github(stored: Stored) -> str:
    if stored.has("github", "app_private_key"):
        return "app"
    return "token" if stored.has("github", "token") else "none"


def _models(stored: Stored) -> str:
    keys = [name for name in ("openai", "anthropic") if stored.has("models", f"{name}_api_key")]
    return "both" if len(keys) == 2 else keys[0] if keys else "none"


def overrides(values: Mapping[str, str]) -> list[str]:
    """Write parameters as the SAM command line reads them."""
    return [f"{name}=" + '"{}"'.format(value.replace('"', r"\"")) for name, value in values.items()]


def sam_commands(place: Destination, values: Mapping[str, str]) -> list[list[str]]:
    """Return the SAM commands in order: validate, build, deploy."""
    sam = str(ROOT / "scripts" / "sam")
    given = ["--parameter-overrides", *overrides(values)]
    return [
        [sam, "validate", "--lint"],
        [sam, "build", *given],
        [sam, "deploy", "--stack-name", place.stack, *place.account_options, *given],
    ]


def run_sam(command: Sequence[str], place: Destination) -> None:
    """Run one of the commands in the project's folder; raises DeployError when it fails."""
    chosen = {"RUNTIME": place.runtime, "ARCHITECTURE": place.architecture}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **chosen}, check=False)
    if done.returncode:
        raise DeployError(f"sam {command[1]} failed; its output above says why")


def migrate(client: Any, function: str) -> list[str]:
    """Bring the database to the current schema; return the migrations applied.

    Raises DeployError when the function fails or returns anything else.
    """
    reply = client.invoke(FunctionName=function, Payload=b"{}")
    answer = json.loads(reply["Payload"].read() or b"null")
    if reply.get("FunctionError") or not isinstance(answer, dict) or "applied" not in answer:
        reason = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise DeployError(
            f"{function} could not migrate the database: {reason or 'no answer'};"
            " look at DATABASE_URL, and whether the function can reach it"
        )
    applied: list[str] = answer["applied"]
    return applied


def outputs(client: Any, stack: str) -> dict[str, str]:
    """Return the outputs of the stack, by name."""
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
