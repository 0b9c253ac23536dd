"""The versions of one secret: the current, the one that shall be it, the one before."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from shared.aws.signed_http import AwsConnection, host_of
from shared.errors import SecretsUnavailable, SettingsError
from shared.settings import aws_region

#: The labels of Secrets Manager.
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
_TIMEOUT = 10.0
_MISSING = "ResourceNotFoundException"

Values = dict[str, str]
#: Asks Secrets Manager for an action; returns the status and the answer.
Ask = Callable[[str, Mapping[str, Any]], tuple[int, dict[str, Any]]]


def ask_aws(action: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send one signed request; raises PublishError when no answer came."""
    region = aws_region()
    connection = AwsConnection(
        "secretsmanager",
        region,
        host_of("secretsmanager", region),
        endpoint="secrets_manager",
        timeout=_TIMEOUT,
    )
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"secretsmanager.{action}",
    }
    try:
        reply = connection.request("POST", "/", headers, json.dumps(body).encode())
    finally:
        connection.close()
    return reply.status, json.loads(reply.body or b"{}")


class SecretVersions:
    """The secret of this name or ARN."""

    def __init__(self, name: str, ask: Ask) -> None:
        self.name = name
        self._ask = ask

    def is_new(self, token: str) -> bool:
        """Tell if the version `token` is still to become the current one; raises SettingsError when
        nobody rotates the secret to it."""
        versions = self._call("DescribeSecret", {}).get("VersionIdsToStages", {})
        labels = versions.get(token)
        if labels is None or not {CURRENT, PENDING} & {*labels}:
            raise SettingsError(f"{self.name} has no version {token} that waits to be current")
        return CURRENT not in labels

    def values(self, label: str, token: str = "") -> Values | None:
        """Return what the version with a label holds, and with this id if one is given; None when
        there is no such version yet."""
        version = {"VersionId": token} if token else {}
        found = self._call("GetSecretValue", {"VersionStage": label, **version}, optional=True)
        if not found:
            return None
        values: Values = json.loads(found["SecretString"])
        return values

    def put(self, values: Values, token: str) -> None:
        """Make the version `token`, which waits to be the current one."""
        text = json.dumps(values)
        kept = {"ClientRequestToken": token, "SecretString": text, "VersionStages": [PENDING]}
        self._call("PutSecretValue", kept)

    def make_current(self, token: str) -> None:
        """Let everybody read the version `token`; the one before stays at hand."""
        versions = self._call("DescribeSecret", {})["VersionIdsToStages"]
        before = next((id for id, labels in versions.items() if CURRENT in labels), "")
        if before == token:
            return
        moved = {"VersionStage": CURRENT, "MoveToVersionId": token}
        if before:
            moved["RemoveFromVersionId"] = before
        self._call("UpdateSecretVersionStage", moved)

    def _call(
        self, action: str, more: Mapping[str, Any], *, optional: bool = False
    ) -> dict[str, Any]:
        status, answer = self._ask(action, {"SecretId": self.name, **more})
        if status == 200:
            return answer
        kind = str(answer.get("__type", "")).rpartition("#")[2][:60]
        if optional and kind == _MISSING:
            return {}
        said = f"secretsmanager: {action} of {self.name} answered {status} {kind}"
        if status >= 500 or "Throttl" in kind:
            raise SecretsUnavailable(said)
        raise SettingsError(f"{said}; look at the function's policy")
