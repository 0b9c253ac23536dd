"""Sets the schedule on which Secrets Manager has the passwords of the database changed."""

from infra.configuration.secret_settings import SECRETS
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    """Rotate every so many days; with 0, no more. It begins after that time, not now."""
    days, manager = wanted_days(sitting), sitting.client("secretsmanager")
    for name in (f"{sitting.place.prefix}/{one}" for one in SECRETS if one.startswith("database/")):
        if days:
            manager.rotate_secret(
                SecretId=name,
                RotationLambdaARN=sitting.outputs["RotationFunction"],
                RotationRules={"AutomaticallyAfterDays": days},
                RotateImmediately=False,
            )
        elif manager.describe_secret(SecretId=name).get("RotationEnabled"):
            manager.cancel_rotate_secret(SecretId=name)
    sitting.say(f"passwords change every {days} days" if days else "passwords are not rotated")


def wanted_days(sitting: Sitting) -> int:
    settings = sitting.settings
    return int(settings.database_rotation_days or (30 if settings.database == "aurora" else 0))
