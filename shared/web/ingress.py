"""The front door: what GitHub, Slack and callers of the API send is verified, made an event, and
put on the bus.

This starts cold whenever traffic grows, and Slack waits 3 s. So it imports the standard library,
Chalice's app.py and a few small files of ours; a test holds the list.
"""

from shared.aws.cold_start import ready

# isort: split
import json
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from chalice.app import Chalice, Request, Response

from shared import __version__
from shared.aws.bus import Bus
from shared.errors import (
    EventError,
    PublishError,
    RequestRefused,
    SettingsError,
    SignatureError,
)
from shared.events import Event, Json, run_id
from shared.log import log
from shared.perception import Headers, github, slack
from shared.settings import Settings
from shared.web import api_requests as api

ready()

#: Bytes. API Gateway takes 10 MB, but hands the body to Lambda as a string in at most 6 MB of JSON:
#: escapes and headers need the difference. What AWS never lets in is not taken elsewhere either.
MAX_BODY = 5 * 1024 * 1024

#: Seconds. GitHub sends again only when asked to, Slack on a schedule of its own; others obey.
RETRY_AFTER = "5"


class Ingress(NamedTuple):
    """What the routes share. `publish` raises PublishError; `now` is seconds since the epoch."""

    settings: Settings
    publish: Callable[[Event], None]
    now: Callable[[], float] = time.time

    def health(self) -> Response:
        """Say what is configured, without asking anybody else."""
        return _answer(
            200,
            {
                "status": "ok",
                "version": __version__,
                "github": bool(self.settings.github_webhook_secret),
                "slack": bool(self.settings.slack_signing_secret),
                "api": bool(self.settings.api_tokens),
                "bus": bool(self.settings.topic_arn),
            },
        )

    def github(self, body: bytes, headers: Headers) -> Response:
        github.verify(body, headers, self.settings.github_webhook_secret)
        event = github.to_event(
            body,
            headers,
            self.settings.tenant_of,
            self.now(),
            takes=self._wants,
            bot_name=self.settings.github_bot_name,
        )
        return self._take(event, github.is_own(event, self.settings.github_app_id), len(body))

    def slack_events(self, body: bytes, headers: Headers) -> Response:
        slack.verify(body, headers, self.settings.slack_signing_secret, self.now())
        challenge = slack.challenge(body, headers)
        if challenge is not None:
            return _answer(200, {"challenge": challenge})
        event = slack.to_event(
            body,
            headers,
            self.settings.tenant_of,
            self.now(),
            takes=self._wants,
            repository_of=self.settings.repository_of,
        )
        return self._take(event, slack.is_own(event), len(body))

    def slack_interactive(self, body: bytes, headers: Headers) -> Response:
        self.slack_events(body, headers)
        # Anything but an empty body would change or break the dialogue that the person is in.
        return _answer(200, "")

    def slack_commands(self, body: bytes, headers: Headers) -> Response:
        answer = self.slack_events(body, headers)
        if json.loads(answer.body).get("status") == "accepted":
            return _answer(200, "")
        return _answer(200, {"response_type": "ephemeral", "text": "No flow answers this command."})

    def start_run(self, body: bytes, headers: Headers) -> Response:
        sent = self._sent(body, headers)
        return self._begin(api.start(sent, self.settings.tenant_of), "runs/")

    def cancel_run(self, body: bytes, headers: Headers, run: str) -> Response:
        return self._begin(api.cancel(run, self._sent(body, headers)), "../")

    def answer_step(self, body: bytes, headers: Headers, run: str, step: str) -> Response:
        return self._begin(api.answer(run, step, self._sent(body, headers)), "../../")

    def _sent(self, body: bytes, headers: Headers) -> api.Sent:
        who = api.caller(headers, self.settings.api_tokens)
        who.may_write()
        return api.Sent(body, headers, who, self.now())

    def _begin(self, asked: api.Asked, runs: str) -> Response:
        """Publish what is wanted and say where its run can be read; `runs` leads there from the
        request's own path, before which API Gateway puts the stage."""
        event = asked.event
        if not self._wants(event.type):
            raise RequestRefused(422, "no flow of this name takes requests", "flow")
        self.publish(event)
        fields: Json = {"source": event.source, "event": event.id, "type": event.type}
        _count("Accepted", "event accepted", **fields, tenant=event.tenant, depth=event.depth)
        command = run_id(event, asked.flow)
        run = asked.run or command
        accepted = {"status": "accepted", "run": run, "command": command, "event": event.id}
        return _answer(202, accepted, Location=f"{runs}{run}")

    def _wants(self, type_: str) -> bool:
        """Does some flow take events of this type? Where EVENT_TYPES is not set, all do."""
        wanted = self.settings.event_types
        return not wanted or type_ in _names(wanted)

    def _take(self, event: Event, is_own: bool, size: int) -> Response:
        """Publish `event`, unless nobody wants it."""
        reason = ""
        if is_own:
            reason = "this app caused it"
        elif not self._wants(event.type):
            reason = f"no flow wants {event.type}"
        fields: Json = {
            "source": event.source,
            "event": event.id,
            "type": event.type,
            "bytes": size,
        }
        if reason:
            _count("Ignored", "event ignored", **fields, reason=reason)
            return _answer(200, {"status": "ignored", "reason": reason})
        self.publish(event)
        _count("Accepted", "event accepted", **fields, tenant=event.tenant, depth=event.depth)
        return _answer(200, {"status": "accepted", "event": event.id})


def build(ingress: Ingress) -> Chalice:
    """Return the Chalice app of `ingress`."""
    # Chalice would write its version into the environment and configure a logger of its own.
    app = Chalice("ingress", configure_logs=False, env={})
    # No answer is binary, and no content type is refused before the signature is known.
    app.api.binary_types = []
    routes = {
        "/github/webhook": ingress.github,
        "/slack/events": ingress.slack_events,
        "/slack/interactive": ingress.slack_interactive,
        "/slack/commands": ingress.slack_commands,
    }
    for path, receive in routes.items():
        view = _view(app, path.split("/")[1], receive)
        app.route(path, methods=["POST"], content_types=[])(view)
    writes: dict[str, Callable[..., Response]] = {
        "/runs": ingress.start_run,
        "/runs/{run}/cancel": ingress.cancel_run,
        "/runs/{run}/approvals/{step}": ingress.answer_step,
    }
    for path, receive_write in writes.items():
        app.route(path, methods=["POST"], content_types=[])(_view(app, "api", receive_write))
    app.route("/health", methods=["GET"])(ingress.health)
    return app


def _view(app: Chalice, source: str, receive: Callable[..., Response]) -> Callable[..., Response]:
    """Return the view that hands the raw body to `receive` and gives every failure its answer."""

    def view(**path: str) -> Response:
        try:
            body = _raw_body(app.current_request)
            if len(body) > MAX_BODY:
                _count("Rejected", "body too large", source=source, bytes=len(body))
                return _answer(
                    413, {"error": f"the body has {len(body)} bytes; at most {MAX_BODY} are taken"}
                )
            return receive(body, app.current_request.headers, **path)
        except SignatureError as err:
            _count("Rejected", "signature refused", source=source, reason=str(err))
            return _answer(401, {"error": "the signature does not match the body"})
        except RequestRefused as err:
            _count("Rejected", "request refused", source=source, status=err.status)
            return _answer(err.status, api.told(err), **api.challenge(err))
        except EventError as err:
            _count("Rejected", "no event", source=source, reason=str(err))
            return _answer(400, {"error": str(err)})
        except PublishError as err:
            _count("Failed", "publish failed", source=source, reason=str(err))
            return _later()
        except SettingsError as err:
            _count("Failed", "settings wrong", source=source, reason=str(err))
            return _later()
        except Exception as err:
            # The outermost place. The error's text may quote the request, so it is not logged.
            _count("Failed", "unexpected error", source=source, reason=_place(err))
            return _later()

    return view


@cache
def _names(wanted: str) -> frozenset[str]:
    return frozenset(name.strip() for name in wanted.split(","))


def _raw_body(request: Request) -> bytes:
    try:
        body: bytes = request.raw_body
    except ValueError as err:
        raise EventError("the body is neither UTF-8 nor base64") from err
    return body


def _answer(status: int, body: Json | str, **headers: str) -> Response:
    kind, text = ("application/json", json.dumps(body)) if body else ("text/plain", "")
    return Response(text, headers={"Content-Type": kind, **headers}, status_code=status)


def _later() -> Response:
    return _answer(
        503,
        {"error": "the event could not be taken now; send it again"},
        **{"Retry-After": RETRY_AFTER},
    )


def _place(err: BaseException) -> str:
    trace = err.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(err).__name__} in {where}"


def _count(metric: str, message: str, *, source: str, **fields: object) -> None:
    """Log one line that CloudWatch also counts as `metric`, without a call to its API.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": "AgentFlows",
        "Dimensions": [["source"]],
        "Metrics": [{"Name": metric, "Unit": "Count"}],
    }
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    log(message, source=source, **fields, **{metric: 1, "_aws": embedded})


def _connect(settings: Settings) -> Callable[[Event], None]:
    """Connect to the topic while the function starts, where there is one."""
    if not settings.topic_arn:
        return _no_topic
    bus = Bus(settings.topic_arn, settings.payload_bucket)
    bus.open()
    return bus.publish


def _no_topic(event: Event) -> None:
    raise PublishError(f"event {event.id} has nowhere to go; set TOPIC_ARN")


def __getattr__(name: str) -> object:
    """Build `app` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = Settings.from_environment()
    return build(Ingress(settings, _connect(settings)))
