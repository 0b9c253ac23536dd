"""The sandbox Slack: its server, and a method for each thing that people do in it."""

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.http_server import HttpServer
from infra.local.sandbox.slack import payloads
from infra.local.sandbox.slack.courier import Attempt, Courier, Delivery
from infra.local.sandbox.slack.envelopes import Envelopes
from infra.local.sandbox.slack.faults import Fault, Faults
from infra.local.sandbox.slack.files.serving import Trouble
from infra.local.sandbox.slack.files.store import Files
from infra.local.sandbox.slack.front_door import AppAnswer, FrontDoor
from infra.local.sandbox.slack.installing.apps import Apps
from infra.local.sandbox.slack.installing.neighbours import Neighbour, Neighbours
from infra.local.sandbox.slack.responses import Responses
from infra.local.sandbox.slack.search.tokens import ActionTokens
from infra.local.sandbox.slack.streams.sessions import status_of
from infra.local.sandbox.slack.streams.streaming import seen_by, stop_by_person
from infra.local.sandbox.slack.views.people import ViewsOfPeople
from infra.local.sandbox.slack.web import Web
from infra.local.sandbox.slack.workspace import ALICE, APP, BOT_USER, GENERAL, Workspace
from shared.events import Json


class SlackSandbox:
    """The workspace acme (T0SANDBOX) with #general, #support and a direct message of Alice.

    It posts each happening, signed, to `events_url` + /slack/events, /slack/interactive and
    /slack/commands, or to the addresses of an app that somebody made of a manifest and installed;
    or sends it through Socket Mode while an app is connected. `state` is a
    directory that outlives the process. `pace` scales the minutes between the retries of an event,
    `patience` is how many seconds the app has to answer.
    """

    bot_token = "xoxb-sandbox"
    app_token = "xapp-sandbox"

    def __init__(
        self,
        events_url: str,
        signing_secret: str,
        state: Path | None = None,
        port: int = 0,
        *,
        pace: float = 1.0,
        patience: float = 3.0,
    ) -> None:
        self.workspace = Workspace(self._happened, state)
        self._door = (events_url, signing_secret)
        self._patience = patience
        self._envelopes = Envelopes(patience)
        self._courier = Courier(self._send, pace)
        self._faults = Faults()
        self._responses = Responses(self.workspace)
        tokens = (self.bot_token, self.app_token)
        #: The apps that a person configures, and the tokens for that.
        self.apps = Apps(self.bot_token)
        self.files = Files(self.workspace)
        self.neighbours = Neighbours(self._heard)
        #: What lets the app search for the person who wrote to it.
        self.searches = ActionTokens()
        parts = (self.workspace, tokens, self._faults, self._envelopes, self._responses)
        self._web = Web(
            *parts,
            apps=self.apps,
            files=self.files,
            neighbours=self.neighbours,
            searches=self.searches,
        )
        #: What people do with dialogs, shortcuts and the app's home.
        self.views = ViewsOfPeople(self.workspace, self._responses, self._courier.take, self._url)
        self._server = HttpServer(port)

    @property
    def api_url(self) -> str:
        """The base_url for slack_sdk, and the value of SLACK_API_URL."""
        return f"{self._server.url}/api/"

    def start(self) -> Self:
        self._courier.start()
        self._server.start(self._web)
        self.files.root = self._server.url
        return self

    def stop(self) -> None:
        """Stop and drop what is not delivered yet. A stopped sandbox cannot be started again."""
        self._web.stopping.set()
        self._envelopes.close()
        self._courier.stop()
        self._server.stop()
        self.workspace.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # What people do. A channel is named by its id or as `#support`.

    def say(
        self,
        channel: str,
        text: str,
        user: str = ALICE,
        thread_ts: str | None = None,
        **more: list[Json],
    ) -> str:
        """Let `user` write `text`, in which `<@U0AGENT>` mentions the bot; returns its ts. `more`
        are what comes along: `attachments`, `files`, `blocks`."""
        message = self.workspace.post(self._id(channel), user, thread_ts, text=text, **more)
        return str(message["ts"])

    def attach(
        self,
        channel: str,
        *files: tuple[str, bytes],
        text: str = "",
        user: str = ALICE,
        thread_ts: str | None = None,
    ) -> str:
        """Let `user` send files, by name and content, with a `text`; returns the message's ts."""
        rows = [self.files.add(name, body, user) for name, body in files]
        place = self._id(channel)
        message = self.workspace.post(
            place, user, thread_ts, text=text, files=rows, subtype="file_share"
        )
        return str(message["ts"])

    def trouble_next(self, *troubles: Trouble) -> None:
        """Let the next downloads of files go wrong."""
        self._web.files.troubles.extend(troubles)

    @property
    def downloads(self) -> list[tuple[str, str]]:
        """Return the path of each download, and the token that came with it."""
        return list(self._web.files.seen)

    def edit(self, channel: str, ts: str, text: str, user: str = ALICE) -> None:
        self.workspace.edit(self._id(channel), ts, user, text=text)

    def delete(self, channel: str, ts: str) -> None:
        self.workspace.delete(self._id(channel), ts)

    def react(self, channel: str, ts: str, emoji: str, user: str = ALICE) -> None:
        self.workspace.react(self._id(channel), ts, user, emoji)

    def command(
        self, command: str, text: str = "", channel: str = GENERAL, user: str = ALICE
    ) -> None:
        """Let `user` type a slash command, such as `/agent`; the app's answer is a whisper."""
        place, person = self.workspace.channel(channel), self.workspace.users[user]
        token = self._responses.invite(place["id"], user)
        address, trigger = self._url(token), self.workspace.views.trigger(user)
        form = payloads.slash_command(command, text, place, person, address, trigger=trigger)
        show = partial(self._show_answer, token)
        self._courier.take(Delivery(form["trigger_id"], "command", form, place["id"], show))

    def click(
        self, channel: str, ts: str, action_id: str, user: str = ALICE, value: str | None = None
    ) -> None:
        """Let `user` click on the element `action_id` of a message, or of one that they alone see;
        `value` is what they choose where it offers several things."""
        place, person = self.workspace.channel(channel), self.workspace.users[user]
        alone = self.workspace.whispered(place["id"], ts) or {}
        message = alone if alone.get("to") == user else self.workspace.message(place["id"], ts)
        address = self._url(self._responses.invite(place["id"], user, ts))
        trigger = self.workspace.views.trigger(user)
        payload = payloads.block_actions(
            message, action_id, place, person, address, trigger=trigger, value=value
        )
        self._courier.take(Delivery(payload["trigger_id"], "interaction", payload, place["id"]))

    def stop_agent(self, channel: str, thread_ts: str, user: str = ALICE) -> None:
        """Let `user` press Stop, which Slack shows while a session of the thread is processing.
        https://docs.slack.dev/reference/events/agent_session_stopped"""
        place = self._id(channel)
        event: Json = {"type": "agent_session_stopped", "channel": place, "thread_ts": thread_ts}
        event["streaming_message_ts"] = stop_by_person(self.workspace, place, thread_ts)
        self._happened(event | {"user": user, "event_ts": f"{self.workspace.now():.6f}"})

    # What there is to see

    def status(self, channel: str, thread_ts: str) -> Json:
        """Return the status with its loading lines in a thread; empty without one."""
        return status_of(self.workspace, self._id(channel), thread_ts)

    def session(self, channel: str, thread_ts: str) -> str:
        """Return the status of the agent's session in a thread; empty without a session."""
        found = self.workspace.shown("sessions", f"{self._id(channel)}/{thread_ts}") or {}
        return str(found.get("status", ""))

    def seen(self, channel: str, thread_ts: str, user: str = ALICE) -> list[str]:
        """Return the texts of a thread's replies as one person sees them now."""
        replies = self.thread(channel, thread_ts)[1:]
        return [seen_by(self.workspace, reply, user) for reply in replies]

    def pass_time(self, seconds: float) -> None:
        """Move the clock by which Slack ends streams and statuses."""
        self.workspace.ahead += seconds

    def messages(self, channel: str) -> list[Json]:
        """Return all messages with the replies in threads, the oldest first."""
        return self.workspace.messages(self._id(channel))

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a message and its replies."""
        return self.workspace.thread(self._id(channel), ts)

    def calls(self, method: str) -> list[Json]:
        """Return the arguments of the last calls of `method`, the oldest first."""
        return [call.arguments for call in list(self._web.calls) if call.method == method]

    @property
    def called(self) -> list[str]:
        """Return the methods that were called, the oldest first."""
        return [call.method for call in list(self._web.calls)]

    @property
    def attempts(self) -> list[Attempt]:
        """Return the attempts to tell the app, the oldest first."""
        return list(self._courier.attempts)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until the app knows everything, or all retries are used up."""
        return self._courier.settle(timeout)

    # What goes wrong

    def fail_next(
        self,
        method: str,
        error: str = "",
        *,
        status: int = 200,
        times: int = 1,
        after: bool = False,
        retry_after: int | str = 1,
    ) -> None:
        """Let the next `times` calls of `method` fail: with Slack's `error`, with an HTTP `status`,
        or without an answer. `after` makes the change first."""
        self._faults.add(method, Fault(error, status, after, retry_after), times)

    def forget_faults(self) -> None:
        """Let no call fail any more that was ordered to."""
        self._faults.clear()

    def slow_next(self, method: str, seconds: float, times: int = 1) -> None:
        """Let the next calls of `method` be answered late."""
        self._faults.add(method, Fault(delay=seconds, proceed=True), times)

    def delay_next(self, method: str, seconds: float, times: int = 1) -> None:
        """Let the next calls of `method` take effect late."""
        self._faults.add(method, Fault(delay=seconds, late=True), times)

    def _id(self, channel: str) -> str:
        return str(self.workspace.channel(channel)["id"])

    def _happened(self, event: Json) -> None:
        """Tell the app; called by the workspace for each event."""
        item = event.get("item") or event
        place = item.get("channel", APP)
        shared = bool(self.workspace.channels.get(place, {}).get("is_ext_shared"))
        body = payloads.envelope(self.searches.brought(event), shared=shared)
        self._courier.take(Delivery(body["event_id"], "event", body, place))

    def _heard(self, there: Neighbour, event: Json) -> None:
        """Tell the app of what happens in another workspace."""
        place = (event.get("item") or event).get("channel", APP)
        body = payloads.envelope(event, team=there.team, org=there.org)
        self._courier.take(Delivery(body["event_id"], "event", body, f"{there.team}/{place}"))

    def remove(self, place: str, reason: str = "account_inactive") -> None:
        """Let a workspace, or an organisation, remove the app: its tokens end, and the app hears
        of it."""
        self.apps.installed.end(place, reason)
        org = place if place.startswith("E") else ""
        for event in (
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}},
            {"type": "app_uninstalled"},
        ):
            body = payloads.envelope(event, team=place, org=org)
            body |= {"team_id": None, "context_team_id": None} if org else {}
            self._courier.take(Delivery(body["event_id"], "event", body, place))

    def _send(self, delivery: Delivery, number: int, reason: str) -> AppAnswer:
        if self._envelopes.connected:
            return self._envelopes.send(delivery, number, reason)
        url, secret = self.apps.door()
        door = FrontDoor(*((url, secret) if url else self._door), self._patience)
        match delivery.kind:
            case "interaction":
                return door.interaction(delivery.body)
            case "command":
                return door.command(delivery.body)
        headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        return door.event(delivery.body, headers if number else None)

    def _show_answer(self, token: str, answer: AppAnswer) -> None:
        self._responses.answered(token, answer.body)

    def _url(self, token: str) -> str:
        return f"{self._server.url}/respond/{token}"
