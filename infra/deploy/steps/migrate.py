"""Brings the database to the current schema, and makes the functions' logins."""

from infra.deploy import stack
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    applied = stack.migrate(sitting.client("lambda"), sitting.outputs["MigrateFunction"])
    sitting.say(f"database: applied {', '.join(applied)}" if applied else "database: is current")
