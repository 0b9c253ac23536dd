"""Somebody who visits the console, with a database of their own."""

from collections.abc import Callable, Iterator

import pytest

from tests.web.console.visits import Visits

Come = Callable[..., Visits]


@pytest.fixture
def come(database_url: str) -> Iterator[Come]:
    """Returns visits, as `Visits` takes them; their connections are closed."""
    made: list[Visits] = []

    def visits(*arguments: object, **settings: object) -> Visits:
        made.append(Visits(database_url, *arguments, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield visits
    for one in made:
        one.database.close()
