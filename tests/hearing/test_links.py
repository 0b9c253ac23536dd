"""Links in messages: what they lead to is shown as data to a model that answers people who all may
see it; else there is one line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flows.chat import chat
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack.workspace import BOB, DM, GENERAL, SUPPORT, TEAM
from shared.actions.asking import AskRepository
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.queries import ListCommits, ReadIssue, ReadText
from shared.agent.flow import Flow, flow
from shared.aws.queue import Queue
from shared.database import Statement
from shared.journal import Journal
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory
from tests.actions.github.sandbox_issue import SHOP, as_token
from tests.actions.slack.chat_runner import ChatRunner, Context, batch
from tests.actions.slack.sandbox_thread import connect
from tests.hearing.spoken import MENTION, asked_of, says

OPEN = json.dumps({f"team:{TEAM}": [f"repo:{SHOP}"]})


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


@pytest.fixture(scope="module")
def github() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as sandbox:
        lines = "".join(f"line {n}\n" for n in range(1, 300))
        sandbox.push(SHOP, {"src/pay.py": lines})
        sandbox.open_issue(SHOP, "The till sticks", "It sticks on Mondays.")
        sandbox.add_repository("acme/open")
        sandbox.push("acme/open", {"a.md": "Open to all.\n"})
        yield sandbox


def reads() -> list[Any]:
    kinds = (AskRepository, ReadIssue, ReadText, ListCommits)
    return [kind.on("acme/*", "github/*") for kind in kinds]


def linking() -> Flow:
    """The chat flow, which may also read repositories."""
    return flow(*chat.types, may=chat.may, reads=reads(), shares={"fact"})(chat.function)


def asked(
    runner: ChatRunner, github: GitHubSandbox, text: str, channel: str = DM, **settings: str
) -> str:
    """What the model is asked when somebody writes `text`."""
    event = says(runner, f"{MENTION} {text}" if channel != DM else text, channel)
    name = f"{runner.model.url}/v1#scripted"
    base = Settings(footer="off", max_attempts="3", max_pause_hours="0", model_embed="hashing")
    base = base._replace(model_small=name, model_large=name, **settings)
    slack, hub = connect(runner.slack.api_url, timeout=5), GitHubAdapter(as_token(github), 5)

    def adapter(wanted: Any) -> Any:
        return hub if wanted.connector.startswith("shared.actions.github") else slack

    can = capabilities(base, runner.database, adapter, {Queue: QueueInMemory})
    answer = handler_of(linking(), Journal(runner.database), can)(batch(event), Context())
    assert not answer["batchItemFailures"]
    assert runner.recorded("select distinct state from runs") == [("done",)]
    return asked_of(runner)


def test_links_to_github_are_read_for_those_who_may_see(
    runner: ChatRunner, github: GitHubSandbox
) -> None:
    sha = github.push(SHOP, {"b.md": "B\n"})
    issue = len(github.issues(SHOP))
    web = "https://github.com"
    text = (
        f"Look at <{web}/{SHOP}/issues/{issue}|this>, {web}/{SHOP}/blob/main/src/pay.py#L20-L22"
        f" and {web}/{SHOP}/commit/{sha}."
    )
    seen = asked(runner, github, text, audiences=OPEN)
    assert "It sticks on Mondays." in seen
    assert "20 line 20\n21 line 21\n22 line 22\n</data>" in seen
    assert f'source="link {SHOP}@{sha[:12]}"' in seen
    assert f'source="link {SHOP}#{issue}" author="@maria" trust="outsider" place="' in seen


def test_a_private_repository_is_told_only_where_its_readers_are(
    runner: ChatRunner, github: GitHubSandbox
) -> None:
    url = f"https://github.com/{SHOP}/issues/{len(github.issues(SHOP))}"
    cases = ((False, "", True), (True, "", False), (True, OPEN, True))
    for number, (private, settings, told) in enumerate(cases):
        github.set_private(SHOP, private=private)
        for channel in (DM, SUPPORT):
            seen = asked(runner, github, f"{number}: look at {url}", channel, audiences=settings)
            assert ("It sticks on Mondays." in seen) is told
            assert ("not everybody who reads this may see it" in seen) is not told
    github.set_private(SHOP, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/nothing/issues/1",
        f"https://github.com/{SHOP}/issues/99999",
        f"https://github.com/{SHOP}/blob/main/not/there.py#L1-L9999999",
        f"https://github.com/{SHOP}/blob/main/src",
        f"https://github.com/{SHOP}/commit/{'0' * 40}",
        "https://github.com/other/place/pull/3",
    ],
)
def test_what_cannot_be_read_is_one_line(
    runner: ChatRunner, github: GitHubSandbox, url: str
) -> None:
    seen = asked(runner, github, f"See {url}", audiences=OPEN)
    assert seen.count('source="link ') == 1
    assert "[" in seen.partition('source="link ')[2].partition("</data>")[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com.evil.test/acme/shop/issues/1",
        "https://evil.test/https://github.com/acme/shop/issues/1",
        "https://github.com/acme/shop/settings",
        "https://acme.slack.com/archives/",
        "http://github.com/acme/shop/issues/1",
    ],
)
def test_other_links_are_left_alone(runner: ChatRunner, github: GitHubSandbox, url: str) -> None:
    assert "link " not in asked(runner, github, f"See {url}", audiences=OPEN).replace("See", "")


def permalink(channel: str, ts: str, root: str = "") -> str:
    more = f"?thread_ts={root}&cid={channel}" if root else ""
    return f"https://acme.slack.com/archives/{channel}/p{ts.replace('.', '')}{more}"


#: What all of the workspace reads was said to the same readers as what is said in #support.
@pytest.mark.parametrize(("wish", "told"), [("workspace", 4), ("channel", 3), ("public", 1)])
def test_links_follow_whose_knowledge_the_channel_wants(
    runner: ChatRunner, github: GitHubSandbox, wish: str, told: int
) -> None:
    wanted = {"place": f"slack:{TEAM}:{SUPPORT}", "value": f'"{wish}"'}
    sql = """insert into channel_settings
             (tenant, place, key, value, changed_by, changed_at, event_id)
             values ('github:acme', %(place)s, 'audience', %(value)s, 'alice', now(), 'e1')"""
    runner.database.run("github:acme", [Statement(sql, wanted)])
    github.set_private(SHOP, private=True)
    here = runner.slack.say(SUPPORT, "Said here.", BOB)
    there = runner.slack.say(GENERAL, "Said elsewhere.", BOB)
    web = "https://github.com"
    links = [f"{web}/acme/open/blob/main/a.md", permalink(SUPPORT, here)]
    links += [permalink(GENERAL, there), f"{web}/{SHOP}/issues/{len(github.issues(SHOP))}"]
    try:
        seen = asked(runner, github, "See " + " ".join(links), SUPPORT, audiences=OPEN)
    finally:
        github.set_private(SHOP, private=False)
    said = ["Open to all.", "Said here.", "Said elsewhere.", "It sticks on Mondays."]
    assert [one for one in said if one in seen] == said[:told]
    assert seen.count("not everybody who reads this may see it") == 4 - told


def test_links_to_messages_are_read_where_the_workspace_reads_them(
    runner: ChatRunner, github: GitHubSandbox
) -> None:
    root = runner.slack.say(SUPPORT, "The root &amp; more.", BOB)
    reply = runner.slack.say(SUPPORT, "A reply.", BOB, root)
    text = f"See <{permalink(SUPPORT, root)}> and <{permalink(SUPPORT, reply, root)}>"
    seen = asked(runner, github, text)
    assert "The root & more." in seen
    assert "A reply." in seen
    assert seen.count('source="link Slack message') == 2


@pytest.mark.parametrize("kind", ["private", "shared", "other dm", "not member", "deleted"])
def test_a_message_that_others_may_not_see_is_not_told(
    runner: ChatRunner, github: GitHubSandbox, kind: str
) -> None:
    slack = runner.slack
    place = SUPPORT
    if kind == "other dm":
        place = str(slack.workspace.open_dm(BOB)["id"])
    elif kind != "deleted":
        about = {"private": kind == "private", "shared": kind == "shared"}
        place = slack.workspace.add_channel("there", member=kind != "not member", **about)
    ts = str(slack.workspace.post(place, BOB, text="Nobody else knows zebras.")["ts"])
    if kind == "deleted":
        slack.delete(SUPPORT, ts)
    for channel in (DM, "#general"):
        seen = asked(runner, github, f"See {permalink(place, ts)}", _channel(runner, channel))
        assert "zebras" not in seen
        assert "[Slack message" in seen


def _channel(runner: ChatRunner, name: str) -> str:
    return str(runner.slack.workspace.channel(name)["id"])


def test_five_links_are_read_and_the_next_is_named(
    runner: ChatRunner, github: GitHubSandbox
) -> None:
    stamps = [runner.slack.say(SUPPORT, f"Message {n}.", BOB) for n in range(8)]
    text = " ".join(permalink(SUPPORT, ts) for ts in stamps * 2)
    seen = asked(runner, github, text)
    assert [f"Message {n}." in seen for n in range(8)] == [True] * 5 + [False] * 3
    assert "too many links" in seen
