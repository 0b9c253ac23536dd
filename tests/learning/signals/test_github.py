"""What people on GitHub make of findings, labels and duplicates: once for each, of the run that
caused it, and nothing of strangers."""

import time
from uuid import uuid4

import pytest
from urllib3 import request

from flows.control import control
from flows.learn import learn
from flows.triage import TriageVerdict, triage
from infra.local.sandbox.github import GitHubSandbox
from shared.actions.github.queries import ReadReactions
from shared.database import Database, Statement
from shared.events import Event, Json, Role
from shared.testing import FlowRunner, github_event
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_review import FAULTY, PullRequest
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

Told = tuple[str, float, str]
COMMITTED = FAULTY.replace("items=[]", "items=()").replace("items == None", "items is None")


def told(database: Database) -> list[Told]:
    """Return kind, value and flow of all that counts."""
    query = """select kind, value, flow from signals where weight > 0 order by kind, value"""
    [rows] = database.run("github:acme", [Statement(query, {})])
    return [(row["kind"], row["value"], row["flow"]) for row in rows]


class Reviewed:
    """A pull request with two findings, and people who make something of them."""

    def __init__(self, sandbox: GitHubSandbox, database: Database) -> None:
        self.sandbox, self.database = sandbox, database
        self.pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
        self.pull.review()
        self.first, self.second = sorted(self.pull.get("comments"), key=lambda row: row["line"])

    def event(self, kind: str, by: str = "maria", **fields: Json) -> Event:
        number = self.pull.number
        event = github_event(
            kind, repository=SHOP, number=number, by=by, fields=fields, delivery=str(uuid4())
        )
        actor = event.actor._replace(id=str(self.sandbox.account_id(by)))
        return event._replace(actor=actor, received_at=time.time())

    def merged(self, by: str = "maria") -> Event:
        head = self.pull.get("commits")[-1]["sha"]
        return self.event("pull_request.closed", by, pull_request=_merged(head))

    def hears(self, *events: Event) -> None:
        for event in events:
            self.pull.runner.run(learn, event)

    def react(self, comment: int, content: str, by: str) -> None:
        api = f"{self.sandbox.api_url}/repos/{SHOP}/pulls/comments/{comment}/reactions"
        token = {"authorization": f"Bearer {self.sandbox.person_token(by)}"}
        request("POST", api, headers=token, json={"content": content})

    def unreact(self, comment: int, by: str) -> None:
        api = f"{self.sandbox.api_url}/repos/{SHOP}/pulls/comments/{comment}/reactions"
        token = {"authorization": f"Bearer {self.sandbox.person_token(by)}"}
        for row in request("GET", api, headers=token).json():
            if row["user"]["login"] == by:
                request("DELETE", f"{api}/{row['id']}", headers=token)

    @property
    def told(self) -> list[Told]:
        return told(self.database)


def _merged(head: str) -> Json:
    return {"merged": True, "head": {"sha": head}}


@pytest.fixture
def reviewed(sandbox: GitHubSandbox, database: Database) -> Reviewed:
    return Reviewed(sandbox, database)


def test_what_became_of_the_lines_until_the_merge(reviewed: Reviewed) -> None:
    reviewed.sandbox.push(SHOP, {"a.py": COMMITTED}, branch="add")
    closed = reviewed.merged()
    reviewed.hears(*[closed] * 20)
    assert reviewed.told == [
        ("changed_before_merge", 0.75, "review"),
        ("committed", 1.0, "review"),
    ]


def test_what_stays_as_it_was_says_little(reviewed: Reviewed) -> None:
    reviewed.hears(reviewed.merged())
    assert reviewed.told == [("unchanged_before_merge", -0.25, "review")] * 2


def test_what_is_closed_without_a_merge_says_nothing(reviewed: Reviewed) -> None:
    reviewed.hears(reviewed.event("pull_request.closed", pull_request={"merged": False}))
    assert reviewed.told == []


def test_the_last_word_about_a_thread_counts_in_whatever_order_it_comes(
    reviewed: Reviewed,
) -> None:
    thread = {"comments": [reviewed.first]}
    ends = reviewed.event("pull_request_review_thread.resolved", thread=thread)
    opens = reviewed.event("pull_request_review_thread.unresolved", thread=thread)
    opens = opens._replace(received_at=ends.received_at + 60)
    reviewed.hears(opens, *[ends] * 3)
    assert reviewed.told == []
    again = reviewed.event("pull_request_review_thread.resolved", thread=thread)
    reviewed.hears(again._replace(received_at=ends.received_at + 120))
    assert reviewed.told == [("dismissed", -1.0, "review")]


def test_a_brigade_of_strangers_moves_nothing(reviewed: Reviewed) -> None:
    for number in range(20):
        reviewed.react(reviewed.first["id"], "-1", f"outsider{number}")
    thread = {"comments": [reviewed.second]}
    reviewed.hears(
        reviewed.event("pull_request_review_thread.resolved", "outsider1", thread=thread),
        reviewed.event("pull_request.closed", pull_request={"merged": False}),
    )
    assert reviewed.told == []
    reviewed.react(reviewed.first["id"], "+1", "maria")
    reviewed.hears(reviewed.event("pull_request.closed", pull_request={"merged": False}))
    assert reviewed.told == [("liked", 1.0, "review")]


def test_a_thumb_under_a_finding_is_its_reviews_until_it_is_taken_back(
    reviewed: Reviewed, database: Database
) -> None:
    """However often it is delivered."""
    closed = {"merged": False}
    for one in (reviewed.first, reviewed.second):
        reviewed.react(one["id"], "+1", "maria")
    reviewed.hears(*[reviewed.event("pull_request.closed", pull_request=closed)] * 20)
    assert reviewed.told == [("liked", 1.0, "review")] * 2
    [rows] = database.run("github:acme", [Statement("select distinct run_id from signals", {})])
    query = "select distinct run_id from findings"
    assert rows == database.run("github:acme", [Statement(query, {})])[0]
    reviewed.unreact(reviewed.first["id"], "maria")
    reviewed.hears(reviewed.event("pull_request.closed", pull_request=closed))
    assert reviewed.told == [("liked", 1.0, "review")]


def test_what_is_taken_back_was_not_wanted(reviewed: Reviewed) -> None:
    reviewed.pull.runner.run(control, reviewed.pull.event("command.undo", delivery=str(uuid4())))
    assert {(kind, flow) for kind, _, flow in reviewed.told} == {("undone", "review")}


class Triaged:
    """An issue with two labels of ours, and one that we name as older."""

    def __init__(self, database: Database, duplicate_of: str | None = "acme/shop#3") -> None:
        # With an App, what a person does is not taken for ours.
        self.runner = FlowRunner(database, github_app_id="7")
        self.runner.platform.answers[ReadReactions] = []
        older = github_event("issues.opened", title="Pay crashes", number=3)
        self.runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
        self.runner.run(triage, older)
        self.runner.answers(TriageVerdict(("bug", "question"), duplicate_of, "Again."))
        self.opened = github_event("issues.opened", title="Pay crashes again", number=7)
        self.runner.run(triage, self.opened)
        self.at = self.opened.received_at
        self.database = database

    def hears(self, kind: str, by: str = "ada", **fields: object) -> None:
        self.at += 60
        event = github_event(f"issues.{kind}", by=by, fields=fields, delivery=str(uuid4()))
        role: Role = "member" if by == "ada" else "none"
        event = event._replace(actor=event.actor._replace(role=role), received_at=self.at)
        for _ in range(20):
            self.runner.run(learn, event)

    @property
    def told(self) -> list[Told]:
        return told(self.database)


@pytest.fixture
def triaged(database: Database) -> Triaged:
    return Triaged(database)


def label(name: str) -> Json:
    return {"name": name}


def test_a_label_that_is_taken_off_was_wrong_until_it_is_put_on_again(triaged: Triaged) -> None:
    triaged.hears("unlabeled", label=label("bug"))
    assert triaged.told == [("relabelled", -1.0, "triage")]
    triaged.hears("labeled", label=label("bug"))
    assert triaged.told == []
    triaged.hears("labeled", label=label("docs"))
    assert triaged.told == [("relabelled", -0.5, "triage")]


@pytest.mark.parametrize(
    ("why", "named", "expected"),
    [
        ("duplicate", "acme/shop#3", ("closed_as_duplicate", 1.0, "triage")),
        ("completed", "acme/shop#3", ("not_duplicate", -0.75, "triage")),
        ("duplicate", None, ("corrected", -0.5, "triage")),
    ],
)
def test_why_an_issue_is_closed_tells_whether_it_was_a_duplicate(
    database: Database, why: str, named: str | None, expected: Told
) -> None:
    triaged = Triaged(database, named)
    triaged.hears("closed", issue={"state_reason": why})
    assert triaged.told == [expected]
    triaged.hears("reopened")
    assert triaged.told == []


def test_labels_that_stand_to_the_end_were_right(triaged: Triaged) -> None:
    triaged.hears("closed", issue={"labels": [label("bug"), label("question")]})
    assert triaged.told == [("accepted", 0.5, "triage")]


def test_strangers_say_nothing_about_labels(triaged: Triaged) -> None:
    for number in range(20):
        triaged.hears("closed", f"outsider{number}", issue={"state_reason": "duplicate"})
    assert triaged.told == []


def test_a_window_closes_after_a_week_and_reads_the_thumbs(triaged: Triaged) -> None:
    [timer] = [one for one in triaged.runner.timers if one.issue == triaged.opened.issue]
    assert "github.issues.opened" not in learn.types  # it makes no run of its own
    assert timer.received_at == triaged.opened.received_at + 7 * 86_400
    ada = triaged.opened.actor
    thumb = {"content": "+1", "login": ada.name, "id": ada.id}
    triaged.runner.platform.answers[ReadReactions] = [thumb, {**thumb, "content": "heart"}]
    triaged.runner.run(triage, timer)
    assert triaged.told == [("liked", 1.0, "triage")]
    triaged.runner.platform.answers[ReadReactions] = []
    triaged.at = timer.received_at
    triaged.hears("closed")
    assert triaged.told == []
