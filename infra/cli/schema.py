"""Brings the database to the current schema: `./scripts/flows migrate`."""

import argparse
import threading
from contextlib import suppress

import psycopg

from infra.cli.system import KnownSystem, database_url
from infra.migrations.applying import Asked, attempt
from infra.migrations.logins import given_urls
from infra.migrations.progress import Progress, progress
from infra.migrations.watching import watch
from shared.errors import AgentFlowsError


def run_migrate(known: KnownSystem, options: argparse.Namespace) -> None:
    url, contract = database_url(known), options.contract
    logins = given_urls(known.settings)

    attempts: list[threading.Thread] = []

    def run(id: str) -> None:
        with suppress(AgentFlowsError, psycopg.Error):  # the record has it
            attempt(url, Asked(id, logins, contract))

    def start(id: str) -> None:
        attempts.append(threading.Thread(target=run, args=[id], daemon=True))
        attempts[-1].start()

    def look(id: str) -> Progress:
        return progress(url, id, contract=contract)

    seen = watch(start, look, lambda line: print(line, flush=True))
    for one in attempts:
        one.join()
    if not seen.applied:
        print("nothing to apply")
    if seen.logins:
        print("made the logins " + ", ".join(seen.logins))
    for title in seen.held:
        print(f"{title} waits until no older release is live; --contract says so")
