"""Tells if somebody hears the alarms: a mail reaches only who followed the link in AWS's first."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

#: What stands in place of a subscription's ARN until somebody follows the link.
_WAITING = "PendingConfirmation"


def unheard(session: Any, stack: str, address: str) -> Iterator[str]:
    """Say what is missing until alarms reach somebody."""
    if not address:
        yield "nobody hears the alarms; set ALARM_EMAIL"
        return
    try:
        found = session.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId="Alarms"
        )
        topic = found["StackResourceDetail"]["PhysicalResourceId"]
        answer = session.client("sns").list_subscriptions_by_topic(TopicArn=topic)
    except ClientError as err:
        reason = err.response["Error"]["Code"]
        yield f"whether alarms reach {address} cannot be seen ({reason})"
        return
    arns = [one["SubscriptionArn"] for one in answer["Subscriptions"] if one["Endpoint"] == address]
    if not arns or _WAITING in arns:
        yield f"alarms do not reach {address} yet: follow the link in the mail of AWS Notifications"
