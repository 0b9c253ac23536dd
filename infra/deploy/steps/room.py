"""Reserves a part of the account's concurrency for the ingress, where there is enough.

Without it any function of the account may leave the ingress without room, and GitHub sends nothing
twice by itself. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stack import DeployError
from infra.deploy.steps.step import Sitting

#: At most 1600 webhooks a second, of 30 ms each.
WANTED = 50
#: AWS keeps so many for the functions that reserve nothing.
_SHARED = 100
_ASK = (
    "ask for more: Service Quotas, AWS Lambda, Concurrent executions"
    " (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)"
)


def run(sitting: Sitting) -> None:
    """Set INGRESS_CONCURRENCY where it is not; raises DeployError when it asks for too much."""
    asked = sitting.settings.ingress_concurrency
    client = sitting.client("lambda")
    try:
        limits = client.get_account_settings()["AccountLimit"]
    except ClientError as err:
        code = err.response["Error"]["Code"]
        sitting.say(
            f"  Lambda does not say ({code}); give your credentials lambda:GetAccountSettings"
        )
        return
    whole = int(limits["ConcurrentExecutions"])
    own = _reserved(client, f"{sitting.place.stack}-ingress")
    spare = max(int(limits["UnreservedConcurrentExecutions"]) + own - _SHARED, 0)
    if asked and int(asked) > spare:
        raise DeployError(
            f"INGRESS_CONCURRENCY is {asked}, and of the account's {whole} only {spare} can be"
            f" reserved in {sitting.place.region}; lower it, or {_ASK}"
        )
    if not asked and spare >= WANTED:
        sitting.environment["INGRESS_CONCURRENCY"] = asked = str(WANTED)
    if not int(asked or 0):
        sitting.say(
            f"  nothing is reserved for the ingress: the account has {whole} concurrent executions"
            f" for all functions, and {_SHARED} stay shared; {_ASK}"
        )
    else:
        sitting.say(f"  {asked} of the account's {whole} concurrent executions are the ingress's")


def _reserved(client: Any, function: str) -> int:
    """Return what an earlier deployment reserved."""
    try:
        found = client.get_function_concurrency(FunctionName=function)
    except ClientError:
        return 0
    return int(found.get("ReservedConcurrentExecutions", 0))
