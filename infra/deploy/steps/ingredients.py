"""What a stack is made of, code, settings and parameters, and whether it is there already."""

import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy import stack
from infra.deploy.steps.step import Sitting
from infra.project import ROOT

_SOURCES = ("flows", "shared", "infra", "requirements", "template.yaml", "Makefile")
_SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def parameters(sitting: Sitting, settings: Mapping[str, str]) -> dict[str, str]:
    return stack.parameters(sitting.place, settings) | sitting.stage.parameters


def deployed(sitting: Sitting, name: str) -> dict[str, str]:
    """Return which change of a stack was the last, if it went well."""
    try:
        found = sitting.client("cloudformation").describe_stacks(StackName=name)
    except ClientError:
        return {}
    row: Mapping[str, Any] = found["Stacks"][0]
    changed = str(row.get("LastUpdatedTime") or row["CreationTime"])
    settled = row["StackStatus"] in _SETTLED
    return {"stack": str(row["StackId"]), "changed": changed} if settled else {}


def made_of(values: Mapping[str, str]) -> str:
    """Return a digest of the code, the settings and the parameters."""
    digest = sha256(repr(sorted(values.items())).encode())
    for path, file in sorted(_files()):
        with open(file, "rb", buffering=0) as content:
            digest.update(f"\0{path}\0".encode() + content.read())
    return digest.hexdigest()


def _files() -> Iterator[tuple[str, str]]:
    """Yield each source file, but what Python compiles: its path in the project, and where it is.

    A sitting asks several times, and there are a thousand: pathlib takes five times as long.
    """
    for name in _SOURCES:
        if (ROOT / name).is_file():
            yield name, str(ROOT / name)
        for folder, folders, files in os.walk(ROOT / name):
            folders[:] = [one for one in folders if one != "__pycache__"]
            found = (os.path.join(folder, file) for file in files)
            yield from ((one[len(str(ROOT)) + 1 :], one) for one in found)
