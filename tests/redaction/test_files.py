"""What is written into a file is never masked: with a secret, or a mask, it is refused."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action
from shared.actions.github.actions import Comment, NamedComment, OpenDraft, OpenIssue, Repository
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.secrets_kept_out import masked
from shared.actions.slack.actions import Button, Card, Whisper
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.errors import ActionRejected
from shared.events import Event, Issue, ResponseUrl, Thread
from shared.memory.documents.files import is_wanted, refusal
from shared.planning.plan import Plan
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP
from tests.events.made import an_event
from tests.planning.plan_runner import PlanRunner, plan_runner
from tests.planning.plans import ASK, Drafts, of, person, planned, step

SECRET = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
MASK = "[secret removed: github token]"
FILE = OpenDraft(Repository(SHOP), "Title", "Body", "a/config.ini", "x = 1")
ISSUE = Issue(SHOP, 7)


@pytest.mark.parametrize(
    "action",
    [
        replace(FILE, content=f"x = {SECRET}"),
        replace(FILE, content=f"x = {MASK}"),
        replace(FILE, content=f"x = {SECRET[:9]}\u200b{SECRET[9:]}"),
        replace(FILE, content="url = postgres://a:s3cr3t1@db/x"),
        replace(FILE, path=f"a/{SECRET}"),
        replace(FILE, base=SECRET),
        Comment(ISSUE, f"Try:\n\n```suggestion\ntoken = {SECRET}\n```"),
        Comment(ISSUE, f"Try:\n\n```suggestion:-0+0\ntoken = {MASK}\n```\nBye"),
        Comment(ISSUE, f"> ~~~~ suggestion\n> {MASK}\n> ~~~~"),
        OpenIssue(Repository(SHOP), "A", f"```SUGGESTION\n{SECRET}"),
    ],
)
def test_a_file_with_a_secret_or_a_mask_is_refused_with_the_reason(action: Action) -> None:
    with pytest.raises(ActionRejected, match=r"did not write it\.") as refused:
        masked(action)
    assert SECRET not in str(refused.value)
    assert refused.value.public == str(refused.value)


def test_all_other_texts_of_an_action_are_masked_and_its_target_stays() -> None:
    response = ResponseUrl("T1", "C1", "https://hooks.slack.com/commands/T1/2/abc")
    card = Card(Thread("T1", "C1", "1.2"), "live", SECRET, (Button(SECRET, "v"),))
    assert masked(Whisper(response, SECRET)) == Whisper(response, MASK)
    assert masked(card) == replace(card, text=MASK, buttons=(Button(MASK, "v"),))
    quoted = Comment(ISSUE, f"{SECRET}\n```suggestion\nx = 2\n```")
    assert masked(quoted).body == quoted.body.replace(SECRET, MASK)
    assert masked(replace(FILE, title=SECRET, body=SECRET)) == replace(FILE, title=MASK, body=MASK)
    assert masked(FILE) is FILE


@flow("github.issues.opened", may=[OpenDraft.at_most(1), Comment.at_most(1)])
def writes(event: Event, agent: Agent) -> None:
    agent.act(replace(FILE, content=event.text))


def test_a_flow_that_writes_what_it_heard_is_stopped_and_the_person_is_told(
    runner: FlowRunner,
) -> None:
    assert runner.deliver(writes, an_event(text=f"key = {SECRET}")) == []
    [notice] = runner.platform.done
    assert isinstance(notice, NamedComment)
    assert "holds a place where a secret was removed, so I did not write it" in notice.text


@pytest.fixture
def hub() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as hub:
        hub.push(SHOP, {"docs/config.ini": f"token = {SECRET}\n"})
        yield hub


def carried_out(database: Database, hub: GitHubSandbox, plan: Plan) -> tuple[PlanRunner, str]:
    number = hub.open_issue(SHOP, "Please", "Do it.")
    event = ASK._replace(
        conversation=f"github:{SHOP}#{number}",
        issue_target=Issue(SHOP, number),
        text=f"write {SECRET}",
        actor=person(hub),
    )
    adapter = GitHubAdapter(Settings(github_token=hub.token, github_api_url=hub.api_url), 5)
    with plan_runner(database, planned(Drafts(plan)), lambda wanted: adapter) as it:
        name = it.ask(event)
        it.ended(name)
        return it, name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"token = {SECRET}", "place where a secret was removed"),
        (of("s1", "text"), "place where a secret was removed"),
    ],
)
def test_a_plan_writes_no_file_with_a_secret_and_says_why(
    database: Database, hub: GitHubSandbox, content: object, reason: str
) -> None:
    branches = hub.branches(SHOP)
    steps = (
        step("s1", "read_file", path="docs/config.ini"),
        step(
            "s2",
            "open_draft_pull",
            after=("s1",),
            title="Move it",
            body="See inside",
            path="docs/new.ini",
            content=content,
        ),
        step("s3", "comment", body=f"It is {SECRET}"),
    )
    it, plan = carried_out(database, hub, Plan(steps))
    row = it.situation(plan).row("s2")
    assert row and row.state == "failed" and reason in row.reason
    assert hub.branches(SHOP) == branches
    comments = [c["body"] for c in hub.issue(SHOP, len(hub.issues(SHOP)))["comments"]]
    assert any(f"It is {MASK}" in body for body in comments)
    assert SECRET not in "".join(comments)
    tables = ("events", "runs", "steps", "effects", "plans", "plan_versions", "plan_steps")
    for table in tables:
        query = Statement(f"select t::text as row from {table} t", {})
        kept = database.run("github:acme", [query])[0]
        assert kept and SECRET not in "".join(row["row"] for row in kept), table


@pytest.mark.parametrize(
    "path",
    [
        *("id_rsa", "home/.ssh/config", "id_ed25519.txt", "credentials", "aws/credentials.txt"),
        *(".env", ".env.example", "app/.env.local", "prod.env", "server.pem", "tls.key", "a.p12"),
        *(".netrc", ".npmrc", ".pypirc", "kubeconfig", "my-kubeconfig.yaml", ".git-credentials"),
        *("terraform.tfstate", "terraform.tfstate.backup", "prod.tfvars", "Credentials.MD"),
        *("service-account-prod.json", ".aws/config.txt", "secrets.yaml", "x/ID_RSA", "a.PFX"),
        *("deploy_rsa", "client_secret_42.json", ".htpasswd", ".pgpass", "passwords.txt"),
    ],
)
def test_files_for_secrets_are_no_documents(path: str) -> None:
    assert is_wanted(path, ("*", "**/*"))
    assert refusal(path) == "a file for secrets"


@pytest.mark.parametrize(
    "path", ["README.md", "docs/environment.md", "docs/secrets.md", "keyboard.md", "a/monkey.txt"]
)
def test_documents_about_secrets_are_taken(path: str) -> None:
    assert refusal(path) == ""
