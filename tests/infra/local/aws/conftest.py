"""A running test stack for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.infra.local.aws.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("cloud"))
    with site.cloud:
        # Workers start once before a time-out counts.
        for function in ("Github", "Slack"):
            site.cloud.invoke(function, {})
        yield site
