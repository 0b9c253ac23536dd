"""The Lambda entry point of every flow. FLOW names the flow, the other settings say the rest."""

from shared.aws.cold_start import ready

# isort: split
from shared.agent.flow import load_flow
from shared.aws.secrets import function_settings
from shared.runtime.composition import compose

ready()


def __getattr__(name: str) -> object:
    """Build `handler` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "handler":
        raise AttributeError(name)
    settings = function_settings()
    return compose(load_flow(settings.require("flow")), settings)
