"""Lets the local system chat in a real workspace: posts what comes through Socket Mode, signed, to
the local front door, as Slack does when deployed."""

import logging
import socket
from contextlib import suppress
from http.client import HTTPException
from types import TracebackType
from typing import Self

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from infra.local.sandbox.slack.front_door import AppAnswer, FrontDoor
from shared.errors import SettingsError
from shared.settings import Settings

_log = logging.getLogger(__name__)
_RETRY = ("x-slack-retry-num", "x-slack-retry-reason")


class SocketMode:
    """A connection to Slack with SLACK_BOT_TOKEN and SLACK_APP_TOKEN.

    An envelope is acknowledged only after the front door at `url` answered 200; Slack sends an
    unacknowledged event again. One envelope is forwarded at a time, so that they arrive in order.
    """

    def __init__(self, settings: Settings, url: str, patience: float = 10.0) -> None:
        secret = settings.require("slack_signing_secret")
        self._front_door = FrontDoor(url, secret, patience)
        token = settings.require("slack_bot_token")
        self._client = WebClient(token=token, base_url=settings.slack_api_url)
        self._app_token = settings.require("slack_app_token")
        self._handler: SocketModeHandler | None = None

    def start(self) -> Self:
        """Connect; raises SettingsError when Slack cannot be reached or refuses the tokens."""
        try:
            self._client.auth_test()
            url = self._client.apps_connections_open(app_token=self._app_token)["url"]
        except SlackApiError as err:
            raise SettingsError(
                f"Socket Mode: Slack answered {err.response['error']}; check SLACK_BOT_TOKEN"
                " (xoxb-) and SLACK_APP_TOKEN (xapp-, with the scope connections:write)"
            ) from err
        except OSError as err:
            raise SettingsError(
                f"Socket Mode: no connection to {self._client.base_url};"
                " check the network and SLACK_API_URL"
            ) from err
        self._handler = SocketModeHandler(self._app(), self._app_token, concurrency=1)
        self._handler.client.wss_uri = url
        self._handler.connect()
        return self

    def stop(self) -> None:
        if self._handler is None:
            return
        session = self._handler.client.current_session
        if session is not None and session.sock is not None:
            with suppress(OSError):  # else close waits for its next message, up to 3 s
                session.sock.shutdown(socket.SHUT_RDWR)
        self._handler.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _app(self) -> App:
        """Build a Bolt app that only carries envelopes: the ingress does the rest, as when
        deployed."""
        app = App(
            client=self._client,
            token_verification_enabled=False,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            url_verification_enabled=False,
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
        )
        app.use(self._forward)
        return app

    def _forward(self, req: BoltRequest) -> BoltResponse:
        """Post the payload of one envelope. Bolt acknowledges the envelope when this is a 200."""
        try:
            answer = self._post(req)
        except (OSError, HTTPException) as err:
            _log.warning("no answer from the front door", extra={"error": type(err).__name__})
            return BoltResponse(status=503)
        if answer.status != 200:
            _log.warning("refused by the front door", extra={"status": answer.status})
        # The answer to a command or a click is shown; that to an event means nothing.
        shown = "" if _is_event(req) else answer.body.decode("utf-8", "replace")
        headers = {"content-type": answer.headers.get("content-type", "text/plain")}
        return BoltResponse(status=answer.status, body=shown, headers=headers)

    def _post(self, req: BoltRequest) -> AppAnswer:
        if _is_event(req):
            retries = {name: req.headers[name][0] for name in _RETRY if name in req.headers}
            first = retries.get(_RETRY[0]) == "0"
            return self._front_door.event(req.body, {} if first else retries)
        if "command" in req.body:
            return self._front_door.command(req.body)
        return self._front_door.interaction(req.body)


def _is_event(req: BoltRequest) -> bool:
    return bool(req.body.get("type") == "event_callback")
