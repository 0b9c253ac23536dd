"""Shows a form as a view of Slack.

https://docs.slack.dev/reference/views/modal-views
https://docs.slack.dev/reference/block-kit/blocks/input-block
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from shared.events import Json
from shared.forms import Choice, Field, Form

#: Characters of Slack's texts, and options of a menu.
_TITLE, _LABEL, _OPTION, _NOTE, _OPTIONS = 24, 2_000, 75, 3_000, 100
#: Characters of an option's value.
VALUE = 150
_LOADING = "Loading … If this stays, close it and try again."

#: What a flow gives the fields beyond their declaration.
Values = Mapping[str, Any]
Choices = Mapping[str, Sequence[Choice]]


def key_of(payload: Json) -> str:
    """Return the `external_id` of the view that an interaction opens. No two have the same, since
    each has a trigger of its own."""
    trigger = str(payload.get("trigger_id"))
    return f"v-{hashlib.sha256(trigger.encode('utf-8', 'replace')).hexdigest()[:32]}"


def opening(form: Form, origin: str, key: str) -> Json:
    """Return the view with which the form opens, found again by its `key`."""
    view = _modal(form, origin, [_words(_LOADING)]) if form.fills else filled(form, origin)
    return {**view, "external_id": key}


def filled(
    form: Form,
    origin: str,
    values: Values | None = None,
    choices: Choices | None = None,
    problems: Mapping[str, str] | None = None,
) -> Json:
    """Return the form with these values. A problem stands below its field, and one of no field
    above them all."""
    values, choices, problems = values or {}, choices or {}, problems or {}
    names = {field.name for field in form.fields}
    blocks = [_words(form.intro)] if form.intro else []
    blocks += [_problem(said) for name, said in problems.items() if name not in names]
    for field in form.fields:
        offered = choices.get(field.name, field.choices)
        blocks.append(_input(field, values.get(field.name), offered))
        if said := problems.get(field.name):
            blocks.append(_problem(said))
    return {**_modal(form, origin, blocks), "submit": _plain(form.submit, _TITLE)}


def told(form: Form, origin: str, text: str) -> Json:
    """Return the view that tells something in place of the form."""
    return _modal(form, origin, [_words(text)])


def _modal(form: Form, origin: str, blocks: list[Json]) -> Json:
    return {
        "type": "modal",
        "callback_id": form.name,
        "title": _plain(form.title, _TITLE),
        "close": _plain("Close", _TITLE),
        "private_metadata": origin,
        "blocks": blocks,
    }


def _input(field: Field, value: Any, choices: Sequence[Choice]) -> Json:
    element = {"action_id": field.name, **_ELEMENTS[field.kind](field, value, choices)}
    block: Json = {
        "type": "input",
        "block_id": field.name,
        "label": _plain(field.label, _LABEL),
        "optional": not field.required,
        "element": element,
    }
    return {**block, "hint": _plain(field.hint, _LABEL)} if field.hint else block


def _text(field: Field, value: Any, _: Sequence[Choice]) -> Json:
    element: Json = {"type": "plain_text_input", "multiline": field.kind == "lines"}
    element |= {"max_length": field.longest} | (
        {"min_length": field.shortest} if field.shortest else {}
    )
    return {**element, "initial_value": str(value)[: field.longest]} if value else element


def _choice(_: Field, value: Any, choices: Sequence[Choice]) -> Json:
    options = [_option(one) for one in choices[:_OPTIONS]]
    chosen = [one for one in options if one["value"] == value]
    element: Json = {"type": "static_select", "options": options}
    return {**element, "initial_option": chosen[0]} if chosen else element


def _several(_: Field, value: Any, choices: Sequence[Choice]) -> Json:
    options = [_option(one) for one in choices[:10]]  # the most that checkboxes take
    chosen = [one for one in options if one["value"] in (value or ())]
    element: Json = {"type": "checkboxes", "options": options}
    return {**element, "initial_options": chosen} if chosen else element


def _date(field: Field, value: Any, _: Sequence[Choice]) -> Json:
    kind = {"date": "datepicker", "time": "timepicker", "channel": "conversations_select"}
    initial = {"channel": "conversation"}.get(field.kind, field.kind)
    element: Json = {"type": kind[field.kind]}
    return {**element, f"initial_{initial}": value} if value else element


_ELEMENTS = {
    "text": _text,
    "lines": _text,
    "choice": _choice,
    "several": _several,
    "date": _date,
    "time": _date,
    "channel": _date,
}


def _option(choice: Choice) -> Json:
    return {"text": _plain(choice.label or choice.value, _OPTION), "value": choice.value[:VALUE]}


def _words(text: str) -> Json:
    return {"type": "section", "text": _plain(text, _NOTE)}


def _problem(said: str) -> Json:
    return {"type": "context", "elements": [_plain(f"⚠ {said}", _LABEL)]}


def _plain(text: str, most: int) -> Json:
    """Nothing in a plain text is a mention or a link."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return {"type": "plain_text", "text": cut or " ", "emoji": False}
