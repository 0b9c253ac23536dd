"""The dialogs that people have open, and the triggers that open them."""

import secrets
import threading
import time
from typing import Any, NamedTuple

from shared.events import Json

#: Seconds for which a trigger opens something, and how many dialogs may lie upon one.
#: https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses
LIFE, DEEPEST = 3.0, 3
#: Fields of a view that the app sets, with what they are otherwise.
_SET = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
}


class SlackRefusal(Exception):
    """Slack's answer `{"ok": false, "error": …}`, with further fields."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


class _Trigger(NamedTuple):
    user: str
    made: float
    #: The dialog that it was used in; '' outside of one.
    view: str


class OpenViews:
    """What Slack remembers of views, whose app is `about`. Threads may share it; triggers live for
    3 s of the sandbox's clock, which `later` moves."""

    def __init__(self, about: Json) -> None:
        self._about = about
        self._shift = 0.0
        self._lock = threading.RLock()
        self._triggers: dict[str, _Trigger] = {}
        self._used: set[str] = set()
        self._stacks: dict[str, list[Json]] = {}

    def later(self, seconds: float) -> None:
        """Let time pass for triggers."""
        self._shift += seconds

    def trigger(self, user: str, view: str = "") -> str:
        """Make a trigger for something that `user` did, in the dialog `view` or in none."""
        trigger = trigger_id()
        with self._lock:
            self._triggers[trigger] = _Trigger(user, self._now(), view)
        return trigger

    def open(self, trigger: str, view: Json, *, push: bool = False) -> Json:
        with self._lock:
            person = self._exchanged(trigger)
            stack = self._stacks.get(person.user, [])
            if push and not any(one["id"] == person.view for one in stack):
                raise SlackRefusal("not_found")
            stack = stack if push else []
            if len(stack) >= DEEPEST:
                raise SlackRefusal("push_limit_reached")
            self._check_external_id(view)
            made = self._made(view, person.user, stack)
            self._stacks[person.user] = [*stack, made]
            self._used.add(trigger)
            return made

    def update(self, view: Json, view_id: str, external_id: str, hash_: str) -> Json:
        """Change a dialog that is open; raises Refusal when it is not."""
        with self._lock:
            for user, stack in self._stacks.items():
                for place, one in enumerate(stack):
                    named = external_id and one["external_id"] == external_id
                    if not named and one["id"] != view_id:
                        continue
                    if hash_ and hash_ != one["hash"]:
                        raise SlackRefusal("hash_conflict")
                    self._check_external_id(view, besides=one["id"])
                    kept = {name: one[name] for name in ("id", "root_view_id", "previous_view_id")}
                    changed = {**self._made(view, user, []), **kept, "user": user}
                    changed["external_id"] = view.get("external_id") or one["external_id"]
                    self._stacks[user] = [*stack[:place], changed, *stack[place + 1 :]]
                    return changed
        raise SlackRefusal("not_found")

    def of(self, user: str) -> Json | None:
        """Return the dialog that a person sees."""
        with self._lock:
            stack = self._stacks.get(user)
            return stack[-1] if stack else None

    def note(self, user: str, **fields: object) -> None:
        """Show at the person's dialog what is no part of the view: errors, trouble."""
        with self._lock:
            if stack := self._stacks.get(user):
                stack[-1] = {**stack[-1], **fields}

    def close(self, user: str, *, all_: bool = False) -> Json | None:
        """Close the topmost dialog of a person, or all; return the topmost."""
        with self._lock:
            stack = self._stacks.get(user, [])
            self._stacks[user] = [] if all_ else stack[:-1]
            return stack[-1] if stack else None

    def _exchanged(self, trigger: str) -> _Trigger:
        found = self._triggers.get(trigger)
        if found is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger in self._used:
            raise SlackRefusal("exchanged_trigger_id")
        if self._now() - found.made > LIFE:
            raise SlackRefusal("expired_trigger_id")
        return found

    def _check_external_id(self, view: Json, besides: str = "") -> None:
        wanted = view.get("external_id")
        taken = (one for stack in self._stacks.values() for one in stack if one["id"] != besides)
        if wanted and any(one["external_id"] == wanted for one in taken):
            raise SlackRefusal("duplicate_external_id")

    def _made(self, view: Json, user: str, stack: list[Json]) -> Json:
        id_ = f"V{secrets.token_hex(5).upper()}"
        about = {"id": id_, **self._about, "app_installed_team_id": self._about["team_id"]}
        about["root_view_id"] = stack[0]["id"] if stack else id_
        about["previous_view_id"] = stack[-1]["id"] if stack else None
        hash_ = f"{int(time.time())}.{secrets.token_hex(4)}"
        return {**_SET, **view, **about, "hash": hash_, "state": {"values": {}}, "user": user}

    def _now(self) -> float:
        return time.monotonic() + self._shift


def trigger_id() -> str:
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
