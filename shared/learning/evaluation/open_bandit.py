"""Reads the logs of the Open Bandit Dataset, so that the estimators can be tried on a public one.

A row has `timestamp, item_id, position, click, propensity_score, user_feature_0, …`. Of the arms
that were not shown nothing is known but that they share the rest of the probability, so the reader
spreads it evenly. Saito and others, 2021, https://arxiv.org/abs/2008.07146.
"""

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared.errors import SettingsError
from shared.learning.choices.examples import Example

_COLUMNS = {"timestamp", "item_id", "position", "click", "propensity_score"}


def read_open_bandit(path: Path, *, most: int = 100_000) -> list[Example]:
    """Return the first rows as examples: the item is the arm, the click the reward, and the
    position and the features of the user are the context. The oldest comes first.

    Raises SettingsError when the file cannot be read as that.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if lacking := _COLUMNS - {*(reader.fieldnames or ())}:
                raise SettingsError(f"{path} lacks the columns {', '.join(sorted(lacking))}")
            rows = [row for _, row in zip(range(most), reader, strict=False)]
        items = sorted({int(row["item_id"]) for row in rows})
        return sorted((_example(row, items, number) for number, row in enumerate(rows)), key=_at)
    except (OSError, ValueError) as err:
        raise SettingsError(f"{path} is no log of the Open Bandit Dataset: {err}") from err


def _at(example: Example) -> float:
    return example.at


def _example(row: dict[str, str], items: Sequence[int], number: int) -> Example:
    place, chance = items.index(int(row["item_id"])), float(row["propensity_score"])
    rest = (1 - chance) / max(len(items) - 1, 1)
    chances = tuple(chance if at == place else rest for at in range(len(items)))
    user = {name: value for name, value in row.items() if name.startswith("user_feature_")}
    return Example(
        f"row {number}",
        datetime.fromisoformat(row["timestamp"]).timestamp(),
        {"position": int(row["position"]), **user},
        tuple(items),
        place,
        chances,
        0,
        float(row["click"]),
    )
