"""What the tests of migrations have: an empty database."""

from tests.infra.migrations.conftest import url

__all__ = ["url"]
