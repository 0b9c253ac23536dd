"""Hides a message of a FIFO queue for a while, or moves it to the dead-letter queue.

While a message is hidden, the later ones of its conversation wait behind it.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

import json
import math

from shared.aws.signed_http import AwsConnection, host_of
from shared.errors import PublishError
from shared.events import Json
from shared.settings import aws_endpoint

#: SQS hides no message for more than 12 hours from its receive; a function had it for 15 minutes.
LONGEST = 42_000
#: Seconds. Nobody waits for these answers as Slack waits for the ingress.
_TIMEOUT = 10.0
#: What names a record's message: the last receive's handle, and its queue.
NAMES = ("receiptHandle", "eventSourceARN")


class Queue:
    """The queues of a flow, which Lambda's records name. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._connections: dict[str, AwsConnection] = {}

    def hide(self, record: Json, seconds: float) -> None:
        """Let the record, of which NAMES suffice, come again after so many seconds, or after 12
        hours if that is less.

        Raises PublishError; then it comes again after the queue's own time.
        """
        hidden = min(math.ceil(seconds), LONGEST)
        fields = {"ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": hidden}
        self._call(record, "ChangeMessageVisibility", fields)

    def bury(self, record: Json) -> None:
        """Put a copy of the record into the dead-letter queue; raises PublishError."""
        attributes = {
            name: {"DataType": value["dataType"], "StringValue": value["stringValue"]}
            for name, value in record.get("messageAttributes", {}).items()
            if value.get("stringValue")
        }
        fields: Json = {
            "MessageBody": record["body"],
            "MessageGroupId": record["attributes"]["MessageGroupId"],
            "MessageDeduplicationId": record["messageId"],
            "MessageAttributes": attributes,
        }
        self._call(record, "SendMessage", fields, dead=True)

    def _call(self, record: Json, operation: str, fields: Json, *, dead: bool = False) -> None:
        _, _, _, region, account, name = record["eventSourceARN"].split(":")
        if dead:
            name = f"{name.removesuffix('.fifo')}-dead.fifo"  # as infra/flow.yaml names it
        address = f"{aws_endpoint('sqs') or 'https://' + host_of('sqs', region)}/{account}/{name}"
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{operation}",
        }
        body = json.dumps(fields | {"QueueUrl": address}).encode()
        reply = self._connection(region).request("POST", "/", headers, body)
        if reply.status != 200:
            raise PublishError(
                f"sqs: {operation} of {name} answered {reply.status};"
                " look at the function's policy (infra/flow.yaml)"
            )

    def _connection(self, region: str) -> AwsConnection:
        if region not in self._connections:
            host = host_of("sqs", region)
            self._connections[region] = AwsConnection("sqs", region, host, timeout=_TIMEOUT)
        return self._connections[region]
