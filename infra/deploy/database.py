"""Checks the database of a deployment: its address, itself, and the connections that it takes."""

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.connections import Sum, too_many
from infra.migrations.checking import Facts
from shared.database.address import distrust
from shared.settings import Settings

#: The URLs of a deployment, and who gets them.
_URLS = ("database_url", "database_runtime_url", "database_operator_url", "database_reader_url")


def address_problems(settings: Settings) -> list[str]:
    """Say which of the URLs that are set would let another server pass for the database."""
    found = []
    for name in _URLS:
        if (url := getattr(settings, name)) and (
            why := distrust(url, has_ca=bool(settings.database_ca))
        ):
            found.append(f"{name.upper()} {why}")
    return found


def ask_function(client: Any, function: str) -> Facts | None:
    """Let the function `migrate`, which is where the database can be reached, look at it; None
    when there is no such function yet."""
    try:
        client.get_function_configuration(FunctionName=function)
        reply = client.invoke(FunctionName=function, Payload=b'{"check": true}')
    except ClientError as err:
        if err.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    answer = json.loads(reply["Payload"].read() or b"null")
    if reply.get("FunctionError") or not isinstance(answer, dict) or "problems" not in answer:
        reason = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        return {"problems": [f"{function} could not look: {reason or 'no answer'}"], "notes": []}
    return answer


def problems(facts: Facts, held: Sum, settings: Settings) -> list[str]:
    """Return what stops a deployment on a database with these `facts`."""
    found: list[str] = list(facts["problems"])
    where, most = "the database", facts.get("connections")
    if settings.database_connections:
        where, most = "DATABASE_CONNECTIONS", int(settings.database_connections)
    if most is not None and (word := too_many(held, most, where)):
        found.append(word)
    return found


def notes(facts: Facts, held: Sum) -> list[str]:
    """Return what a person should know of the database, which stops nothing."""
    found: list[str] = list(facts["notes"])
    for name in held.unbounded:
        found.append(
            f"nothing bounds how often {name} runs at once; it is counted with"
            f" {held.by_function[name]} connections"
        )
    return found
