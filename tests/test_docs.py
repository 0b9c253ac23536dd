"""The documents say what the code does: every setting, and every event type that a flow wants."""

import re
from pathlib import Path

from shared.settings import Settings

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(ROW.findall((ROOT / "docs/settings.md").read_text("utf-8")))
    defaults = {name.upper(): value for name, value in Settings._field_defaults.items()}
    assert documented == defaults
