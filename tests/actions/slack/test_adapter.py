"""Replies and reactions, against the sandbox Slack: done once and found again."""

import threading
from contextlib import suppress

import pytest
from slack_sdk.web import WebClient

from infra.local.sandbox.slack.workspace import BOT_USER, GENERAL, TEAM
from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Draft, React, Reply
from shared.actions.slack.text import pieces
from shared.errors import (
    ActionRejected,
    ActionUnavailable,
)
from tests.actions.slack.place import MARK, Place

#: At least five pieces, with everything that is long in a real answer.
LONG = "\n\n".join(
    ["今天天气很好。😀 " * 40, "Plain words. " * 100, "```python\n" + "print('x')\n" * 60 + "```"]
    * 20
)


@pytest.mark.parametrize(
    "text", ["**Hello**", "你好 😀", "<b>&amp;</b>", "> quoted\n\n1. one\n2. two", "x"]
)
def test_a_reply_is_posted_into_its_thread(place: Place, text: str) -> None:
    receipt = place.adapter.perform(Reply(place.thread, text), MARK, None)
    assert place.replies() == [text]
    (message,) = place.slack.thread(GENERAL, place.thread.ts)[1:]
    assert (receipt.id, receipt.data) == (message["ts"], {"channel": GENERAL, "ts": [receipt.id]})
    assert receipt.url.endswith(f"?team={TEAM}&channel={GENERAL}&message_ts={receipt.id}")
    assert message["metadata"] == {
        "event_type": "agent_flows_effect",
        "event_payload": {"effect": "key-1", "flow": "chat", "depth": 1, "part": 0, "parts": 1},
    }


def test_the_plain_text_holds_no_control_characters(place: Place) -> None:
    place.adapter.perform(Reply(place.thread, "a <b> & `<!here>`"), MARK, None)
    text = place.slack.messages(GENERAL)[1]["text"]
    assert text == "a &lt;b&gt; &amp; `&lt;\u200b!here&gt;`"


def test_a_reply_notifies_nobody(place: Place) -> None:
    hostile = "<!channel> <@U0BOB> @everyone\n```\n<!here>\n```\n<!subteam^S1|ops>"
    place.adapter.perform(Reply(place.thread, hostile), MARK, None)
    message = place.slack.messages(GENERAL)[1]
    for said in (message["text"], message["blocks"][0]["text"]):
        assert not any(
            mention in said for mention in ("<!channel", "<!here", "<@U", "@everyone", "<!subteam")
        )


def test_a_reply_is_found_behind_a_thousand_others(place: Place) -> None:
    for n in range(1_005):
        place.slack.say(GENERAL, str(n), thread_ts=place.thread.ts)
    reply = Reply(place.thread, "Hello")
    receipt = place.adapter.perform(reply, MARK, None)
    assert place.adapter.find(reply, MARK) == receipt


def test_the_same_metadata_from_another_is_not_found(place: Place) -> None:
    payload = {"effect": "key-1", "flow": "chat", "depth": 1, "part": 0, "parts": 1}
    forged = {"event_type": "agent_flows_effect", "event_payload": payload}
    place.slack.workspace.post(
        GENERAL, "U0BOB", place.thread.ts, text="Hello", metadata=forged, bot_id="B0OTHER"
    )
    assert place.adapter.find(Reply(place.thread, "Hello"), MARK) is None


def test_forty_thousand_characters_become_messages_in_order(place: Place) -> None:
    reply = Reply(place.thread, LONG)
    assert len(LONG) > 40_000
    receipt = place.adapter.perform(reply, MARK, None)
    replies = place.replies()
    assert len(replies) >= 5
    assert _bare("".join(replies)) == _bare(LONG)
    assert receipt.data is not None
    assert len(receipt.data["ts"]) == len(replies)
    assert place.adapter.find(reply, MARK) == receipt


def test_an_interrupted_long_reply_is_completed_with_what_is_missing(place: Place) -> None:
    reply = Reply(place.thread, LONG)
    place.adapter.perform(reply, MARK, None)
    whole = place.replies()
    for doomed in range(len(whole)):
        messages = place.slack.thread(GENERAL, place.thread.ts)[1:]
        place.slack.delete(GENERAL, messages[doomed]["ts"])
        assert place.adapter.find(reply, MARK) is None
        receipt = place.adapter.perform(reply, MARK, None)
        assert sorted(place.replies()) == sorted(whole)
        assert place.adapter.find(reply, MARK) == receipt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("broken", range(4))
def test_a_connection_that_breaks_in_a_long_reply_doubles_nothing(
    place: Place, broken: int, after: bool
) -> None:
    reply = Reply(place.thread, LONG)
    for _ in range(broken):
        place.slack.slow_next("chat.postMessage", 0.0)
    place.slack.fail_next("chat.postMessage", after=after)
    with pytest.raises(ActionUnavailable) as caught:
        place.adapter.perform(reply, MARK, None)
    assert caught.value.sent
    assert place.adapter.find(reply, MARK) is None
    place.adapter.perform(reply, MARK, None)
    assert _bare("".join(place.replies())) == _bare(LONG)


def test_a_rate_limit_after_some_pieces_says_that_something_is_there(place: Place) -> None:
    place.slack.slow_next("chat.postMessage", 0.0)
    place.slack.fail_next("chat.postMessage", status=429, retry_after=3)
    with pytest.raises(ActionUnavailable) as caught:
        place.adapter.perform(Reply(place.thread, LONG), MARK, None)
    assert (caught.value.sent, caught.value.retry_after) == (True, 3.0)


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_blocks_too_long"])
def test_a_reply_whose_blocks_slack_refuses_is_posted_as_text(place: Place, error: str) -> None:
    place.slack.fail_next("chat.postMessage", error)
    reply = Reply(place.thread, "**Hello**")
    receipt = place.adapter.perform(reply, MARK, None)
    (message,) = place.slack.thread(GENERAL, place.thread.ts)[1:]
    assert "blocks" not in message
    assert message["text"] == "**Hello**"
    assert place.adapter.find(reply, MARK) == receipt


def test_a_reply_to_a_deleted_message_is_taken_back(place: Place) -> None:
    place.slack.delete(GENERAL, place.thread.ts)
    with pytest.raises(ActionRejected, match="the message that it answers was deleted"):
        place.adapter.perform(Reply(place.thread, "Hello"), MARK, None)
    assert place.slack.messages(GENERAL) == []
    assert place.adapter.find(Reply(place.thread, "Hello"), MARK) is None


def test_a_reaction_twice_is_a_reaction(place: Place) -> None:
    react = React(place.message, "eyes")
    receipt = place.adapter.perform(react, MARK, None)
    assert place.adapter.perform(react, MARK, None) == receipt
    assert receipt == Receipt(f"{place.thread.ts}:eyes", receipt.url)
    reaction = {"name": "eyes", "users": [BOT_USER], "count": 1}
    assert place.slack.messages(GENERAL)[0]["reactions"] == [reaction]


def test_one_adapter_serves_many_threads(place: Place) -> None:
    replies = [Reply(place.thread, f"Answer {n}") for n in range(16)]

    def reply(n: int) -> None:
        place.adapter.perform(replies[n], Mark(f"key-{n}", "chat", 1), None)
        assert place.adapter.find(replies[n], Mark(f"key-{n}", "chat", 1))

    threads = [threading.Thread(target=reply, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(place.replies()) == sorted(reply.text for reply in replies)


def test_the_vendors_client_reads_what_the_adapter_wrote(place: Place) -> None:
    place.adapter.perform(Reply(place.thread, "Hello"), MARK, None)
    client = WebClient(token=place.slack.bot_token, base_url=place.slack.api_url)
    answer = client.conversations_replies(channel=GENERAL, ts=place.thread.ts)
    assert [message["text"] for message in answer["messages"]] == ["Hello?", "Hello"]


def _bare(text: str) -> str:
    """The text without blanks and the lines around code, which change at a cut."""
    return "".join(text.replace("```python", "").replace("```", "").split())


def test_a_draft_grows_in_place_and_is_found_by_its_key(place: Place) -> None:
    draft = place.adapter.perform(Draft(place.thread, "Hel"), MARK, None)
    draft = place.adapter.perform(Draft(place.thread, "Hello"), MARK, draft)
    assert place.replies() == ["Hello …"]
    assert place.adapter.find(Draft(place.thread, ""), MARK) == draft
    assert place.adapter.find(Draft(place.thread, ""), Mark("key-2", "chat", 1)) is None


def test_a_reply_takes_the_place_of_the_first_draft_and_removes_the_others(place: Place) -> None:
    for text in ("one", "two", "three"):
        place.adapter.perform(Draft(place.thread, text), MARK, None)
    drafts = place.adapter.find(Draft(place.thread, ""), MARK)
    (first, *_) = place.slack.thread(GENERAL, place.thread.ts)[1:]
    effect = Mark("key-2", "chat", 1)
    receipt = place.adapter.perform(Reply(place.thread, "Hello"), effect, drafts)
    assert receipt.id == first["ts"]
    assert place.replies() == ["Hello"]
    assert place.adapter.find(Reply(place.thread, "Hello"), effect) == receipt
    assert place.adapter.find(Draft(place.thread, ""), MARK) is None


def test_a_draft_without_a_text_is_taken_away(place: Place) -> None:
    draft = place.adapter.perform(Draft(place.thread, "Hello"), MARK, None)
    for _ in range(2):
        place.adapter.perform(Draft(place.thread, ""), MARK, draft)
    assert place.replies() == []


def test_a_draft_notifies_nobody(place: Place) -> None:
    draft = place.adapter.perform(Draft(place.thread, "<!channel> @here"), MARK, None)
    place.adapter.perform(Draft(place.thread, "<!channel> @here <@U0BOB>"), MARK, draft)
    message = place.slack.messages(GENERAL)[1]
    for said in (message["text"], message["blocks"][0]["text"]):
        assert not any(mention in said for mention in ("<!channel", "@here", "<@U"))


def test_a_long_reply_keeps_its_first_piece_where_the_draft_was(place: Place) -> None:
    draft = place.adapter.perform(Draft(place.thread, "Hello"), MARK, None)
    receipt = place.adapter.perform(Reply(place.thread, LONG), Mark("key-2", "chat", 1), draft)
    assert receipt.id == draft.id
    assert place.replies() == pieces(LONG)


def test_a_long_reply_is_completed_behind_what_was_its_draft(place: Place) -> None:
    draft = place.adapter.perform(Draft(place.thread, "Hello"), MARK, None)
    place.slack.fail_next("chat.postMessage", status=429)
    for effect in [Mark("key-2", "chat", 1)] * 2:
        with suppress(ActionUnavailable):
            place.adapter.perform(Reply(place.thread, LONG), effect, draft)
    assert place.replies() == pieces(LONG)
