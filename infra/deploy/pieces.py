"""Digests of what functions share: when one of these pieces changed, one flow alone cannot be
updated."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from infra.project import ROOT

#: Each piece, its files below the project, and what it is for whoever reads that it changed.
_PIECES: Mapping[str, tuple[str, ...]] = {
    "the template": (
        *("template.yaml", "infra/flow.yaml", "infra/schedule.yaml", "infra/door.yaml"),
        "infra/planner.asl.json",
    ),
    "the database's schema": ("infra/schema.yaml", "infra/migrations/*.sql"),
    "what functions hand each other": ("shared/events.py", "shared/aws/bus.py"),
}


def digests(settings: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """Return a digest of each piece of this checkout, and of the deployment's settings."""
    found = {piece: _digest(_files(root, names)) for piece, names in _PIECES.items()}
    text = repr(sorted(settings.items())).encode()
    return {**found, "the settings": _short(sha256(text).hexdigest())}


def changed(deployed: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the pieces that differ from those deployed."""
    return [piece for piece, digest in now.items() if deployed.get(piece) != digest]


def _files(root: Path, patterns: Iterable[str]) -> Iterable[Path]:
    for pattern in patterns:
        yield from sorted(root.glob(pattern))


def _digest(files: Iterable[Path]) -> str:
    digest = sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return _short(digest.hexdigest())


def _short(digest: str) -> str:
    return digest[:16]
