"""Changes the passwords of the database's logins, on a schedule of Secrets Manager.

versions   the versions of a secret, by signed requests
steps      the four steps that Secrets Manager asks for

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from infra.rotation.steps import STEPS
from infra.rotation.versions import SecretVersions, ask_aws
from shared.errors import SettingsError
from shared.events import Json
from shared.log import log
from shared.settings import Settings


def handler(event: Json, context: object) -> None:
    """The Rotation function: Secrets Manager invokes it for each step, again after a failure."""
    step, token = str(event["Step"]), str(event["ClientRequestToken"])
    secret = SecretVersions(str(event["SecretId"]), ask_aws)
    if step not in STEPS:
        raise SettingsError(f"{step!r} is no step of a rotation")
    if secret.is_new(token):
        owner = SecretVersions(Settings.from_environment().secrets, ask_aws)
        STEPS[step](secret, owner, token)
        log("rotation", step=step, secret=secret.name)
