"""What a stack is made of, code, settings and parameters, and whether it is there already."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
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
    for file in sorted(_files(ROOT / name for name in _SOURCES)):
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _files(roots: Iterable[Path]) -> Iterable[Path]:
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from (
                one for one in root.rglob("*") if one.is_file() and "__pycache__" not in one.parts
            )
