"""What a form's declaration alone decides of a submission, whatever somebody sends."""

from typing import Any

import pytest

from infra.local.sandbox.slack.views.checks import checked_view
from shared.events import Json
from shared.forms import Choice, Field, Form
from shared.forms.showing import filled, opening, told
from shared.forms.submission import FormOrigin, errors_in, values_in
from shared.forms.table import FORMS, opened_by

FIELDS = (
    Field("text", "Text", longest=10, shortest=2),
    Field("lines", "Lines", "lines", required=False),
    Field("name", "Name", pattern=r"[a-z]+/[a-z]+", expected="such as acme/shop"),
    Field("one", "One", "choice", choices=(Choice("a", "A"), Choice("b", "B"))),
    Field("many", "Many", "several", required=False, choices=(Choice("a", "A"), Choice("b", "B"))),
    Field("day", "Day", "date", required=False),
)
FORM = Form("all", "All kinds", FIELDS)
RIGHT: dict[str, Any] = {"text": "four", "name": "acme/shop", "one": "a"}
_HELD = {"one": "selected_option", "many": "selected_options", "day": "selected_date"}


def view(**values: Any) -> Json:
    """Return a view as Slack sends it, with these values in its state."""
    rows = {}
    for name, value in (RIGHT | values).items():
        held: Any = value
        if name == "one":
            held = {"value": value, "text": {"type": "plain_text", "text": "x"}} if value else None
        if name == "many":
            held = [{"value": one} for one in value]
        rows[name] = {name: {"type": "x", _HELD.get(name, "value"): held}}
    return {"state": {"values": rows}}


def test_what_fits_has_no_errors() -> None:
    assert errors_in(FORM, view(many=["a", "b"], day="2026-12-31", lines="1\n2")) == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("text", "", "Fill this in."),
        ("text", None, "Fill this in."),
        ("text", " \t ", "Fill this in."),
        ("text", "x", "At least 2"),
        ("text", "x" * 11, "At most 10 characters; these are 11."),
        ("text", 7, "Fill this in."),
        ("name", "acme", "Write such as acme/shop."),
        ("name", "acme/shop\nmore", "Write such as acme/shop."),
        ("one", "c", "Choose from the list."),
        ("one", "", "Fill this in."),
        ("many", ["a", "c"], "Choose from the list."),
        ("day", "2026-02-30", "Choose a day"),
        ("day", "soon", "Choose a day"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(name: str, value: Any, said: str) -> None:
    errors = errors_in(FORM, view(**{name: value}))
    assert errors.keys() == {name}
    assert errors[name].startswith(said)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "x",
        {},
        {"state": None},
        {"state": []},
        {"state": {"values": []}},
        {"state": {"values": {"text": []}}},
        {"state": {"values": {"text": {"text": []}}}},
        {"state": {"values": {"one": {"one": {"selected_option": []}}}}},
        {"state": {"values": {"many": {"many": {"selected_options": {"value": "a"}}}}}},
    ],
)
def test_a_damaged_submission_is_an_empty_one(broken: Any) -> None:
    assert values_in(FORM, broken) == {
        **dict.fromkeys(("text", "lines", "name", "one", "day"), ""),
        "many": [],
    }
    assert errors_in(FORM, broken).keys() == {"text", "name", "one"}


HOSTILE = (
    '<!channel> <@U1> <https://evil|good> & ` ``` "}],"',
    "x" * 3_000,
    "\u202eevil\u0000\x07",
    "{{7*7}} ${x} '; drop table runs; --",
    "🙂" * 900,
    "مرحبا 你好",
)


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_slack_takes_every_form_whatever_is_in_it(form: Form, words: str) -> None:
    """As it opens, filled, with a problem at each field, and when it tells how it ended."""
    values = {field.name: words for field in form.fields}
    choices = {
        field.name: field.choices or [Choice(words[:150], words)]
        for field in form.fields
        if field.kind in {"choice", "several"}
    }
    for shown in (
        opening(form, FormOrigin("C1", "1.2", "1.0").to_text(), "v-1"),
        filled(form, "", values, choices, dict.fromkeys((*values, "other"), words)),
        told(form, "", words),
    ):
        assert checked_view(shown, ("modal",))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '["C1"]', '["C1","x",""]', '["../x","1.2",""]', "[" * 9_999, None, 7],
)
def test_what_is_no_origin_leads_nowhere(text: Any) -> None:
    assert FormOrigin.from_text(text) == FormOrigin()


def test_an_origin_is_read_as_it_was_written() -> None:
    origin = FormOrigin("C0123", "1700000000.000100", "1700000000.000001")
    assert FormOrigin.from_text(origin.to_text()) == origin


def pressed(action_id: str, value: str = "") -> Json:
    return {"type": "block_actions", "actions": [{"action_id": action_id, "value": value}]}


@pytest.mark.parametrize(
    ("payload", "command", "name"),
    [
        ({"type": "shortcut", "callback_id": "new-issue"}, "", "open-issue"),
        ({"type": "message_action", "callback_id": "open-issue"}, "", "open-issue"),
        ({"type": "message_action", "callback_id": "remember-this"}, "", ""),
        (pressed("open.open-issue"), "", "open-issue"),
        (pressed("press.feedback", "bad"), "", "why-bad"),
        (pressed("press.feedback", "good"), "", ""),
        (pressed("press.other", "bad"), "", ""),
        ({"type": "block_actions", "actions": [7]}, "", ""),
        ({"type": "block_actions", "actions": "x"}, "", ""),
        ({"type": "view_submission"}, "", ""),
        ({"command": "/agent"}, "no-form", ""),
    ],
)
def test_each_press_opens_what_it_declares(payload: Json, command: str, name: str) -> None:
    form = opened_by(payload, command)
    assert (form.name if form else "") == name
