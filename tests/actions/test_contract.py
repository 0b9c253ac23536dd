"""Each action and query stands in the table of its platform and keeps its promises on a sandbox."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

import shared.actions.asking as right
import shared.actions.github.actions as do
import shared.actions.github.adapter as github
import shared.actions.github.queries as ask
import shared.actions.github.reactions as react
import shared.actions.github.uploads.queries as uploads
import shared.actions.slack.actions as say
import shared.actions.slack.adapter as slack
import shared.actions.slack.heard.queries as hear
import shared.actions.slack.views.actions as show
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, GENERAL, TEAM
from shared.actions import Action, Adapter, Mark, Permission, Query, Receipt
from shared.actions.adapter import Answering, Handling
from shared.actions.github.pulls import sections
from shared.actions.github.session import GitHubSession
from shared.actions.platforms import Platforms
from shared.canonical import canonical
from shared.errors import ActionRejected, ActionUnavailable, PolicyError, SettingsError
from shared.events import Issue, Json, ResponseUrl, SlackMessage, Thread
from shared.runtime.shadow.held import Held
from shared.settings import Settings
from tests.actions.github.sandbox_issue import SHOP, as_app, as_token
from tests.actions.slack.sandbox_thread import connect
from tests.infra.local.sandbox.github.openapi import faults

Kinds = frozenset[type[Action] | type[Query]]
MARK = Mark("key-1", "plan", 1)
DIVIDER: Json = {"type": "divider"}


@dataclass
class Platform:
    """A sandbox, with one action and one query of each kind for it."""

    name: str
    sandbox: GitHubSandbox | SlackSandbox
    settings: Settings
    adapter: Adapter
    table: Mapping[type[Action], Handling[Any]]
    answers: Mapping[type[Query], Answering[Any]]
    actions: tuple[Action, ...]
    queries: tuple[Query, ...]
    #: Of the next change that the platform makes.
    lose_answer: Callable[[], None]
    #: The number of all messages, comments and issues that people see.
    count: Callable[[], int]

    @property
    def values(self) -> tuple[Action | Query, ...]:
        return (*self.actions, *self.queries)

    @property
    def effects(self) -> list[Action]:
        return [action for action in self.actions if not action.idempotent]


@contextmanager
def on_github() -> Iterator[Platform]:
    with GitHubSandbox("", "secret") as sandbox:
        first = sandbox.push(SHOP, {"README.md": "# Shop\n"})
        commit = sandbox.push(SHOP, {"a.md": "Hello\n"})
        issue = Issue(SHOP, sandbox.open_issue(SHOP, "It crashes", "At checkout."))
        head = sandbox.push(SHOP, {"a.md": "Bye\n"}, branch="change")
        pull = sandbox.open_pull_request(SHOP, "Mend it", head="change")
        sandbox.add_milestone(SHOP, "1.0")
        adapter, here = github.GitHubAdapter(as_app(sandbox), timeout=5), do.Repository(SHOP)
        blobs = {file["path"]: file["sha"] for file in adapter.read(ask.ListFiles(SHOP, commit))}
        seen = do.SubmitReview(
            Issue(SHOP, pull), head, "It.", (do.ReviewComment("a.md", 1, 1, "Why?"),)
        )
        told = adapter.perform(seen, Mark("seen", "review", 1), None).data or {}
        comment = react.Reactable(SHOP, "review comment", told["comments"][0]["id"])
        by = as_token(sandbox)._replace(github_token=sandbox.person_token("maria"))
        github.GitHubAdapter(by).perform(react.AddReaction(comment, "-1"), MARK, None)
        session = GitHubSession(as_app(sandbox), 5)
        yield Platform(
            "github",
            sandbox,
            as_app(sandbox),
            adapter,
            github.ACTIONS,
            {**github.ANSWERS, **github.more_answers()},
            (
                do.AddLabels(issue, ("bug", "urgent")),
                do.Assign(issue, ("maria", "li")),
                do.CloseIssue(issue, "not_planned"),
                do.ReopenIssue(issue),
                do.RemoveLabels(issue, ("bug", "urgent", "kind/ui")),
                do.SetMilestone(issue, "1.0"),
                react.AddReaction(react.Reactable(SHOP, "issue", pull), "eyes"),
                react.RemoveReaction(react.Reactable(SHOP, "issue", pull), "eyes"),
                replace(seen, body="And that.", comments=()),
                do.ReplyOnLines(Issue(SHOP, pull), comment.id, "Because."),
                do.ResolveThread(Issue(SHOP, pull), comment.id),
                do.ReportCheck(
                    Issue(SHOP, pull),
                    head,
                    "Settings",
                    "1",
                    "It.",
                    (do.Annotation("a.md", 1, "?"),),
                ),
                sections.WriteSection(Issue(SHOP, pull), "description", "It says hello."),
                do.LockIssue(Issue(SHOP, pull), "too heated"),
                do.UnlockIssue(Issue(SHOP, pull)),
                do.Comment(issue, "Hello 你好"),
                do.NamedComment(issue, "p1/live", "Hello"),
                do.OpenDraft(here, "Say hello", "It.", "docs/b.md", "Hello\n"),
                do.OpenIssue(here, "Tracking", "It."),
            ),
            (
                do.ListLabels(SHOP),
                right.AskPermission(SHOP, "li"),
                ask.FindIssues(SHOP, kind="any", without=("wontfix",), assignee="*"),
                right.AskRepositories("acme"),
                right.AskRepository(SHOP),
                ask.CompareCommits(SHOP, first, commit),
                ask.CompareFiles(SHOP, first, commit),
                ask.ListCommits(SHOP),
                ask.ListFiles(SHOP, commit),
                ask.ListIssues(SHOP),
                ask.ListComments(SHOP),
                ask.ListPulls(SHOP),
                ask.ReadChange(SHOP, pull),
                ask.ReadChecks(SHOP, pull),
                ask.ReadFile(SHOP, "a.md", blobs["a.md"], commit, 1_000),
                ask.ReadIssue(SHOP, issue.number),
                ask.ReadJobLog(SHOP, sandbox.check(SHOP, head, "ci", "failure", log="No\n")),
                uploads.ReadLinePictures(SHOP, comment.id),
                uploads.ReadPictures(SHOP, issue.number),
                ask.ReadPull(SHOP, pull),
                ask.ReadReactions(SHOP, comment.id),
                ask.ReadTeamFiles(SHOP, "a.md"),
                ask.ReadText(SHOP, "a.md"),
                ask.ReadReviewThread(SHOP, pull, comment.id),
                ask.ReadSources(SHOP, (pull,), ("a.md",)),
                ask.ReadTexts(SHOP, ("a.md",)),
                ask.RepositoryHead(SHOP),
                ask.SearchCode(SHOP, "Hello"),
                ask.SearchIssues(SHOP, "crashes"),
            ),
            lambda: sandbox.fail_next(0, method="POST", after=True),
            lambda: (
                sum(1 + len(one["comments"]) for one in sandbox.issues(SHOP))
                + len(sandbox.checks(SHOP, head))
                + len([*session.every("list reviews", SHOP, ("pulls", pull, "reviews"))])
            ),
        )
        answered = [
            exchange
            for exchange in sandbox.exchanges()
            if exchange.status and not exchange.path.endswith("/graphql")
        ]
        assert not [fault for exchange in answered for fault in faults(exchange)]


def dialog(title: str) -> Json:
    return {"type": "modal", "title": {"type": "plain_text", "text": title}, "blocks": [DIVIDER]}


def opened(sandbox: SlackSandbox) -> str:
    """Open a dialog for Alice, and return its id."""
    views = sandbox.workspace.views
    return str(views.open(views.trigger(ALICE), dialog("Hello"))["id"])


@contextmanager
def on_slack() -> Iterator[Platform]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as sandbox:
        thread = Thread(TEAM, GENERAL, sandbox.say(GENERAL, "Hello?"))
        url = sandbox._url(sandbox._responses.invite(GENERAL, ALICE))
        brought = sandbox.searches.brought({"type": "message", "user": ALICE})
        token = brought["action_token"]
        alice = show.ForPerson(TEAM, ALICE, f"slack:{TEAM}:{GENERAL}", opened(sandbox))
        yield Platform(
            "slack",
            sandbox,
            Settings(slack_bot_token=sandbox.bot_token, slack_api_url=sandbox.api_url),
            connect(sandbox.api_url),
            slack.ACTIONS,
            {**slack.ANSWERS, **slack.more_answers()},
            (
                say.Card(thread, "p1/live", "May I?", (say.Button("Yes", "yes"),)),
                say.Correct(thread, (), "Hello again"),
                say.Draft(thread, "Hel"),
                say.Post(say.Channel(GENERAL), "Hello"),
                say.React(SlackMessage(*thread), "eyes"),
                say.Reply(thread, "Hello 你好"),
                say.ShowStatus(thread, "works", "Hello?"),
                say.Whisper(ResponseUrl(TEAM, GENERAL, url), "Hello"),
                show.PublishHome.showing(alice, [DIVIDER]),
                show.SuggestPrompts.of(alice, {"Help": "help"}),
                show.Tell(alice, "Hello"),
                show.OfferDraft(alice, "Hello", "https://slack.test/p1", "d-1"),
                show.UpdateDialog.showing(alice, dialog("It is done")),
            ),
            (
                say.AskClock(TEAM, GENERAL, ALICE),
                say.AskDirect(TEAM, GENERAL, ALICE),
                say.FindEffect(SlackMessage(*thread)),
                say.FindThread(SlackMessage(*thread)),
                say.ReadThread(thread),
                hear.ReadSince(thread, thread.ts),
                hear.ReadLinked(thread, GENERAL, thread.ts, thread.ts, ("public",)),
                hear.ReadSpan(TEAM, GENERAL, ALICE, GENERAL),
                hear.ReadSlackFile(thread, "F1", "https://elsewhere.test/a"),
                hear.SearchSlack(TEAM, GENERAL, "Hello", token),
                right.AskChannel("#general"),
                right.AskMember(TEAM, ALICE),
                right.AskName(TEAM, GENERAL, GENERAL),
                right.AskReader(TEAM, GENERAL, ALICE),
                right.AskShared(TEAM, GENERAL),
            ),
            lambda: sandbox.fail_next("chat.postMessage", after=True),
            lambda: len(sandbox.messages(GENERAL)),
        )


@pytest.fixture(params=[on_github, on_slack])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    with request.param() as platform:
        yield platform


def declared(*modules: Any) -> Kinds:
    return frozenset(
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Action | Query)
        if kind.__module__ == module.__name__ and not kind.__name__.startswith("_")
    )


def test_every_kind_has_its_line_in_the_table_and_nothing_else_has(platform: Platform) -> None:
    modules = {"github": (do, ask, uploads, react, sections), "slack": (say, hear, show)}[
        platform.name
    ]
    rights = {kind for kind in right.QUERIES if f".{platform.name}:" in kind.connector}
    kinds = declared(*modules) | rights
    assert {*platform.table, *platform.answers} == kinds
    assert {type(one) for one in platform.values} == kinds


def test_an_action_has_a_finder_unless_it_is_idempotent(platform: Platform) -> None:
    for kind, handling in platform.table.items():
        assert bool(handling.find) is not kind.idempotent, kind


def test_every_value_is_plain_limited_and_confined(platform: Platform) -> None:
    for one in platform.values:
        assert json.loads(canonical(one.arguments)) == one.arguments
        assert hash(one) == hash(type(one)(**vars(one)))
        assert one.connector.startswith(f"shared.actions.{platform.name}:")
        scope = one.target.scope if isinstance(one, Action) else one.scope
        assert scope.startswith(f"{platform.name}:"), one
    for action in platform.actions:
        assert type(action).at_most(3) == Permission(type(action), 3)
        assert action.weight >= 1
        assert action.target.ref


def test_every_action_is_performed_twice_without_harm(platform: Platform) -> None:
    for action in platform.actions:
        receipt = platform.adapter.perform(action, MARK, None)
        assert Receipt(**json.loads(json.dumps(receipt.to_json()))) == receipt
        if action.idempotent:
            seen = platform.count()
            assert platform.adapter.perform(action, MARK, None) == receipt
            assert platform.count() == seen


def test_every_effect_whose_answer_was_lost_is_found_and_there_once(platform: Platform) -> None:
    for number, action in enumerate(platform.effects):
        mark, seen = Mark(f"key-{number}", "plan", 1), platform.count()
        assert platform.adapter.find(action, mark) is None
        platform.lose_answer()
        with pytest.raises(ActionUnavailable) as caught:
            platform.adapter.perform(action, mark, None)
        assert caught.value.sent
        done = platform.adapter.find(action, mark) or platform.adapter.perform(action, mark, None)
        assert platform.adapter.find(action, mark) == done
        assert platform.count() == seen + 1, action
        assert platform.adapter.find(action, Mark("another", "plan", 1)) is None


def test_a_shadow_holds_every_action_and_reads(platform: Platform) -> None:
    held, seen = Held(lambda query: platform.adapter, {}), platform.count()
    held.is_effect = lambda key: True
    for action in platform.actions:
        held(action).perform(action, MARK, None)
    assert platform.count() == seen
    kept = [(one.tool, one.target, one.arguments) for one in held.actions]
    assert kept == [
        (type(one).__name__, one.target.ref, one.arguments)
        for one in platform.actions
        if not one.passing
    ]
    query = platform.queries[0]
    assert held(query).read(query) == platform.adapter.read(query)


def test_every_query_is_answered_with_plain_json(platform: Platform) -> None:
    for query in platform.queries:
        answer = platform.adapter.read(query)
        assert answer
        assert json.loads(json.dumps(answer)) == answer


def test_every_kind_is_connected_by_its_name(platform: Platform) -> None:
    may = [type(action).at_most(1) for action in platform.actions]
    platforms = Platforms(may, [type(query) for query in platform.queries], platform.settings)
    for one in platform.values:
        assert isinstance(platforms(one), type(platform.adapter))
    assert platforms(platform.queries[0]) is platforms(platform.queries[0])


def test_what_a_flow_does_not_name_or_nobody_set_up_is_refused(platform: Platform) -> None:
    action = platform.actions[0]
    with pytest.raises(PolicyError, match=f"{type(action).__name__} is not in the flow's may="):
        Platforms([], [], platform.settings)(action)
    unset = Platforms([type(action).at_most(1)], [], Settings())
    with pytest.raises(SettingsError, match="is not set"):
        unset(action)


def test_what_stands_in_no_table_is_refused(platform: Platform) -> None:
    class Wave(do.Comment):
        pass

    class Peek(ask.ListPulls):
        pass

    with pytest.raises(ActionRejected, match="Wave has no line in the table"):
        platform.adapter.perform(Wave(Issue(SHOP, 1), "Hello"), MARK, None)
    with pytest.raises(ActionRejected, match="Peek has no line in the table"):
        platform.adapter.read(Peek(SHOP))
