"""An emulated Bedrock in Frankfurt with some models."""

from collections.abc import Iterator

import pytest

from tests.infra.deploy.models.bedrock_server import (
    HAIKU,
    NOVA,
    TITAN,
    EmulatedBedrock,
    emulated,
)


@pytest.fixture
def bedrock() -> Iterator[EmulatedBedrock]:
    with emulated() as bedrock:
        bedrock.on_demand(TITAN, "amazon.nova-micro-v1:0")
        bedrock.by_profile(NOVA, "eu.amazon.nova-lite-v1:0")
        bedrock.by_profile("amazon.nova-pro-v1:0", "eu.amazon.nova-pro-v1:0")
        bedrock.by_profile(HAIKU, f"eu.{HAIKU}", f"global.{HAIKU}")
        bedrock.by_profile("twelvelabs.pegasus-1-2-v1:0", "global.twelvelabs.pegasus-1-2-v1:0")
        yield bedrock
