"""The front door: verify what GitHub, Slack and API callers send, make it an event, publish it.

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
from shared.aws.secrets import function_settings
from shared.errors import (
    EventError,
    PublishError,
    RequestRefused,
    SecretsUnavailable,
    SettingsError,
    SignatureError,
)
from shared.events import Event, Json, run_id
from shared.metrics import count
from shared.perception import Headers, github, slack
from shared.settings import Settings
from shared.web import api_requests as api
from shared.web.responses import later, refused, respond

ready()

#: Bytes. API Gateway takes 10 MB, but hands the body to Lambda as a string in at most 6 MB of JSON:
#: escapes and headers need the difference. Other servers get the same limit.
MAX_BODY = 5 * 1024 * 1024
_NOT_NOW = "the event could not be taken now; send it again"
_NO_COMMAND = (
    "I know no such command. `/agent help` lists what you may ask for. To ask me something, mention"
    " me in a channel, or write me a direct message."
)


class Ingress(NamedTuple):
    """The routes. `publish` raises PublishError; `now` is seconds since the epoch."""

    settings: Settings
    publish: Callable[[Event], None]
    now: Callable[[], float] = time.time

    def health(self) -> Response:
        """Say what is configured."""
        return respond(
            200,
            {
                "status": "ok",
                "version": __version__,
                "github": self._has("github_webhook_secret"),
                "slack": self._has("slack_signing_secret"),
                "api": self._has("api_tokens"),
                "bus": bool(self.settings.topic_arn),
            },
        )

    def github(self, body: bytes, headers: Headers) -> Response:
        self._verify("github_webhook_secret", lambda key: github.verify(body, headers, key))
        bot = self.settings.latest("github_bot_name")
        event = github.to_event(
            body,
            headers,
            self.settings.tenant_of,
            self.now(),
            takes=self._wants,
            claims=self._claimed,
            bot_name=bot,
            label_prefix=self.settings.github_label_prefix,
        )
        is_own = github.is_own(event, self.settings.latest("github_app_id"), bot)
        if event.payload.get("action") == "opened":
            from shared.perception import helping  # which no other event needs

            opened, event = helping.beside_opening(event)
            if opened:  # first, so that the command finds what it caused
                self._take(opened, is_own, len(body))
        return self._take(event, is_own, len(body))

    def slack_events(self, body: bytes, headers: Headers) -> Response:
        self._verify_slack(body, headers)
        challenge = slack.challenge(body, headers)
        if challenge is not None:
            return respond(200, {"challenge": challenge})
        event = self._of_slack(body, headers)
        return self._take(event, slack.is_own(event), len(body))

    def slack_interactive(self, body: bytes, headers: Headers) -> Response:
        self._verify_slack(body, headers)
        from shared.web import dialogs  # which only a person's press needs

        event = self._of_slack(body, headers)
        checked = dialogs.checked(event.payload, is_wanted=self._wants(event.type))
        if checked.is_taken:
            event = dialogs.opened(self.settings, event, self._claimed)
            self._take(event, slack.is_own(event), len(body))
        # Any other body would change or break the dialogue that the person is in.
        return respond(200, checked.answer) if checked.answer else respond(200)

    def slack_commands(self, body: bytes, headers: Headers) -> Response:
        self._verify_slack(body, headers)
        event = self._of_slack(body, headers)
        name = slack.bare_command(event)
        if name:
            from shared.web import dialogs  # which only a bare command may need

            event = dialogs.opened(self.settings, event, self._claimed, name)
        answer = self._take(event, slack.is_own(event), len(body))
        if json.loads(answer.body).get("status") == "accepted":
            return respond(200)
        why = _NO_COMMAND if self._wants("slack.command.help") else "No flow answers this command."
        return respond(200, {"response_type": "ephemeral", "text": why})

    def _verify_slack(self, body: bytes, headers: Headers) -> None:
        now = self.now()
        self._verify("slack_signing_secret", lambda key: slack.verify(body, headers, key, now))

    def _of_slack(self, body: bytes, headers: Headers) -> Event:
        return slack.to_event(
            body,
            headers,
            self.settings.tenant_of,
            self.now(),
            takes=self._wants,
            claims=self._claimed,
            repository_of=self.settings.repository_of,
        )

    def start_run(self, body: bytes, headers: Headers) -> Response:
        sent = self._sent(body, headers)
        return self._begin(api.start(sent, self.settings.tenant_of), "runs/")

    def cancel_run(self, body: bytes, headers: Headers, run: str) -> Response:
        return self._begin(api.order("cancel", run, self._sent(body, headers)), "../")

    def undo_run(self, body: bytes, headers: Headers, run: str) -> Response:
        return self._begin(api.order("undo", run, self._sent(body, headers)), "../")

    def answer_step(self, body: bytes, headers: Headers, run: str, step: str) -> Response:
        return self._begin(api.answer(run, step, self._sent(body, headers)), "../../")

    def _sent(self, body: bytes, headers: Headers) -> api.ApiRequest:
        who = api.caller_of(headers, self.settings.credential("api_tokens"))
        who.may_write()
        return api.ApiRequest(body, headers, who, self.now())

    def _verify(self, secret: str, check: Callable[[str], None]) -> None:
        """Check a signature with each value that may sign; raises SignatureError when none does."""
        refused: SignatureError | None = None
        for key in self.settings.credential(secret).accepted():
            try:
                return check(key)
            except SignatureError as err:
                refused = refused or err
        if refused:
            raise refused

    def _has(self, secret: str) -> bool:
        return bool(self.settings.credential(secret).value)

    def _begin(self, wanted: api.RunEvent, runs: str) -> Response:
        """Publish the event and say where to read its run; `runs` leads there from the request's
        own path, before which API Gateway puts the stage."""
        event = wanted.event
        if not self._wants(event.type):
            raise RequestRefused(422, "no flow of this name takes requests", "flow")
        self.publish(event)
        fields: Json = {"source": event.source, "event": event.id, "type": event.type}
        count("Accepted", "event accepted", **fields, tenant=event.tenant, depth=event.depth)
        command = run_id(event, wanted.flow)
        run = wanted.run or command
        accepted = {"status": "accepted", "run": run, "command": command, "event": event.id}
        return respond(202, accepted, Location=f"{runs}{run}")

    def _wants(self, type_: str) -> bool:
        """Tell if a flow takes events of this type; without EVENT_TYPES, flows take all."""
        wanted = self.settings.event_types
        return not wanted or type_ in _names(wanted)

    def _claimed(self, type_: str) -> bool:
        """Tell if EVENT_TYPES names this type, which somebody's word made up."""
        return type_ in _names(self.settings.event_types)

    def _take(self, event: Event, is_own: bool, size: int) -> Response:
        """Publish `event` if a flow wants it and it is not our own."""
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
            count("Ignored", "event ignored", **fields, reason=reason)
            return respond(200, {"status": "ignored", "reason": reason})
        self.publish(event)
        count("Accepted", "event accepted", **fields, tenant=event.tenant, depth=event.depth)
        return respond(200, {"status": "accepted", "event": event.id})


def build(ingress: Ingress) -> Chalice:
    """Return the Chalice app of `ingress`."""
    # Chalice would write its version into the environment and configure a logger of its own.
    app = Chalice("ingress", configure_logs=False, env={})
    # No response is binary, and any content type passes until the signature is known.
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
        "/runs/{run}/undo": ingress.undo_run,
        "/runs/{run}/approvals/{step}": ingress.answer_step,
    }
    for path, receive_write in writes.items():
        app.route(path, methods=["POST"], content_types=[])(_view(app, "api", receive_write))
    app.route("/health", methods=["GET"])(ingress.health)
    return app


def _view(app: Chalice, source: str, receive: Callable[..., Response]) -> Callable[..., Response]:
    """Return the view that hands the raw body to `receive` and answers each kind of failure."""

    def view(**path: str) -> Response:
        try:
            body = _raw_body(app.current_request)
            if len(body) > MAX_BODY:
                count("Rejected", "body too large", source=source, bytes=len(body))
                return respond(
                    413, {"error": f"the body has {len(body)} bytes; at most {MAX_BODY} are taken"}
                )
            return receive(body, app.current_request.headers, **path)
        except SignatureError as err:
            count("Rejected", "signature refused", source=source, reason=str(err))
            return respond(401, {"error": "the signature does not match the body"})
        except RequestRefused as err:
            count("Rejected", "request refused", source=source, status=err.status)
            return refused(err)
        except EventError as err:
            count("Rejected", "no event", source=source, reason=str(err))
            return respond(400, {"error": str(err)})
        except PublishError as err:
            count("Failed", "publish failed", source=source, reason=str(err))
            return later(_NOT_NOW)
        except (SettingsError, SecretsUnavailable) as err:
            count("Failed", "settings wrong or away", source=source, reason=str(err))
            return later(_NOT_NOW)
        except Exception as err:
            # The outermost handler. The error's text may quote the request, so it stays unlogged.
            count("Failed", "unexpected error", source=source, reason=_place(err))
            return later(_NOT_NOW)

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


def _place(err: BaseException) -> str:
    trace = err.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(err).__name__} in {where}"


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
    settings = function_settings(at_once=False)
    return build(Ingress(settings, _connect(settings)))
