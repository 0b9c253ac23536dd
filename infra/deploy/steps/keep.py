"""Keeps the secrets of the settings in AWS Secrets Manager."""

from infra.deploy import secrets
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    manager = sitting.client("secretsmanager")
    before = secrets.read(manager, sitting.place.prefix)
    secrets.store(manager, sitting.place.prefix, before, secrets.given(sitting.settings))
    sitting.credentials.forget()
