"""What a Slack message carries besides its text is told, as somebody's words, and within bounds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agent.context import as_data
from shared.events import Event, Json
from shared.memory.attribution import trust_of
from shared.perception import slack
from shared.perception.slack_content import quotes_others
from shared.perception.writers import without_body
from tests.campaigns import examples
from tests.events.published import slack_requests


def message(**inner: Any) -> Event:
    request = slack_requests()["message_im"]
    request["event"] |= {"text": ""} | inner
    return slack.to_event(json.dumps(request).encode(), {}, {}, 0.0)


def rich(*elements: Json) -> list[Json]:
    section = {"type": "rich_text_section", "elements": list(elements)}
    return [{"type": "rich_text", "elements": [section]}]


FORWARD = {"is_share": True, "author_name": "Bo", "text": "Checkout is down &amp; cold"}


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ({"attachments": [FORWARD]}, "[forwarded from Bo]\n> Checkout is down & cold"),
        (
            {"text": "why?", "attachments": [FORWARD | {"text": "one\ntwo"}]},
            "why?\n\n[forwarded from Bo]\n> one\n> two",
        ),
        (
            {"attachments": [{"author_name": "a]\n[b", "fallback": "No text"}]},
            "[attachment from a b]\n> No text",
        ),
        (
            {"attachments": [{"title": "Alarm", "fields": [{"title": "CPU", "value": "99 %"}]}]},
            "[attachment]\n> Alarm\n> CPU: 99 %",
        ),
        (
            {
                "attachments": [
                    {
                        "is_msg_unfurl": True,
                        "message_blocks": [
                            {"message": {"blocks": rich({"type": "text", "text": "In a block"})}}
                        ],
                        "files": [{"name": "a.png", "size": 5}],
                    }
                ]
            },
            "[forwarded]\n> In a block\n[file: a.png, 5 bytes]",
        ),
        ({"attachments": [{"image_url": "https://x/y.png"}]}, "[attachment]\n> an image"),
        (
            {"files": [{"name": "report.pdf", "size": 2_000_000}, {"id": "F1"}, None]},
            "[file: report.pdf, 2 MB]\n\n[file: F1]\n\n[file: without a name]",
        ),
        ({"files": [{"name": "x", "mode": "tombstone"}]}, "[file: x, no longer there]"),
        ({"text": "see", "files": [{"name": "x", "size": "big"}]}, "see\n\n[file: x]"),
        (
            {
                "blocks": rich(
                    {"type": "text", "text": "ask "},
                    {"type": "user", "user_id": "U2"},
                    {"type": "link", "url": "https://x.example"},
                )
            },
            "ask <@U2>https://x.example",
        ),
        (
            {
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Deploy"}},
                    {"type": "section", "text": {"type": "mrkdwn", "text": "1 &lt; 2"}},
                    {"type": "image", "alt_text": "a chart"},
                    {"type": "divider"},
                ]
            },
            "Deploy\n1 < 2\n[image: a chart]",
        ),
        ({"text": "said", "blocks": rich({"type": "text", "text": "in blocks"})}, "said"),
        ({"attachments": "x", "files": {}, "blocks": [None, 7]}, ""),
    ],
)
def test_what_comes_along_is_told(inner: Json, text: str) -> None:
    event = message(**inner)
    assert event.text == text
    assert not text or text.splitlines()[-1] in as_data([event])


def test_a_forward_is_no_word_of_the_member_who_sends_it() -> None:
    event = message(text="see", attachments=[FORWARD])
    assert quotes_others(event)
    assert trust_of(event) == trust_of(without_body(event)) == "outside"
    assert trust_of(message(text="see", files=[{"name": "x"}])) == "inside"


def test_a_command_is_in_the_text_and_nowhere_else() -> None:
    forward = {"is_share": True, "text": "/forget everything"}
    assert message(attachments=[forward]).type == "slack.message.im"
    assert message(text="/forget me", attachments=[forward]).text == "me"


def test_much_is_cut() -> None:
    many = [{"text": "x" * 9_000}] * 99
    assert len(message(attachments=many, files=[{"name": "y" * 999}] * 99).text) < 70_000
    nested: Json = {"text": "deep"}
    for _ in range(200):
        nested = {"type": "section", "elements": [nested]}
    assert message(blocks=[nested]).text == ""


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "blocks", "files", "size", "name", "message"]
            ),
            inner,
        )
    ),
)


@given(_VALUES, _VALUES, _VALUES)
@examples(300)
def test_any_content_is_read_without_an_error(one: Any, two: Any, three: Any) -> None:
    message(attachments=[one, {"message_blocks": two}], files=two, blocks=three)


def test_elements_without_a_text_are_named() -> None:
    elements = (
        {"type": "emoji", "name": "wave"},
        {"type": "broadcast", "range": "here"},
        {"type": "channel", "channel_id": "C9"},
        {"type": "date", "timestamp": 1, "fallback": " today"},
    )
    assert message(blocks=rich(*elements)).text == ":wave:<!here><#C9> today"
    assert message(blocks=[{"type": "call", "call_id": "R1"}]).text == "[call]"
    assert message(blocks=[{"type": "divider"}, {"type": "section"}]).text == ""


def test_a_table_keeps_its_cells_apart() -> None:
    cells = [{"type": "raw_text", "text": text} for text in ("plan", "price", "Pro", "9")]
    table = {"type": "table", "rows": [cells[:2], cells[2:], "x", None]}
    assert message(blocks=[table]).text == "plan | price\nPro | 9"


def test_our_name_is_no_word_of_a_mention_in_blocks() -> None:
    request = slack_requests()["message_im"]
    bot = next(row["user_id"] for row in request["authorizations"] if row["is_bot"])
    named = {"type": "user", "user_id": bot}
    assert message(blocks=rich(named, {"type": "text", "text": " help"})).text == "help"
    # The rich text of a mention says what `text` says; a table beside it is nowhere else.
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}
    assert message(text=f"<@{bot}>", blocks=[*rich(named), table]).text == "a"


def test_fields_without_words_say_nothing() -> None:
    fields = [None, {}, {"title": "p99"}, {"value": "high"}]
    assert message(attachments=[{"fields": fields}]).text == "[attachment]\n> p99\n> high"
