"""What people do with dialogs, shortcuts and the app's home."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from infra.local.sandbox.slack.courier import Delivery
from infra.local.sandbox.slack.front_door import AppAnswer
from infra.local.sandbox.slack.responses import Responses
from infra.local.sandbox.slack.views import presses
from infra.local.sandbox.slack.views.checks import checked_view
from infra.local.sandbox.slack.workspace import ALICE, Refusal, Workspace
from shared.events import Json

_TROUBLE = "We had some trouble connecting. Try again?"


class ViewsOfPeople:
    """Each method is one thing that a person does; `take` brings it to the app, and `address` makes
    the `response_url` of a token."""

    def __init__(
        self,
        workspace: Workspace,
        responses: Responses,
        take: Callable[[Delivery], None],
        address: Callable[[str], str],
    ) -> None:
        self._workspace = workspace
        self._responses = responses
        self._take = take
        self._address = address

    def dialog(self, user: str = ALICE) -> Json | None:
        """Return the dialog that a person sees, with the `errors` at its fields; None for none."""
        return self._workspace.views.of(user)

    def home(self, user: str = ALICE) -> Json | None:
        """Return the app's home as a person sees it."""
        return self._workspace.shown("views", user)

    def open_home(self, user: str = ALICE) -> None:
        self._workspace.open_home(user)

    def open_messages(self, user: str = ALICE) -> None:
        self._workspace.open_home(user, "messages")

    def shortcut(self, callback_id: str, user: str = ALICE) -> None:
        """Use a global shortcut."""
        trigger = self._workspace.views.trigger(user)
        body = presses.shortcut(callback_id, self._workspace.users[user], trigger)
        self._send(body, user)

    def shortcut_on(self, callback_id: str, channel: str, ts: str, user: str = ALICE) -> None:
        """Use a shortcut in the menu of a message."""
        place = self._workspace.channel(channel)
        message = self._workspace.message(place["id"], ts)
        address = self._address(self._responses.invite(place["id"], user))
        trigger = self._workspace.views.trigger(user)
        person = self._workspace.users[user]
        body = presses.message_action(
            callback_id, person, trigger, place, message, response_url=address
        )
        self._send(body, user, place["id"])

    def submit(self, values: Json | None = None, user: str = ALICE) -> Json:
        """Submit the dialog with these values, by the ids of the blocks; return the body."""
        view = self._shown(user)
        trigger = self._workspace.views.trigger(user, view["id"])
        self._workspace.views.note(user, errors={}, trouble="", typed=values or {})
        body = presses.submission(view, values or {}, self._workspace.users[user], trigger)
        self._send(body, user, answered=partial(self._answered, user, view))
        return body

    def close(self, user: str = ALICE) -> None:
        view = self._workspace.views.close(user)
        if view and view["notify_on_close"]:
            person = self._workspace.users[user]
            self._send(presses.closed(view, person, "", all_=False), user)

    def press(
        self, action_id: str, value: Any = None, user: str = ALICE, *, home: bool = False
    ) -> None:
        """Press an element of the person's dialog or home."""
        view = self.home(user) if home else self.dialog(user)
        if view is None:
            raise Refusal("not_found")
        action = presses.action_of(view["blocks"], action_id, value)
        trigger = self._workspace.views.trigger(user, "" if home else view["id"])
        values = {action["block_id"]: value} if value is not None else {}
        person = self._workspace.users[user]
        self._send(presses.view_action(view, action, values, person, trigger), user)

    def _shown(self, user: str) -> Json:
        if (view := self.dialog(user)) is None:
            raise Refusal("not_found")
        return view

    def _send(
        self,
        body: Json,
        user: str,
        place: str = "",
        answered: Callable[[AppAnswer], None] | None = None,
    ) -> None:
        key = str(body.get("trigger_id") or body["view"]["id"])
        trouble = partial(self._workspace.views.note, user, trouble=_TROUBLE)
        self._take(Delivery(key, "interaction", body, place or user, answered, trouble))

    def _answered(self, user: str, view: Json, answer: AppAnswer) -> None:
        """Do with a submitted dialog what the app answers.
        https://docs.slack.dev/surfaces/modals#interactions"""
        views = self._workspace.views
        said = json.loads(answer.body) if answer.body.strip() else {}
        match said.get("response_action"):
            case "errors":
                views.note(user, errors=said["errors"])
            case "update":
                try:
                    shown = checked_view(said["view"], ("modal",))
                    views.update(shown, view["id"], "", "")
                except Refusal:
                    views.note(user, trouble=_TROUBLE)
            case "clear":
                views.close(user, all_=True)
            case _:
                views.close(user)
