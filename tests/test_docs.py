"""The documents say what the code does: every setting, and every event type that a flow wants."""

import re

from infra.project import ROOT
from shared.settings import Settings

ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(ROW.findall((ROOT / "docs/settings.md").read_text("utf-8")))
    defaults = {name.upper(): value for name, value in Settings._field_defaults.items()}
    assert documented == defaults
