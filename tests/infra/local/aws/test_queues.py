"""Events on their way from the topic through FIFO queues to functions that misbehave."""

from functools import partial
from itertools import pairwise

from tests.infra.local.aws.site import VISIBILITY, Site


def test_an_event_reaches_the_function_that_subscribes_to_its_type(site: Site) -> None:
    site.send("issue", {})
    site.send("message", {}, type="slack.message.im")
    site.send("nobody", {}, type="slack.app_home_opened")
    site.wait_for_records(2, "issue", "message")
    site.wait_until_idle()
    records = site.records("issue", "message", "nobody")
    assert {record["name"]: record["type"] for record in records} == {
        "issue": "github.issues.opened",
        "message": "slack.message.im",
    }


def test_a_conversation_stays_in_order_while_others_go_on(site: Site) -> None:
    slow = [f"slow{n}" for n in range(4)]
    site.send(slow[0], {"after": "fast"}, "slow")
    site.wait_for_records(1, slow[0])
    for name in slow[1:]:
        site.send(name, {}, "slow")
    site.send("fast", {}, "fast")
    fast = site.wait_for_records(1, "fast")[0]
    site.let_go("fast")
    records = site.wait_for_records(4, *slow)
    assert [record["name"] for record in records] == slow
    assert records[0]["at"] < fast["at"] < records[1]["at"]
    assert fast["pid"] != records[0]["pid"]


def test_what_waits_in_a_conversation_comes_as_one_batch(site: Site) -> None:
    site.send("first", {"after": "rest"}, "batch")
    site.wait_for_records(1, "first")
    rest = [f"rest{n}" for n in range(5)]
    for name in rest:
        site.send(name, {}, "batch")
    site.let_go("rest")
    records = site.wait_for_records(5, *rest)
    assert [record["batch"] for record in records] == [5] * 5


def test_only_the_messages_that_failed_come_again(site: Site) -> None:
    site.send("start", {"after": "both"}, "partial")
    site.wait_for_records(1, "start")
    site.send("good", {}, "partial")
    site.send("bad", {"until": 1, "wrong": "report"}, "partial")
    site.let_go("both")
    site.wait_for_records(2, "bad")
    site.wait_until_idle()
    attempts = [(record["name"], record["attempt"]) for record in site.records("good", "bad")]
    assert attempts == [("good", 1), ("bad", 1), ("bad", 2)]


def test_a_function_error_returns_the_whole_batch_without_overtaking(site: Site) -> None:
    chat = {"type": "slack.message.im"}
    site.send("hello", {"after": "pair"}, "error", **chat)
    site.wait_for_records(1, "hello")
    site.send("fine", {}, "error", **chat)
    site.send("raises", {"until": 1, "wrong": "raise"}, "error", **chat)
    site.let_go("pair")
    site.wait_for_records(1, "raises")
    site.send("later", {}, "error", **chat)
    site.wait_for_records(1, "later")
    names = [record["name"] for record in site.records("fine", "raises", "later")]
    assert names == ["fine", "raises", "fine", "raises", "later"]


def test_a_killed_function_gets_its_message_again(site: Site) -> None:
    site.send("killed", {"until": 1, "wrong": "kill"}, "killed")
    first, second = site.wait_for_records(2, "killed")
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert first["pid"] != second["pid"]
    assert second["at"] - first["at"] > VISIBILITY * 0.9
    assert ("Github", "Runtime.ExitError: Runtime exited with error: signal: killed") in site.log


def test_a_function_that_runs_too_long_gets_its_message_again(site: Site) -> None:
    site.send("sleeps", {"until": 1, "wrong": "sleep"}, "sleeps")
    first, second = site.wait_for_records(2, "sleeps")
    assert first["pid"] != second["pid"]
    assert ("Github", "Sandbox.Timedout: Task timed out after 2.00 seconds") in site.log


def test_a_poison_message_dies_and_comes_back_by_redrive(site: Site) -> None:
    site.send("poison", {"until": 2, "wrong": "raise", "unless": "healed"}, "poison")
    site.send("behind", {}, "poison")
    site.send("elsewhere", {}, "elsewhere")
    site.wait_for_records(1, "elsewhere", "behind")
    assert not site.records("behind")
    site.wait_for(lambda: site.cloud.queues()["github.fifo"].dead == 1)
    site.wait_for_records(1, "behind")
    assert [record["attempt"] for record in site.records("poison")] == [1, 2]
    letter = site.cloud.dead_letters("github.fifo")[0]
    assert letter["body"]["record"] == "poison"
    assert letter["receives"] == 2
    assert letter["attributes"] == {"type": "github.issues.opened"}

    site.record.with_name("healed").touch()
    assert site.cloud.redrive("Github") == 1
    assert [record["attempt"] for record in site.wait_for_records(3, "poison")] == [1, 2, 1]
    assert site.cloud.redrive("Slack") == 0
    site.wait_until_idle()
    assert site.cloud.dead_letters("Github") == []


def test_one_deduplication_id_is_delivered_once_however_often_it_is_sent(site: Site) -> None:
    site.send_all([partial(site.send, "same", {}, "same") for _ in range(20)])
    site.wait_for_records(1, "same")
    site.wait_until_idle()
    site.send("same", {}, "same")  # also after the message is deleted
    site.send("end", {}, "same")
    site.wait_for_records(1, "end")
    assert len(site.records("same")) == 1


def test_many_conversations_at_once_each_keep_their_order(site: Site) -> None:
    names = [[f"many{conversation}-{n}" for n in range(5)] for conversation in range(6)]

    def send_in_order(conversation: int) -> None:
        for name in names[conversation]:
            site.send(name, {}, f"many{conversation}")

    site.send_all([partial(send_in_order, conversation) for conversation in range(6)])
    site.wait_for_records(30, *(name for row in names for name in row))
    for row in names:
        records = site.records(*row)
        assert [record["name"] for record in records] == row
        assert all(before["at"] <= after["at"] for before, after in pairwise(records))
