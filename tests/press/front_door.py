"""A front door over HTTP, and the flow `press` behind it, between the two sandboxes: people press
in Slack, and what comes of it stands there and on GitHub."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from flows.press import press
from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, SUPPORT, TEAM
from shared.actions.platforms import Platforms
from shared.database import Database
from shared.events import Actor, Event, SlackMessage, Thread
from shared.testing import FlowRunner
from shared.web.ingress import Ingress, build
from tests.actions.github.sandbox_issue import SHOP
from tests.events.made import an_event

SECRET = "slack secret"


@dataclass
class Pressing:
    """People in Slack, with everything that they reach."""

    slack: SlackSandbox
    github: GitHubSandbox
    runner: FlowRunner
    #: What the front door published, the oldest first.
    published: list[Event] = field(default_factory=list)
    _done: int = 0

    def settle(self) -> list[Event]:
        """Let the front door hear everything, then the flow; return the events that came."""
        assert self.slack.settle()
        new, self._done = self.published[self._done :], len(self.published)
        for event in new:
            if event.type in press.types:
                assert self.runner.deliver(press, event) == []
        return new

    def again(self, times: int) -> None:
        """Deliver all that was published so often again."""
        for event in self.published * times:
            if event.type in press.types:
                assert self.runner.deliver(press, event) == []

    def mentioned(self, thread: Thread, user: str = ALICE) -> Event:
        """Return the mention that began a thread."""
        return an_event(
            id=f"slack:{thread.ts}",
            type="slack.app_mention",
            source="slack",
            tenant="acme",
            actor=Actor(user, user, role="member"),
            conversation=f"slack:{TEAM}:{thread.channel}:{thread.ts}",
            issue_target=None,
            thread_target=thread,
            message_target=SlackMessage(*thread),
        )

    def whispers(self, channel: str = SUPPORT) -> list[str]:
        found = self.slack.workspace.whispers(channel)
        return ["\n".join(b["text"] for b in one.get("blocks", [])) or one["text"] for one in found]


@contextmanager
def pressing(database: Database, **changes: str) -> Iterator[Pressing]:
    """Let people press in a workspace whose repository is acme/shop."""
    kept: list[Any] = []

    @Request.application
    def door(request: Request) -> Response:
        answer = kept[0](_of_gateway(request), None)
        return Response(answer["body"], answer["statusCode"], answer["headers"])

    server = HttpServer()
    server.start(door)
    with (
        GitHubSandbox("", "secret") as github,
        SlackSandbox(server.url, SECRET, pace=0.0) as slack,
    ):
        github.push(SHOP, {"README.md": "# Shop\n"})
        given = {
            "slack_signing_secret": SECRET,
            "slack_bot_token": slack.bot_token,
            "slack_api_url": slack.api_url,
            "github_token": github.token,
            "github_api_url": github.api_url,
            "tenants": f"acme=github:acme,slack:{TEAM}",
            "event_types": ",".join(press.types),
            "repositories": f'{{"team:{TEAM}": "{SHOP}"}}',
            **changes,
        }
        runner = FlowRunner(database, **given)
        pressed = Pressing(slack, github, runner)
        runner.adapters = Platforms(press.may, press.reads, runner.can.settings)
        kept.append(build(Ingress(runner.can.settings, pressed.published.append)))
        try:
            yield pressed
        finally:
            server.stop()


def _of_gateway(request: Request) -> dict[str, Any]:
    """Return a request as API Gateway hands it over."""
    headers = dict(request.headers)
    return {
        "resource": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": request.path, "httpMethod": request.method},
        "body": request.get_data(as_text=True),
        "isBase64Encoded": False,
    }
