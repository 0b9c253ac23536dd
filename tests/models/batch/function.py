"""The real function of triage's queue, with a patient flow in it."""

from shared.aws.secrets import function_settings
from shared.runtime.composition import compose
from tests.models.batch.batch_runner import patient


def __getattr__(name: str) -> object:
    if name != "handler":
        raise AttributeError(name)
    return compose(patient, function_settings())
