"""The world around a flow: a real Postgres, both sandboxes, and real deliveries from them."""

import hashlib
import itertools
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.loopback import Inbox, Loopback, ModelStandIn, ReceivedRequest
from infra.local.postgres import EmbeddedPostgres
from infra.local.sandbox.github import REPOSITORY, GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT
from infra.migrations import migrate
from infra.migrations.logins import invented_urls, make_logins
from shared.events import Actor, Event, Json
from shared.perception import github, slack
from shared.settings import Settings

GITHUB_SECRET, SLACK_SECRET = "benchmark-github", "benchmark-slack"

TEXT = "It fails since this morning with an empty cart; acme/shop#1 reports the same."
#: What a triage takes for an answer.
VERDICT: Json = {"labels": ["bug"], "duplicate_of": None, "summary": "Pay fails on an empty cart."}
_BODY = (
    "Since this morning the app crashes as soon as I press Pay with an empty cart.\n\n"
    "Expected: a message that the cart is empty.\n"
    "Actual: a stack trace, `KeyError: 'total'` in checkout.py.\n"
)


class World:
    """What `opened` yields. `models` is the stand-in that every MODEL_* of `variables` leads to,
    and `webhooks` what the sandboxes send to."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        postgres = EmbeddedPostgres(folder / "postgres")
        stack.callback(postgres.erase)
        self.database_url = postgres.start()
        migrate(self.database_url)
        logins = invented_urls(self.database_url)
        make_logins(self.database_url, logins)
        self._logins = logins
        self._inbox = Inbox()
        inbox = stack.enter_context(Loopback(self._inbox))
        self.models = ModelStandIn(TEXT, VERDICT)
        self._model_url = stack.enter_context(Loopback(self.models)).url
        webhook = f"{inbox.url}/github/webhook"
        self.github = stack.enter_context(GitHubSandbox(webhook, GITHUB_SECRET))
        self.slack = stack.enter_context(SlackSandbox(inbox.url, SLACK_SECRET))
        self._numbers = itertools.count(1)
        self._seen: set[str] = set()

    @property
    def function_url(self) -> str:
        return self._logins["runtime"]

    def variables(self, models: str, login: str = "runtime") -> dict[str, str]:
        """What template.yaml hands to every flow, with `models`: no, offline, bedrock or openai.

        A flow that works for all tenants signs in as `operator`.
        """
        named = {
            "no": ("", ""),
            "offline": ("offline", "hashing"),
            "openai": (f"{self._model_url}/v1#benchmark", "hashing"),
            "bedrock": (
                "bedrock:amazon.nova-lite-v1:0",
                "bedrock:amazon.titan-embed-text-v2:0",
            ),
        }
        chat, embed = named[models]
        return {
            "DATABASE_URL": self._logins[login],
            "MODEL_SMALL": chat,
            "MODEL_LARGE": chat,
            "MODEL_EMBED": embed,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self._model_url,
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_APP_ID": str(self.github.app_id),
            "GITHUB_APP_PRIVATE_KEY": self.github.private_key,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "MAX_ATTEMPTS": "3",
        }

    def issue_opened(self) -> ReceivedRequest:
        """Open an issue and return the signed webhook of it."""
        title = f"Checkout crashes when I press Pay ({next(self._numbers)})"
        self.github.open_issue(REPOSITORY, title, _BODY)
        return self._received(github_event, "github.issues.opened")

    def mention(self) -> ReceivedRequest:
        """Mention the agent in a channel and return the signed request of it."""
        text = f"<@{BOT_USER}> what do we know of crash {next(self._numbers)} at checkout?"
        self.slack.say(SUPPORT, text)
        return self._received(slack_event, "slack.app_mention")

    def shortcut(self) -> ReceivedRequest:
        """Open a dialog from a message and return the signed request of it."""
        ts = self.slack.say(SUPPORT, f"Crash {next(self._numbers)} at checkout")
        self.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        return self._received(slack_event, "slack.message_action")

    def _received(self, read: Callable[[ReceivedRequest], Event], wanted: str) -> ReceivedRequest:
        """Wait for the first delivery of a new event; what else happened on the way is dropped.

        Slack tells of a mention twice, as a mention and as a message.
        """
        platform = wanted.partition(".")[0]
        while True:
            delivery = self._inbox.next()
            if not delivery.path.startswith(f"/{platform}/"):
                continue
            event = read(delivery)
            if event.type == wanted and event.id not in self._seen:
                self._seen.add(event.id)
                return delivery


@contextmanager
def opened() -> Iterator[World]:
    """Start the world, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="agent-flows-benchmarks-"))
    folder.chmod(0o711)  # Postgres runs as another user when this one is root.
    try:
        with ExitStack() as stack:
            yield World(stack, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def github_event(delivery: ReceivedRequest) -> Event:
    return github.to_event(delivery.body, delivery.headers, Settings().tenant_of, time.time())


def slack_event(delivery: ReceivedRequest) -> Event:
    return slack.to_event(delivery.body, delivery.headers, Settings().tenant_of, time.time())


def gateway_event(delivery: ReceivedRequest) -> Json:
    """The delivery as API Gateway's REST API hands it to a function.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return {
        "resource": delivery.path,
        "path": delivery.path,
        "httpMethod": "POST",
        "headers": dict(delivery.headers),
        "multiValueHeaders": {name: [value] for name, value in delivery.headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "benchmark",
            "httpMethod": "POST",
            "identity": {"sourceIp": "127.0.0.1"},
            "path": f"/live{delivery.path}",
            "requestId": str(uuid.uuid4()),
            "resourcePath": delivery.path,
            "stage": "live",
        },
        "body": delivery.body.decode(),
        "isBase64Encoded": False,
    }


def queue_event(event: Event) -> Json:
    """The event as SQS hands it to a flow's function, in a batch of one.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    body = event.to_json()
    now = str(int(time.time() * 1000))
    record: Mapping[str, Any] = {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "benchmark",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": now,
            "SentTimestamp": now,
            "SenderId": "benchmark",
            "SequenceNumber": "18849496460467696128",
            "MessageGroupId": hashlib.sha256(event.conversation.encode()).hexdigest(),
            "MessageDeduplicationId": hashlib.sha256(event.id.encode()).hexdigest(),
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:benchmark.fifo",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def nightly() -> Event:
    """What the schedule of template.yaml publishes."""
    name, id = "schedule.nightly", f"schedule.nightly:{uuid.uuid4()}"
    actor = Actor("scheduler", "nightly", False, "none")
    return Event(
        id, name, "schedule", "schedule", name, actor, "", "", {}, "public", 0, time.time()
    )
