"""Plans that are asked for in Slack or over the API and work on a repository: on both sandboxes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from flows.chat import chat
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.actions.github.queries import SearchIssues
from shared.actions.platforms import Platforms
from shared.agent import Agent
from shared.agent.flow import Flow
from shared.database import Database
from shared.errors import PolicyError
from shared.events import Event
from shared.planning.plan import Plan
from shared.settings import Settings
from tests.planning.plan_runner import plan_runner
from tests.planning.plans import Drafts, of, planned, step
from tests.planning.slack_workspace import SlackWorkspace, slack_workspace
from tests.web.api_client import ApiClient

SHOP = "acme/shop"
HERE = f"channel:{SUPPORT}"
NOTES = Plan(
    (
        step("s1", "search_issues", words="login is:open"),
        step("s2", "open_issue", title="Track logins", body=of("s1", "items[0].title")),
        step("s3", "reply", text=of("s2", "url")),
    )
)
HELLO = Plan((replace(step("s1", "reply", text="Hello"), approve=True),))

Open = Callable[[Flow], SlackWorkspace]


@pytest.fixture
def hub() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as hub:
        hub.open_issue(SHOP, "Login: umlauts")
        yield hub


@pytest.fixture
def opened(database: Database, hub: GitHubSandbox) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda flow: stack.enter_context(slack_workspace(database, flow, hub))


def titles(hub: GitHubSandbox) -> list[str]:
    return [issue["title"] for issue in hub.issues(SHOP)]


def test_a_plan_in_a_channel_reads_its_repository_and_writes_there_once_approved(
    opened: Open, hub: GitHubSandbox
) -> None:
    it = opened(planned(Drafts(NOTES)))
    it.repositories = {HERE: SHOP}
    plan = it.plan("track the logins")
    asked = it.asked()
    assert "**OpenIssue** on acme/shop" in asked["blocks"][0]["text"]
    assert titles(hub) == ["Login: umlauts"]
    it.press(asked, "approve")
    assert it.it.ended(plan).state == "done"
    assert titles(hub) == ["Login: umlauts", "Track logins"]
    made = hub.issue(SHOP, 2)
    assert made["body"].startswith("Login: umlauts")
    live, _, told, report = it.texts()
    assert told.startswith(made["html_url"])
    assert "✅ Done." in live
    assert "✅ Done." in report


def test_a_rejected_write_leaves_the_repository_as_it_was(opened: Open, hub: GitHubSandbox) -> None:
    it = opened(planned(Drafts(NOTES)))
    it.repositories = {f"team:{TEAM}": SHOP}
    plan = it.plan()
    it.press(it.asked(), "reject")
    assert it.it.ended(plan).state == "failed"
    assert titles(hub) == ["Login: umlauts"]


def test_a_channel_without_a_repository_says_so(opened: Open) -> None:
    drafts = Drafts(NOTES)
    it = opened(planned(drafts))
    it.repositories = {"channel:C0GENERAL": SHOP}
    assert it.it.ended(it.plan()).state == "failed"
    reason = "no repository belongs to this channel"
    assert reason in it.texts()[-1]
    assert reason in drafts.briefs[0].absent["search_issues"]
    assert reason in drafts.briefs[1].feedback[0]


def test_a_repository_of_another_tenant_is_refused_at_the_start(opened: Open) -> None:
    it = opened(planned(Drafts(NOTES)))
    it.repositories = {HERE: "other/web"}
    it.ts = it.slack.say(SUPPORT, f"<@{BOT_USER}> plan the notes")
    (told,) = it.it.wait_for(it.texts)
    assert "belongs to another tenant" in told
    assert it.it.plans() == []


def test_a_flow_that_does_not_reach_for_the_repository_cannot_read_it(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.repositories = {HERE: SHOP}
    plan = it.plan()
    event = it.it.situation(plan).event
    ended: list[object] = []

    def peek(event: Event, agent: Agent) -> None:
        try:
            ended.append(agent.read(SearchIssues(event.repository, "login")))
        except PolicyError as err:
            ended.append(err)

    mention = event._replace(id="slack:chat", type="slack.app_mention")
    it.it.runner.deliver(replace(chat, function=peek, reaches=False), mention)
    it.it.runner.deliver(replace(it.it.flow, function=peek), event._replace(id="slack:plan"))
    assert "names github:acme/shop, but the event came from slack:" in str(ended[0])
    assert isinstance(ended[0], PolicyError)
    assert isinstance(ended[1], dict)
    it.press(it.asked(), "reject")
    assert it.it.ended(plan).state == "failed"


def test_a_plan_over_the_api_works_on_the_repository_that_it_names(
    database: Database, hub: GitHubSandbox
) -> None:
    flow = planned(Drafts(Plan(NOTES.steps[:2])))
    settings = Settings(github_token=hub.token, github_api_url=hub.api_url, footer="off")
    client = ApiClient()
    with plan_runner(database, flow, Platforms(flow.may, flow.reads, settings)) as it:
        run = client.post("/runs", {"goal": "track", "repository": SHOP}).body["run"]
        assert it.ask(client.published[-1]) == run
        (asked,) = it.asked(run).approvals
        assert titles(hub) == ["Login: umlauts"]
        answer = {"answer": "approve", "digest": asked.digest}
        assert client.post(f"/runs/{run}/approvals/s2", answer).status == 202
        it.runner.deliver(flow, client.published[-1])
        assert it.ended(run).state == "done"
    assert titles(hub) == ["Login: umlauts", "Track logins"]


# Slash commands, which are given in no thread


def roots(it: SlackWorkspace) -> list[str]:
    """Return the messages with which the bot begins threads in the channel."""
    return [
        message["ts"]
        for message in it.slack.messages(SUPPORT)
        if message["user"] == BOT_USER and message.get("thread_ts", message["ts"]) == message["ts"]
    ]


def test_a_slash_command_starts_a_plan_in_a_thread_of_its_own(
    opened: Open, hub: GitHubSandbox
) -> None:
    it = opened(planned(Drafts(NOTES)))
    it.repositories = {HERE: SHOP}
    it.command("/plan", "track the logins")
    (plan,) = it.it.wait_for(it.it.plans)
    (it.ts,) = roots(it)
    assert "alice wants a plan: track the logins" in it.slack.thread(SUPPORT, it.ts)[0]["text"]
    it.press(it.asked(), "approve")
    assert it.it.ended(plan).state == "done"
    assert titles(hub) == ["Login: umlauts", "Track logins"]
    live, _, _, report = it.texts()
    assert "✅ Done." in live
    assert "✅ Done." in report
    assert len(roots(it)) == 1


def test_a_plan_of_a_slash_command_is_answered_by_words_in_its_thread(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.command("/plan", "greet")
    (plan,) = it.it.wait_for(it.it.plans)
    (it.ts,) = roots(it)
    it.asked()
    it.says("cancel")
    assert it.it.ended(plan).state == "cancelled"


def test_the_same_slash_command_twice_is_one_plan(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.command("/plan", "greet")
    (plan,) = it.it.wait_for(it.it.plans)
    event = it.it.situation(plan).event
    first = event._replace(
        id=event.id.partition("/")[0],
        conversation=f"slack:{TEAM}:{SUPPORT}",
        thread_target=None,
    )
    it.it.runner.deliver(it.it.flow, first)
    assert it.it.plans() == [plan]
    assert len(roots(it)) == 1
    (it.ts,) = roots(it)
    it.press(it.asked(), "approve")
    assert it.it.ended(plan).state == "done"


def test_an_answer_by_slash_command_is_told_where_it_belongs(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.command("/agent", "approve")
    ((who, told),) = it.it.wait_for(it.whispers)
    assert who == ALICE
    assert "mention me there with `approve`" in told


def test_a_plan_is_not_started_where_the_bot_cannot_write(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    closed = it.slack.workspace.add_channel("closed", member=False)
    it.command("/plan", "greet", closed)
    (whisper,) = it.it.wait_for(lambda: it.slack.workspace.whispers(closed))
    assert "Invite me" in whisper["blocks"][0]["text"]
    assert it.it.plans() == []
