"""The world of a flow under test: GitHub and Slack in their sandboxes, AWS, and the database. What
happens in it can be seen, and taken back."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs

import psycopg
from psycopg import sql
from werkzeug.wrappers import Request, Response

from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.sandbox import REPOSITORY
from infra.local.sandbox.github.state import BOT
from infra.local.sandbox.slack import SlackSandbox
from shared.actions.places import EVERY, configured
from shared.agent.flow import Flow
from shared.database import queries
from shared.errors import AgentFlowsError, SettingsError
from shared.events import Event, Json
from shared.perception import github, slack

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SQL = queries(__file__, "world.sql")

_ARN = "arn:aws:{}:eu-central-1:000000000000:{}"
#: What differs each time: numbers, times, and addresses made of them.
_VOLATILE = re.compile(
    r"(^|_)(id|ids|ts|sha|at|url|urls|etag|date|edited|created|updated|latest_reply|block_id)$"
)
_PEOPLE = {"performed_via_github_app", "author_association", "bot_profile", "team", "type"}
_PUBLISHED = (
    "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)

#: What is there to see, and how often.
Seen = Counter[str]


def wanted(flow: Flow, type_: str) -> str:
    """Return an event type that the flow wants; raises SettingsError for another."""
    if type_ not in flow.types:
        near = get_close_matches(type_, flow.types, 1, 0.4)
        known = f"did you mean {near[0]}?" if near else f"wanted: {', '.join(flow.types)}"
        raise SettingsError(f"{flow.name} does not want {type_}; {known}")
    return type_


class World:
    """A context manager. `database_url` is of a migrated database that is its own; what is not in
    an empty table there stays."""

    def __init__(self, flow: Flow, database_url: str) -> None:
        #: What PLACES gives the flow, where it does not name all places itself.
        self._places = f"{flow.name}={REPOSITORY},#general"
        self.flow = flow.placed(configured(self._places)[flow.name])
        self._stack = ExitStack()
        self._server = HttpServer()
        self._url = database_url
        self._events: list[Event] = []
        #: What AWS was told: each is one, however often it is told.
        self._told: set[str] = set()
        self._published: list[str] = []
        self._back: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        self._server.start(self._take)
        self._stack.callback(self._server.stop)
        self._owner = self._stack.enter_context(psycopg.connect(self._url, autocommit=True))
        self._tables = [name for (name,) in self._owner.execute(SQL["tables"].encode())]
        self._empty = [name for name in self._tables if not self._count(name)]
        self._stack.callback(self._clear)
        url = self._server.url
        self.github = self._stack.enter_context(GitHubSandbox(f"{url}/github", "secret"))
        self.slack = self._stack.enter_context(SlackSandbox(f"{url}", "secret", pace=0.0))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def settings(self) -> Json:
        """The settings of a function in this world; it tries again at once, and often."""
        return {
            "database_url": self._url,
            "github_api_url": self.github.api_url,
            "github_token": self.github.token,
            "slack_api_url": self.slack.api_url,
            "slack_bot_token": self.slack.bot_token,
            "model_embed": "hashing",
            "topic_arn": _ARN.format("sns", "certify-events.fifo"),
            "timer_role_arn": _ARN.format("iam", "role/timers"),
            "planner_arn": _ARN.format("states", "stateMachine:planner"),
            "tenants": "acme=github:acme,slack:T0SANDBOX",
            "repositories": '{"team:T0SANDBOX": "acme/shop"}',
            "places": self._places,
            "max_attempts": "9",
            "max_pause_hours": "0",
        }

    @property
    def environment(self) -> Json:
        """The environment in which a function finds this world's AWS."""
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "certify")
        return keys | {"AWS_ENDPOINT_URL": self._server.url, "AWS_REGION": "eu-central-1"}

    def events(self) -> list[Event]:
        """Take the events that have happened since, of the types that the flow wants."""
        self.github.settle()
        self.slack.settle()
        events, self._events = self._events, []
        return events

    def github_events(self) -> list[str]:
        """Return GitHub's names of the events that the flow wants."""
        types = (type_.split(".") for type_ in self.flow.types)
        return list(dict.fromkeys(parts[1] for parts in types if parts[0] == "github"))

    def furnish(self) -> None:
        """Make the places that a schedule of the flow spreads over, each with an issue to find."""
        for scope in self.flow.places:
            platform, _, name = scope.partition(":")
            if platform == "slack":
                known = self.slack.workspace.channels.values()
                if name.removeprefix("#") not in {one.get("name") for one in known}:
                    self.slack.workspace.add_channel(name.removeprefix("#"))
            elif name not in self.github.repositories() and not name.endswith(EVERY):
                self.github.add_repository(name)
        for name in self.github.repositories():
            self.github.open_issue(name, "The total is missing", "The cart shows no total.")

    def published(self) -> list[Event]:
        """Return the events that the flow has published since the last `rewind`."""
        return [Event.from_json(message) for message in self._published]

    def place(self, event: Event) -> None:
        """Make the repository, the issue, the channel and the message that an event tells of."""
        if event.repository and event.source == "github":
            if event.repository not in self.github.repositories():
                self.github.add_repository(event.repository, {event.actor.name: "admin"})
            if event.issue_target:
                self.github.open_issue(
                    event.repository, *_title(event), event.actor.name, event.issue.number
                )
        if message := event.message_target:
            self.slack.workspace.place(message.channel, message.ts, event.actor.id, event.text)

    def keep(self) -> None:
        """Remember this moment for `rewind`."""
        self.github.webhook_url = ""
        self._back = [self.github.moment(), self.slack.workspace.moment()]

    def rewind(self) -> None:
        """Take back all that has changed since `keep`."""
        self.slack.settle()
        for back in self._back:
            back()
        self._told.clear()
        self._published.clear()
        self._clear()

    def _clear(self) -> None:
        self._owner.execute("set session_replication_role = replica")  # foreign keys need no order
        for name in self._empty:
            self._owner.execute(sql.SQL("delete from {}").format(sql.Identifier(name)))

    def seen(self) -> Seen:
        """Return all that there is to see, without what differs each time."""
        return Counter([*self._on_github(), *self._in_slack(), *self._kept(), *self._told])

    def ends(self) -> list[tuple[str, str]]:
        """Return the states of the flow's runs, with their reasons."""
        return list(self._owner.execute(SQL["ends"].encode()))

    def _on_github(self) -> Iterator[str]:
        for name in self.github.repositories():
            for issue in self.github.issues(name):
                place = f"{name}#{issue['number']}"
                parts = {key: issue.pop(key) for key in ("labels", "comments", "reactions")}
                yield f"GitHub {place}: {_plain(issue)}"
                for kind, things in parts.items():
                    for thing in things:
                        reactions = thing.pop("reactions", [])
                        yield f"GitHub {place}, {kind}: {_plain(thing)}"
                        if isinstance(reactions, list):
                            yield from (f"GitHub {place}, {_plain(one)}" for one in reactions)
                for thread in self.github.threads(name, issue["number"]):
                    said = [comment["body"] for comment in thread["comments"]]
                    yield f"GitHub {place}, thread: {thread['resolved_by']} {said}"
            for branch in self.github.branches(name):
                for commit in self.github.commits(name, branch):
                    files = sorted(commit["files"])
                    yield f"GitHub {name}, commit on {branch}: {commit['message']} {files}"

    def _in_slack(self) -> Iterator[str]:
        for channel in self.slack.workspace.channels:
            for message in map(dict, self.slack.messages(channel)):
                root = message.get("thread_ts", message["ts"]) == message["ts"]
                where = channel if root else f"{channel}, in a thread"
                for reaction in message.pop("reactions", []):
                    yield f"Slack {where}, reaction: {_plain(reaction)}"
                yield f"Slack {where}: {_plain(message)}"
            # Slack finds no whisper again, so a crash repeats one: it does no harm.
            whispers = map(_plain, self.slack.workspace.whispers(channel))
            yield from (f"Slack {channel}, whisper: {one}" for one in dict.fromkeys(whispers))

    def _kept(self) -> Iterator[str]:
        for name in ("memories", "turns", "effects"):
            for (row,) in self._owner.execute(SQL[name].encode()):
                yield f"{name}: {row}"

    def _count(self, table: str) -> int:
        counted = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
        return int(self._owner.execute(counted).fetchall()[0][0])

    def _take(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Take what the platforms send, as the ingress does, and what the function tells AWS."""
        request = Request(environ)
        body, headers = request.get_data(), {k.lower(): v for k, v in request.headers.items()}
        if request.path == "/":
            return Response(self._tell(headers, body))(environ, start)
        if request.path.startswith("/schedules/"):
            self._set(request.path.removeprefix("/schedules/"), request.method, body)
            return Response("{}")(environ, start)
        with suppress(AgentFlowsError):  # no event, as the first greeting of Slack
            self._events.append(self.perceived(request.path, body, headers))
        return Response("{}")(environ, start)

    def perceived(self, path: str, body: bytes, headers: Mapping[str, str]) -> Event:
        """Make an event of a delivery to `/github`, or to any of Slack's paths; raises
        EventError."""
        tenants = {"github:acme": "acme", "slack:T0SANDBOX": "acme"}
        takes = self.flow.types.__contains__
        if path == "/github":
            bot = BOT.removesuffix("[bot]")
            return github.to_event(body, headers, tenants, time.time(), takes=takes, bot_name=bot)
        places = {"team:T0SANDBOX": "acme/shop"}
        return slack.to_event(
            body, headers, tenants, time.time(), takes=takes, claims=takes, repository_of=places
        )

    def _tell(self, headers: dict[str, str], body: bytes) -> str:
        """Note what is published or started; queues are told nothing that lasts."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation == "StartExecution":
            self._told.add(f"AWS execution: {json.loads(body)['name']}")
        elif not operation:
            form = parse_qs(body.decode())
            [message] = form.get("Message", ["{}"])
            [id] = form.get("MessageDeduplicationId", [""])
            self._published.append(message)
            self._told.add(f"AWS event: {json.loads(message).get('type')} {id}")
        return "{}" if operation else _PUBLISHED

    def _set(self, name: str, method: str, body: bytes) -> None:
        """Note a timer that the flow sets or deletes; looks are the system's own."""
        if method == "DELETE":
            self._told = {one for one in self._told if not one.startswith(f"AWS timer {name}:")}
        elif method == "POST" and not name.startswith("look-"):
            call = json.loads(json.loads(body)["Target"]["Input"])
            self._told.add(f"AWS timer {name}: {_plain(json.loads(call['Message']))}")


def _title(event: Event) -> tuple[str, str]:
    title, _, body = event.text.partition("\n")
    return title[:256].strip() or "An issue", body.strip()


def _plain(thing: Any) -> str:
    return json.dumps(_lasting(thing), ensure_ascii=False, sort_keys=True)


def _lasting(thing: Any) -> Any:
    """Leave out what differs each time, what is empty, and what is known of people."""
    if isinstance(thing, dict):
        if "login" in thing:
            return thing["login"]
        names = [name for name in thing if not _VOLATILE.search(name) and name not in _PEOPLE]
        kept = {name: _lasting(thing[name]) for name in names}
        return {key: value for key, value in kept.items() if value not in (None, "", [], {})}
    if isinstance(thing, list):
        return [_lasting(one) for one in thing]
    return thing
