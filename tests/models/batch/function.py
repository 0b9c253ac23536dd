"""The real function of triage's queue, with a patient flow in it."""

from shared.runtime.composition import compose
from shared.settings import Settings
from tests.models.batch.batch_runner import patient


def __getattr__(name: str) -> object:
    if name != "handler":
        raise AttributeError(name)
    return compose(patient, Settings.from_environment())
