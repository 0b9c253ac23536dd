"""Reads what somebody submitted, and finds what the declaration alone says is wrong with it.

The values are data from outside, as long as Slack lets people write, and in whatever shape.
https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

import json
import re
from typing import Any, NamedTuple

from shared.events import Event, Json
from shared.forms import Field, Form

_TS = r"\d{1,16}\.\d{1,16}"
_CHANNEL = r"[CDG][A-Z0-9]{1,20}"
#: Where the state of an element holds its value, by its kind.
_HELD = {
    "text": "value",
    "lines": "value",
    "choice": "selected_option",
    "several": "selected_options",
    "date": "selected_date",
    "time": "selected_time",
    "channel": "selected_conversation",
}


class FormOrigin(NamedTuple):
    """The message that a form was opened from; empty where there was none.

    It travels in the view's `private_metadata`, which people cannot change. Who takes a submission
    still asks whether the person reads the channel (`AskReader`), since that may have changed. Of a
    message that one person sees, `response_url` is the address at which it is changed.
    """

    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    response_url: str = ""

    @classmethod
    def of(cls, event: Event) -> "FormOrigin":
        """Return where the person was who opened or submitted the form of the event."""
        said, thread, response = event.message_target, event.thread_target, event.response_target
        place = event.scope.rpartition(":")[2]
        return cls(
            place if re.fullmatch(_CHANNEL, place) else "",
            said.ts if said else "",
            thread.ts if thread else "",
            response.url if response and _is_seen_alone(event.payload) else "",
        )

    def to_text(self) -> str:
        return json.dumps(self if self.response_url else self[:3], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: Any) -> "FormOrigin":
        """Read what `to_text` wrote; what is anything else is no origin."""
        try:
            channel, ts, thread_ts, *more = json.loads(text)
            is_place = re.fullmatch(_CHANNEL, channel) and re.fullmatch(_TS, ts or "0.0")
            if is_place and re.fullmatch(_TS, thread_ts or "0.0"):
                return cls(channel, ts, thread_ts, str(more[0]) if more else "")
        except (ValueError, TypeError, RecursionError):
            pass
        return cls()


def _is_seen_alone(payload: Json) -> bool:
    """Was it a message that one person sees, or a dialog that was opened there?"""
    container = payload.get("container")
    is_ephemeral = isinstance(container, dict) and container.get("is_ephemeral") is True
    return is_ephemeral or payload.get("type") == "view_submission"


def values_in(form: Form, view: Any) -> Json:
    """Return the submitted values by the names of the fields: texts, and lists where one chooses
    several. What is not there is empty."""
    state = view.get("state") if isinstance(view, dict) else None
    rows = state.get("values") if isinstance(state, dict) else None
    return {
        field.name: _value(field, rows if isinstance(rows, dict) else {}) for field in form.fields
    }


def errors_in(form: Form, view: Any) -> dict[str, str]:
    """Return what is wrong, by the names of the fields; nothing when all may be taken."""
    values = values_in(form, view)
    wrong = ((field.name, _error(field, values[field.name])) for field in form.fields)
    return {name: said for name, said in wrong if said}


def _value(field: Field, rows: Json) -> Any:
    row = rows.get(field.name)
    element = row.get(field.name) if isinstance(row, dict) else None
    held = element.get(_HELD[field.kind]) if isinstance(element, dict) else None
    if field.kind == "several":
        return [_chosen(one) for one in held] if isinstance(held, list) else []
    found = _chosen(held) if field.kind == "choice" else held
    text = found if isinstance(found, str) else ""
    return text.replace("\0", "\ufffd").strip()


def _chosen(option: Any) -> str:
    value = option.get("value") if isinstance(option, dict) else None
    return value if isinstance(value, str) else ""


def _error(field: Field, value: Any) -> str:
    if not value:
        return "Fill this in." if field.required else ""
    if isinstance(value, list):
        known = {one.value for one in field.choices}
        return "Choose from the list." if known and not known.issuperset(value) else ""
    if len(value) > field.longest:
        return f"At most {field.longest:,} characters; these are {len(value):,}."
    if len(value) < field.shortest:
        return f"At least {field.shortest} characters."
    if field.choices and value not in {one.value for one in field.choices}:
        return "Choose from the list."
    if field.kind == "date" and not _is_date(value):
        return "Choose a day, such as 2026-12-31."
    if field.pattern and not re.fullmatch(field.pattern, value):
        return f"Write {field.expected}." if field.expected else "This has another form."
    return ""


def _is_date(text: str) -> bool:
    from datetime import date  # which few forms need

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
