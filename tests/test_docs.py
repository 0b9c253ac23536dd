"""The documents say what the code does: every setting, and every path that they name."""

import re
from collections.abc import Iterator

import pytest

from infra.project import ROOT
from shared.settings import Settings

ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)
#: A file or a folder of the project, from its root, as in `shared/events.py`.
PATH = re.compile(r"`((?:benchmarks|docs|flows|infra|scripts|shared|tests)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(ROW.findall((ROOT / "docs/settings.md").read_text("utf-8")))
    defaults = {name.upper(): value for name, value in Settings._field_defaults.items()}
    assert documented == defaults


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_path_that_a_document_names_is_there(name: str) -> None:
    assert [path for path in _named(name) if not (ROOT / path).exists()] == []


def test_the_design_is_one_page() -> None:
    assert len((ROOT / "DESIGN.md").read_text("utf-8").splitlines()) <= 150


def _named(document: str) -> Iterator[str]:
    text = (ROOT / document).read_text("utf-8")
    yield from PATH.findall(text)
    folder = (ROOT / document).parent.relative_to(ROOT)
    yield from (str(folder / link) for link in LINK.findall(text))
