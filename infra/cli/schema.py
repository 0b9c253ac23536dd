"""Brings the database to the current schema: `./scripts/flows migrate`."""

import argparse

from infra.cli.system import KnownSystem, database_url
from infra.migrations import migrate
from infra.migrations.logins import given_urls, make_logins


def run_migrate(known: KnownSystem, _: argparse.Namespace) -> None:
    applied = migrate(database_url(known))
    print("applied " + ", ".join(applied) if applied else "nothing to apply")
    if logins := make_logins(database_url(known), given_urls(known.settings)):
        print("made the logins " + ", ".join(logins))
