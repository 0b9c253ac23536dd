"""The project's folder, and paths that a person gave to its scripts."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The templates with functions, each a stack of its own. The second one's stack is deployed first.
TEMPLATES = ("template.yaml", "infra/schema.yaml")

_IS_TEMPLATE = re.compile(r"^(?:AWSTemplateFormatVersion|Transform):", re.MULTILINE)
_NESTS = re.compile(r"""TemplateURL['"]?:\s*['"]?([^\s'",}]+)""")


def all_templates(root: Path = ROOT) -> dict[str, bool]:
    """Return every template of CloudFormation below `root`, by its path there: is it a stack of
    its own, or do others nest it?"""
    files = [root / TEMPLATES[0], *sorted((root / "infra").rglob("*.y*ml"))]
    texts = {file: file.read_text("utf-8") for file in files}
    texts = {file: text for file, text in texts.items() if _IS_TEMPLATE.search(text)}
    nested = {
        (file.parent / url).resolve()
        for file, text in texts.items()
        for url in _NESTS.findall(text)
    }
    return {str(file.relative_to(root)): file.resolve() not in nested for file in texts}


def flow_modules() -> dict[str, str]:
    """Return the modules of flows/ by their last names, each of which is that of a flow too."""
    files = sorted((ROOT / "flows").rglob("[a-z]*.py"))
    return {file.stem: ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}


def from_caller(path: Path) -> Path:
    """Resolve `path` from the person's folder: the scripts change to the project's."""
    return (Path(os.environ.get("CALLED_FROM", ".")) / path).resolve()
