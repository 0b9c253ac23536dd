"""Secrets below one path of Parameter Store, for functions that share one and have nothing else in
common. AWS encrypts each with a key of KMS, bound to its name: under another it does not open.

https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

import json

from shared.aws.signed_http import AwsConnection, host_of
from shared.errors import PublishError, SecretsUnavailable, SettingsError
from shared.events import Json
from shared.settings import aws_region

#: Seconds for each of two tries. Slack waits 3 s for all that the front door does.
TIMEOUT = 0.6
_MISSING = "ParameterNotFound"


class Parameters:
    """The parameters below `path`, such as `/agent-flows/slack-tokens`. Each call is one request,
    and raises SecretsUnavailable, or SettingsError when AWS refuses."""

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")

    def read(self, name: str) -> str:
        """Return a value; '' where there is none."""
        about = {"Name": self._named(name), "WithDecryption": True}
        answer = self._asked("GetParameter", about)
        return str((answer.get("Parameter") or {}).get("Value") or "")

    def write(self, name: str, value: str) -> None:
        """Put a value in the place of the one before."""
        kept = {"Type": "SecureString", "Value": value, "Overwrite": True}
        self._asked("PutParameter", {"Name": self._named(name), **kept})

    def delete(self, name: str) -> None:
        self._asked("DeleteParameter", {"Name": self._named(name)})

    def _named(self, name: str) -> str:
        if not (name.isascii() and name.isalnum()):
            raise SettingsError("ssm: a parameter's name has letters and digits only")
        return f"{self._path}/{name}"

    def _asked(self, operation: str, body: Json) -> Json:
        region = aws_region()
        connection = AwsConnection("ssm", region, host_of("ssm", region), timeout=TIMEOUT)
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"AmazonSSM.{operation}",
        }
        try:
            reply = connection.request("POST", "/", headers, json.dumps(body).encode())
            answer = json.loads(reply.body or b"{}")
        except (PublishError, ValueError) as err:
            raise SecretsUnavailable(f"ssm: {operation} got no answer") from err
        finally:
            connection.close()
        if reply.status == 200 and isinstance(answer, dict):
            return answer
        kind = str(answer.get("__type", "")) if isinstance(answer, dict) else ""
        if (kind := kind.rpartition("#")[2][:60]) == _MISSING:
            return {}
        said = f"ssm: {operation} answered {reply.status} {kind}".strip()
        if reply.status >= 500 or reply.status == 429 or "Throttling" in kind:
            raise SecretsUnavailable(said)
        raise SettingsError(f"{said}; look at the function's policy")
