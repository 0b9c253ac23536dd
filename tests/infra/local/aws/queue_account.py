"""An account with one flow's queue, without functions."""

from pathlib import Path
from typing import Any

from infra.local.aws.account import Account
from infra.local.aws.moto_repairs import DurableQueue
from infra.local.aws.store import Store


class QueueAccount:
    """A queue and its dead-letter queue, with a boto3 client for them."""

    def __init__(self, directory: Path | None = None) -> None:
        self.store = Store(directory)
        self.account = Account("us-east-1", self.store, variables={}, handlers={}, code={})
        self.dead = self.queue("dead.fifo")
        policy = {"deadLetterTargetArn": self.dead.queue_arn, "maxReceiveCount": 2}
        self.flow = self.queue("flow.fifo", RedrivePolicy=policy, VisibilityTimeout=30)
        self.account.s3.create_bucket("bucket", "us-east-1")
        self.account.s3.restore("bucket")
        self.account.start(lambda function, event: event)
        self.url = f"{self.account.url}/{self.account.id}/flow.fifo"
        self.sqs = self.account.client("sqs")

    def queue(self, name: str, **attributes: Any) -> DurableQueue:
        given = {"FifoQueue": "true", **attributes}
        queue = DurableQueue(name, "us-east-1", self.account.id, self.store, given)
        self.account.sqs.queues[name] = queue
        return queue

    def send(self, body: str, conversation: str = "c", id: str = "") -> str:
        return str(
            self.sqs.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                MessageGroupId=conversation,
                MessageDeduplicationId=id or body,
            )["MessageId"]
        )

    def receive(self, seconds: int = 0, limit: int = 10) -> list[Any]:
        messages: list[Any] = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=limit, WaitTimeSeconds=seconds
        ).get("Messages", [])
        return messages

    def bodies(self, seconds: int = 0, limit: int = 10) -> list[str]:
        return [message["Body"] for message in self.receive(seconds, limit)]

    def delete(self, message: Any) -> None:
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def give_back(self, message: Any) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )

    def close(self) -> None:
        self.account.stop()
        self.store.close()
