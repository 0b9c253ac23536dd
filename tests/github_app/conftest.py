"""A sandbox GitHub with an App, and a receiver where the ingress would be."""

from tests.infra.local.conftest import fresh, receiver, sandbox

__all__ = ["fresh", "receiver", "sandbox"]
