"""Posts into channels, against the sandbox Slack: done once and found again; threads are read."""

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, GENERAL, TEAM
from shared.actions import Mark
from shared.actions.slack.actions import Channel, Post, ReadThread
from shared.actions.slack.text import pieces
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown
from shared.events import Thread
from tests.actions.slack.sandbox_thread import MARK, SandboxThread

LONG = "今天天气很好。😀 " * 2_500


@pytest.fixture
def releases(target: SandboxThread) -> str:
    return target.slack.workspace.add_channel("releases")


def said(target: SandboxThread, channel: str) -> list[str]:
    return [message["blocks"][0]["text"] for message in target.slack.messages(channel)]


@pytest.mark.parametrize(
    "name", ["#releases", "releases", " #Releases ", "C0RELEASES", "<#C0RELEASES|releases>"]
)
def test_a_post_goes_into_a_channel_by_name_or_id(
    target: SandboxThread, releases: str, name: str
) -> None:
    post = Post(Channel.named(name), "**Out now** <!channel>")
    assert target.adapter.find(post, MARK) is None
    receipt = target.adapter.perform(post, MARK, None)
    (message,) = target.slack.messages(releases)
    assert message["user"] == BOT_USER
    assert "thread_ts" not in message
    assert said(target, releases) == ["**Out now** <\u200b!channel>"]
    assert receipt.data == {"channel": releases, "ts": message["ts"]}
    assert receipt.url.endswith(f"?team={TEAM}&channel={releases}&message_ts={receipt.id}")
    assert target.adapter.find(post, MARK) == receipt
    assert target.adapter.find(post, Mark("key-2", "plan", 1)) is None


def test_a_private_channel_is_found_where_the_bot_is_in_it(target: SandboxThread) -> None:
    private = target.slack.workspace.add_channel("private", private=True)
    target.slack.workspace.add_channel("hidden", private=True, member=False)
    target.adapter.perform(Post(Channel("#private"), "Hello"), MARK, None)
    assert said(target, private) == ["Hello"]
    with pytest.raises(ActionRejected, match="could not find channel #hidden: the app sees none"):
        target.adapter.perform(Post(Channel("#hidden"), "Hello"), MARK, None)


def test_a_channel_is_found_behind_a_thousand_others(target: SandboxThread) -> None:
    for number in range(1_005):
        target.slack.workspace.add_channel(f"room-{number}")
    last = target.slack.workspace.add_channel("zz-last")
    target.adapter.perform(Post(Channel("#zz-last"), "Hello"), MARK, None)
    assert said(target, last) == ["Hello"]


def test_a_long_post_goes_on_in_its_thread(target: SandboxThread, releases: str) -> None:
    post = Post(Channel(releases), LONG)
    receipt = target.adapter.perform(post, MARK, None)
    assert len(pieces(LONG)) > 2
    assert said(target, releases) == pieces(LONG)
    assert len(target.slack.thread(releases, receipt.id)) == len(pieces(LONG))
    assert target.adapter.find(post, MARK) == receipt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("broken", range(3))
def test_a_break_in_a_long_post_doubles_nothing(
    target: SandboxThread, releases: str, broken: int, after: bool
) -> None:
    post = Post(Channel("#releases"), LONG)
    for _ in range(broken):
        target.slack.slow_next("chat.postMessage", 0.0)
    target.slack.fail_next("chat.postMessage", after=after)
    with pytest.raises(ActionUnavailable) as caught:
        target.adapter.perform(post, MARK, None)
    assert caught.value.sent
    if not target.adapter.find(post, MARK):
        target.adapter.perform(post, MARK, None)
    assert said(target, releases) == pieces(LONG)


def test_the_same_metadata_from_another_is_not_found(target: SandboxThread, releases: str) -> None:
    payload = {"effect": "key-1", "flow": "chat", "depth": 1, "part": 0, "parts": 1}
    forged = {"event_type": "agent_flows_effect", "event_payload": payload}
    target.slack.workspace.post(releases, BOB, None, text="Hi", metadata=forged, bot_id="B0OTHER")
    assert target.adapter.find(Post(Channel(releases), "Hi"), MARK) is None


def test_a_post_may_stand_too_far_back_to_be_looked_for(
    target: SandboxThread, releases: str
) -> None:
    for number in range(5_000):
        target.slack.workspace.post(releases, ALICE, None, text=str(number))
    with pytest.raises(EffectUnknown, match="more than 4995 new messages"):
        target.adapter.find(Post(Channel(releases), "Hello"), MARK)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"archived": True}, "is_archived; unarchive the channel"),
        ({"member": False}, "not_in_channel; invite the app to the channel"),
    ],
)
def test_a_channel_that_cannot_be_posted_to_is_said_to_be_so(
    target: SandboxThread, options: dict[str, bool], reason: str
) -> None:
    target.slack.workspace.add_channel("closed", **options)
    with pytest.raises(ActionRejected, match=reason):
        target.adapter.perform(Post(Channel("#closed"), "Hello"), MARK, None)


def test_a_missing_scope_is_named(target: SandboxThread, releases: str) -> None:
    target.slack.fail_next("conversations.list", "missing_scope")
    with pytest.raises(ActionRejected, match="add the scope channels:history to the Slack app"):
        target.adapter.perform(Post(Channel("#releases"), "Hello"), MARK, None)


def test_a_thread_is_read_from_its_first_message_on(target: SandboxThread) -> None:
    for number in range(5):
        target.slack.say(GENERAL, f"{number} &lt;b&gt;", BOB, target.thread.ts)
    read = target.adapter.read(ReadThread(target.thread))
    assert [item["text"] for item in read["items"]] == [
        "Hello?",
        *(f"{number} <b>" for number in range(5)),
    ]
    assert (read["items"][1]["author"], read["complete"]) == (BOB, True)
    short = target.adapter.read(ReadThread(target.thread, limit=3))
    assert [item["text"] for item in short["items"]] == ["Hello?", "3 <b>", "4 <b>"]
    assert not short["complete"]
    target.slack.say(GENERAL, "x" * 5_000, BOB, target.thread.ts)
    assert len(target.adapter.read(ReadThread(target.thread))["items"][-1]["text"]) == 3_000


def test_a_thread_that_is_gone_cannot_be_read(target: SandboxThread) -> None:
    with pytest.raises(ActionRejected, match="it is not there"):
        target.adapter.read(ReadThread(Thread(TEAM, GENERAL, "1.1")))


@pytest.mark.parametrize("asked", ["conversations.list", "auth.test"])
@pytest.mark.parametrize("text", ["Hello", LONG])
def test_what_fails_before_the_post_leaves_nothing_that_a_second_try_doubles(
    target: SandboxThread, releases: str, asked: str, text: str
) -> None:
    target.slack.fail_next(asked, after=True)
    with pytest.raises(ActionUnavailable) as failed:
        target.adapter.perform(Post(Channel("#releases"), text), MARK, None)
    assert not failed.value.sent
    assert said(target, releases) == []


def test_a_thread_says_nothing_of_whom_it_addresses_where_that_is_the_agent(
    target: SandboxThread,
) -> None:
    for text in (f"<@{BOT_USER}>, look", f"<@{BOB}> look", f"So <@{BOT_USER}> said"):
        target.slack.say(target.thread.channel, text, ALICE, target.thread.ts)
    read = target.adapter.read(ReadThread(target.thread))
    texts = [one["text"] for one in read["items"][-3:]]
    assert texts == ["look", f"<@{BOB}> look", f"So <@{BOT_USER}> said"]
