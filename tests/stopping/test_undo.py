"""Undo takes back what a run did, as far as nobody built upon it, and says what it could not."""

from collections.abc import Iterator

import pytest

from flows.triage import triage
from shared.database import Database
from tests.actions.github.sandbox_issue import SHOP
from tests.stopping.undoing import Repository, on_github


@pytest.fixture
def shop(database: Database) -> Iterator[Repository]:
    with on_github(database) as shop:
        yield shop


def triaged(shop: Repository, author: str = "stranger") -> int:
    number = shop.hub.open_issue(SHOP, "Checkout crashes", "A stack trace.", author=author)
    shop.tell(triage)
    assert shop.labels(number) == ["bug"]
    assert len(shop.comments(number)) == 1
    return number


def test_labels_comment_and_memory_of_a_triage_go(shop: Repository) -> None:
    number = triaged(shop)
    assert shop.rows("select 1 from memories")
    told = shop.undo(number)
    assert shop.labels(number) == []
    assert told == ""
