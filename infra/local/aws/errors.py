"""The errors of the local cloud.

AgentFlowsError
└── LocalCloudError       the local cloud cannot start or do what was asked
    ├── TemplateError     the template says what cannot be deployed, or not locally
    └── FunctionError     a function failed; `payload` is what AWS would answer
"""

from shared.errors import AgentFlowsError
from shared.events import Json


class LocalCloudError(AgentFlowsError):
    pass


class TemplateError(LocalCloudError):
    pass


class FunctionError(LocalCloudError):
    """`payload` holds errorType and errorMessage, and stackTrace when the function raised."""

    def __init__(self, function: str, payload: Json) -> None:
        kind = payload.get("errorType", "unknown error")
        super().__init__(f"function {function} failed: {kind}; its log says more")
        self.payload = payload
