"""Posts into channels, against the sandbox Slack: done once and found again; threads are read."""

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, GENERAL, TEAM
from shared.actions import Mark
from shared.actions.slack.actions import Channel, Post, ReadThread
from shared.actions.slack.text import pieces
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown
from shared.events import Thread
from tests.actions.slack.place import MARK, Place

LONG = "今天天气很好。😀 " * 2_500


@pytest.fixture
def releases(place: Place) -> str:
    return place.slack.workspace.add_channel("releases")


def said(place: Place, channel: str) -> list[str]:
    return [message["blocks"][0]["text"] for message in place.slack.messages(channel)]


@pytest.mark.parametrize(
    "name", ["#releases", "releases", " #Releases ", "C0RELEASES", "<#C0RELEASES|releases>"]
)
def test_a_post_goes_into_a_channel_by_name_or_id(place: Place, releases: str, name: str) -> None:
    post = Post(Channel.named(name), "**Out now** <!channel>")
    assert place.adapter.find(post, MARK) is None
    receipt = place.adapter.perform(post, MARK, None)
    (message,) = place.slack.messages(releases)
    assert message["user"] == BOT_USER
    assert "thread_ts" not in message
    assert said(place, releases) == ["**Out now** <\u200b!channel>"]
    assert receipt.data == {"channel": releases, "ts": message["ts"]}
    assert receipt.url.endswith(f"?team={TEAM}&channel={releases}&message_ts={receipt.id}")
    assert place.adapter.find(post, MARK) == receipt
    assert place.adapter.find(post, Mark("key-2", "plan", 1)) is None


def test_a_private_channel_is_found_where_the_bot_is_in_it(place: Place) -> None:
    private = place.slack.workspace.add_channel("private", private=True)
    place.slack.workspace.add_channel("hidden", private=True, member=False)
    place.adapter.perform(Post(Channel("#private"), "Hello"), MARK, None)
    assert said(place, private) == ["Hello"]
    with pytest.raises(ActionRejected, match="could not find channel #hidden: the app sees none"):
        place.adapter.perform(Post(Channel("#hidden"), "Hello"), MARK, None)


def test_a_channel_is_found_behind_a_thousand_others(place: Place) -> None:
    for number in range(1_005):
        place.slack.workspace.add_channel(f"room-{number}")
    last = place.slack.workspace.add_channel("zz-last")
    place.adapter.perform(Post(Channel("#zz-last"), "Hello"), MARK, None)
    assert said(place, last) == ["Hello"]


def test_a_long_post_goes_on_in_its_thread(place: Place, releases: str) -> None:
    post = Post(Channel(releases), LONG)
    receipt = place.adapter.perform(post, MARK, None)
    assert len(pieces(LONG)) > 2
    assert said(place, releases) == pieces(LONG)
    assert len(place.slack.thread(releases, receipt.id)) == len(pieces(LONG))
    assert place.adapter.find(post, MARK) == receipt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("broken", range(3))
def test_a_break_in_a_long_post_doubles_nothing(
    place: Place, releases: str, broken: int, after: bool
) -> None:
    post = Post(Channel("#releases"), LONG)
    for _ in range(broken):
        place.slack.slow_next("chat.postMessage", 0.0)
    place.slack.fail_next("chat.postMessage", after=after)
    with pytest.raises(ActionUnavailable) as caught:
        place.adapter.perform(post, MARK, None)
    assert caught.value.sent
    if not place.adapter.find(post, MARK):
        place.adapter.perform(post, MARK, None)
    assert said(place, releases) == pieces(LONG)


def test_the_same_metadata_from_another_is_not_found(place: Place, releases: str) -> None:
    payload = {"effect": "key-1", "flow": "chat", "depth": 1, "part": 0, "parts": 1}
    forged = {"event_type": "agent_flows_effect", "event_payload": payload}
    place.slack.workspace.post(releases, BOB, None, text="Hi", metadata=forged, bot_id="B0OTHER")
    assert place.adapter.find(Post(Channel(releases), "Hi"), MARK) is None


def test_a_post_may_stand_too_far_back_to_be_looked_for(place: Place, releases: str) -> None:
    for number in range(5_000):
        place.slack.workspace.post(releases, ALICE, None, text=str(number))
    with pytest.raises(EffectUnknown, match="more than 4995 new messages"):
        place.adapter.find(Post(Channel(releases), "Hello"), MARK)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"archived": True}, "is_archived; unarchive the channel"),
        ({"member": False}, "not_in_channel; invite the app to the channel"),
    ],
)
def test_a_channel_that_cannot_be_posted_to_is_said_to_be_so(
    place: Place, options: dict[str, bool], reason: str
) -> None:
    place.slack.workspace.add_channel("closed", **options)
    with pytest.raises(ActionRejected, match=reason):
        place.adapter.perform(Post(Channel("#closed"), "Hello"), MARK, None)


def test_a_missing_scope_is_named(place: Place, releases: str) -> None:
    place.slack.fail_next("conversations.list", "missing_scope")
    with pytest.raises(ActionRejected, match="add the scope channels:history to the Slack app"):
        place.adapter.perform(Post(Channel("#releases"), "Hello"), MARK, None)


def test_a_thread_is_read_from_its_first_message_on(place: Place) -> None:
    for number in range(5):
        place.slack.say(GENERAL, f"{number} &lt;b&gt;", BOB, place.thread.ts)
    read = place.adapter.read(ReadThread(place.thread))
    assert [item["text"] for item in read["items"]] == [
        "Hello?",
        *(f"{number} <b>" for number in range(5)),
    ]
    assert (read["items"][1]["author"], read["complete"]) == (BOB, True)
    short = place.adapter.read(ReadThread(place.thread, limit=3))
    assert [item["text"] for item in short["items"]] == ["Hello?", "3 <b>", "4 <b>"]
    assert not short["complete"]
    place.slack.say(GENERAL, "x" * 5_000, BOB, place.thread.ts)
    assert len(place.adapter.read(ReadThread(place.thread))["items"][-1]["text"]) == 3_000


def test_a_thread_that_is_gone_cannot_be_read(place: Place) -> None:
    with pytest.raises(ActionRejected, match="it is not there"):
        place.adapter.read(ReadThread(Thread(TEAM, GENERAL, "1.1")))
