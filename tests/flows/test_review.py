"""Reviews against the sandbox GitHub: what is posted, where, and how often."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest
from urllib3 import request

from flows.control import control
from flows.learn import learn
from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Mark, Receipt
from shared.actions.authority import RecentAnswers
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.session import GitHubSession
from shared.database import Database, Statement
from shared.errors import ModelRejected, PolicyError
from shared.events import Event, Json
from shared.learning.refusals import is_refusal
from shared.models import ModelRequest
from shared.perception import github
from shared.reviewing.finding import Finding, Findings
from shared.reviewing.fitting.sorting import Sorted, Unneeded
from shared.reviewing.scoring import Score, Scores
from shared.settings import Settings
from shared.testing import FlowRunner, github_event
from tests.actions.github.sandbox_issue import SHOP, as_app, as_token
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

FAULTY = """\
def total(items=[]):
    if items == None:
        return 0
    items.sort()
    return sum(item.price for item in items)
"""
PATHS = ("a.py", "docs/b.py")


class Mortal(GitHubAdapter):
    """Dies once after it performed the action of a kind, before anybody hears of it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, timeout=30)
        self.dies_after = ""

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        receipt = super().perform(action, mark, previous)
        if type(action).__name__ == self.dies_after:
            self.dies_after = ""
            raise KeyboardInterrupt
        return receipt


def installed_at(moment: float) -> Event:
    """The event of an installation on the organisation of the shop."""
    person = {"login": "maria", "id": 5, "type": "User"}
    installation = {"id": 1, "account": {"login": "acme", "type": "Organization"}}
    payload = {"action": "created", "installation": installation, "sender": person}
    headers = {"x-github-event": "installation", "x-github-delivery": str(uuid4())}
    return github.to_event(json.dumps(payload).encode(), headers, {}, moment)


class PullRequest:
    """A pull request in the sandbox, and a runner whose flow reaches it."""

    def __init__(
        self,
        sandbox: GitHubSandbox,
        files: dict[str, str],
        database: Database,
        title: str = "Add",
        **changes: str,
    ) -> None:
        self.number = sandbox.open_pull_request(SHOP, title, "Why", head="add", files=files)
        self.runner = FlowRunner(database, **changes)
        self._sandbox = sandbox
        self.adapter = Mortal(as_app(sandbox))
        #: What processes keep of answers for a minute is forgotten when this clock goes on.
        self.minutes = 1_000
        self.runner.can.services.get(
            RecentAnswers, lambda: RecentAnswers(lambda: 61.0 * self.minutes)
        )
        self.runner.adapters = lambda wanted: self.adapter

    def event(
        self,
        kind: str = "pull_request.opened",
        *,
        delivery: str = "",
        body: str = "",
        by: str = "maria",
    ) -> Event:
        """`by` whom: maria may write, and others may not."""
        event = github_event(
            kind, repository=SHOP, number=self.number, delivery=delivery, body=body, by=by
        )
        event = event._replace(actor=event.actor._replace(id=str(self._sandbox.account_id(by))))
        payload = event.payload
        if "issue" in payload:  # a comment on it, which GitHub calls one on an issue
            payload = {**payload, "issue": {**payload["issue"], "pull_request": {"url": "…"}}}
        return event._replace(payload=payload, received_at=time.time())

    def review(self) -> None:
        self.runner.run(review, self.event())

    def push(self, files: dict[str, str]) -> None:
        self._sandbox.push(SHOP, files, branch="add")
        pushed = self.event("pull_request.synchronize", delivery=str(uuid4()))
        self.runner.run(review, pushed)
        self.runner.fire(review)

    def react(self, comment: int, content: str) -> None:
        request(
            "POST",
            f"{self._sandbox.api_url}/repos/{SHOP}/pulls/comments/{comment}/reactions",
            headers={"authorization": f"Bearer {self._sandbox.person_token('maria')}"},
            json={"content": content},
        )

    def resolved(self) -> list[bool]:
        session = GitHubSession(as_app(self._sandbox), 5)
        query = """query($name: String!, $number: Int!) {
          repository(owner: "acme", name: $name) { pullRequest(number: $number) {
            reviewThreads(first: 9) { nodes { isResolved line } } } } }"""
        found = session.graphql("list threads", SHOP, query, name="shop", number=self.number)
        nodes = found["repository"]["pullRequest"]["reviewThreads"]["nodes"]
        return sorted(node["isResolved"] for node in nodes)

    def reactions(self, comment: int) -> list[str]:
        url = f"{self._sandbox.api_url}/repos/{SHOP}/issues/comments/{comment}/reactions"
        token = {"authorization": f"Bearer {self._sandbox.token}"}
        return [row["content"] for row in request("GET", url, headers=token).json()]

    @property
    def sticky(self) -> list[str]:
        comments = self._sandbox.issue(SHOP, self.number)["comments"]
        return [comment["body"] for comment in comments]

    def get(self, path: str) -> list[Json]:
        answer = request(
            "GET",
            f"{self._sandbox.api_url}/repos/{SHOP}/pulls/{self.number}/{path}",
            headers={"authorization": f"Bearer {self._sandbox.token}"},
        )
        rows: list[Json] = answer.json()
        return rows


def test_what_is_proved_is_posted_on_its_lines_in_one_review(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY}, database)
    pull.review()
    [submitted] = pull.get("reviews")
    assert submitted["state"] == "COMMENTED"
    default, none = sorted(pull.get("comments"), key=lambda row: row["line"])
    assert (default["path"], default["line"], none["line"]) == ("shop/cart.py", 1, 2)
    assert "```suggestion\n    if items is None:\n```" in none["body"]
    [summary] = pull.sticky
    assert "2 posted" in summary


def test_what_finds_no_attention_waits_in_the_summary(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database, findings_per_day="2")
    pull.review()
    assert len(pull.get("comments")) == 1  # what is not urgent leaves a quarter
    assert "1 more" in pull.sticky[0]


def test_a_clean_change_gets_no_review_and_one_comment(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": "def total():\n    return 0\n"}, database)
    pull.review()
    assert pull.get("reviews") == []
    [summary] = pull.sticky
    assert "nothing found" in summary


def test_the_same_delivery_twice_is_one_review(sandbox: GitHubSandbox, database: Database) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY}, database)
    pull.review()
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)


@pytest.mark.parametrize("after", ["SubmitReview", "Comment"])
def test_a_crash_in_the_middle_loses_and_doubles_nothing(
    sandbox: GitHubSandbox, database: Database, after: str
) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY}, database)
    pull.adapter.dies_after = after
    with pytest.raises(KeyboardInterrupt):
        pull.review()
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)


def test_a_retry_reviews_what_the_pull_request_said_at_first(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)

    def answer(request: ModelRequest) -> Findings | None:
        if "lines 1 to 1" in str(request.messages):
            return None  # the second look, by the offline model
        claim = "It adds." if "Add" in str(request.messages) else "It takes away."
        return Findings((Finding("a.py", 1, 1, "a = 1", "high", "bug", 0.9, claim, ""),))

    pull.runner.model.rule = answer
    pull.adapter.dies_after = "SubmitReview"
    with pytest.raises(KeyboardInterrupt):
        pull.review()
    sandbox.edit_issue(SHOP, pull.number, title="Remove", body="All else")
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)
    assert "It adds." in pull.sticky[0]


def test_a_second_look_that_failed_is_not_made_up_for_by_a_retry(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)
    found = Finding("a.py", 1, 1, "a = 1", "low", "bug", 0.9, "It is 1.", "")
    pull.adapter.dies_after = "SubmitReview"
    pull.runner.answers(Findings((found,)), ModelRejected("too long"))
    with pytest.raises(KeyboardInterrupt):
        pull.review()
    pull.runner.answers(Scores((Score(1, 0),)))
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)
    assert "1 posted" in pull.sticky[0]


@pytest.mark.parametrize("title", ["WIP: add", "[wip] add", "Draft: add"])
def test_what_is_not_ready_is_not_reviewed(
    sandbox: GitHubSandbox, database: Database, title: str
) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY}, database, title)
    pull.review()
    assert (pull.get("reviews"), pull.sticky) == ([], [])
    pull.runner.run(review, pull.event("command.review"))
    assert len(pull.get("reviews")) == 1


@pytest.mark.parametrize(("fails", "end"), [(False, "rocket"), (True, "confused")])
def test_reactions_show_how_a_command_stands(
    sandbox: GitHubSandbox, database: Database, fails: bool, end: str
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    sandbox.comment(SHOP, pull.number, "/review")
    [comment] = sandbox.issue(SHOP, pull.number)["comments"]
    asked = pull.event("command.review")
    seen: list[str] = []

    def answer(request: ModelRequest) -> Findings:
        seen.extend(pull.reactions(comment["id"]))
        if fails:
            raise PolicyError("no")
        return Findings(())

    pull.runner.model.rule = answer
    about = {**asked.payload["comment"], "id": comment["id"]}
    asked = asked._replace(payload={**asked.payload, "comment": about})
    with suppress(PolicyError):
        pull.runner.run(review, asked)
    assert (seen[:1], pull.reactions(comment["id"])) == (["eyes"], [end])


def test_an_issue_is_not_reviewed(sandbox: GitHubSandbox, database: Database) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    pull.number = sandbox.open_issue(SHOP, "It crashes", "Why?")
    asked = pull.event("command.review")
    about = {"issue": {**asked.payload["issue"], "pull_request": None}}
    pull.runner.run(review, asked._replace(payload=asked.payload | about))
    [answer] = pull.sticky
    assert answer.startswith("Not reviewed: this is an issue, no pull request.")


def test_files_that_nobody_needs_to_review_are_named(
    sandbox: GitHubSandbox, database: Database
) -> None:
    files = {"poetry.lock": "a\n", "vendor/a.py": FAULTY, "a.min.js": "x\n", "b.py": "b = 1\n"}
    pull = PullRequest(sandbox, files, database)
    pull.review()
    [summary] = pull.sticky
    assert "3 files not reviewed" in summary
    for told in ("`poetry.lock`: a lock file", "`vendor/a.py`: vendored", "`a.min.js`: generated"):
        assert told in summary


def test_a_secret_is_found_though_no_model_sees_it(
    sandbox: GitHubSandbox, database: Database
) -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    pull = PullRequest(sandbox, {"a.py": f'TOKEN = "{secret}"\n'}, database)
    pull.review()
    [comment] = pull.get("comments")
    assert "critical" in comment["body"] and secret not in comment["body"]


def test_a_false_finding_goes_back_once_and_is_never_posted(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)
    false = Finding("a.py", 1, 1, "b = 1", "high", "bug", 0.9, "It is 1.", "")
    pull.runner.answers(Findings((false,)), Findings((false,)))
    pull.review()
    assert pull.get("reviews") == []


def test_what_is_sorted_out_is_named_and_its_secrets_are_found(
    sandbox: GitHubSandbox, database: Database
) -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    files = {f"shop/a{n}.py": f"# {'word ' * 80}\n" * 8 for n in range(24)}
    pull = PullRequest(
        sandbox, files | {"b.py": FAULTY, "c.txt": f"{'word ' * 150}\n{secret}\n"}, database
    )
    every = Sorted(tuple(Unneeded(n, "comments") for n in range(2, 27)))
    pull.runner.answers(every)
    pull.review()
    assert len(pull.runner.model.asked) == 3  # sorted, reviewed, scored
    assert "25 files not reviewed" in pull.sticky[0]
    assert "`shop/a7.py`: sorted out: only comments" in pull.sticky[0]
    assert sorted(row["path"] for row in pull.get("comments")) == ["b.py", "b.py", "c.txt"]


def test_what_a_second_look_finds_weak_waits_in_the_summary(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\nb = 2\nc = 3\n"}, database)
    one = Finding("a.py", 1, 1, "a = 1", "low", "bug", 0.9, "It is 1.", "")
    two = Finding("a.py", 2, 2, "b = 2", "low", "bug", 0.8, "It is 2.", "")
    three = Finding("a.py", 3, 3, "c = 3", "low", "bug", 0.7, "It is 3.", "")
    scores = Scores((Score(1, 4), Score(2, 9), Score(3, 1)))
    pull.runner.answers(Findings((one, two, three)), scores)
    pull.review()
    assert [row["line"] for row in pull.get("comments")] == [2]
    assert "1 more, of less weight" in pull.sticky[0] and "It is 1." in pull.sticky[0]
    assert "A second look dropped 1" in pull.sticky[0] and "It is 3." not in pull.sticky[0]


def test_the_function_around_a_change_is_shown_and_nobody_comments_there(
    sandbox: GitHubSandbox, database: Database
) -> None:
    body = "".join(f"    a{n} = {n}\n" for n in range(30))
    before = f"def total(items=[]):\n{body}    return a1\n"
    sandbox.push(SHOP, {"around.py": before})
    after = before.replace("a20 = 20", "a20 = 21")
    pull = PullRequest(sandbox, {"around.py": after}, database)
    outside = Finding("around.py", 3, 3, "    a1 = 1", "high", "bug", 0.9, "It is 1.", "")
    inside = Finding("around.py", 22, 22, "    a20 = 21", "high", "bug", 0.9, "It is 21.", "")
    pull.runner.answers(Findings((outside, inside)), Findings((outside,)))
    pull.review()
    text = pull.runner.model.asked[0].messages[0].text
    assert (
        "     1   def total(items=[]):" in text
        and "around.py (modified, code, +1 -1): total" in text
    )
    assert [row["line"] for row in pull.get("comments")] == [22]
    paths = [one.path for one in sandbox.exchanges()]
    assert sum("/contents/around.py" in path for path in paths) == 0  # read with others at once


class TestPushes:
    """After a review only what is new is read, told and kept."""

    @pytest.fixture
    def pull(self, sandbox: GitHubSandbox, database: Database) -> PullRequest:
        pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
        pull.review()
        return pull

    def test_only_what_a_push_changed_is_reviewed(self, pull: PullRequest) -> None:
        pull.push({"b.py": "b = 1\nif b == None:\n    pass\n"})
        assert [row["path"] for row in pull.get("comments")] == ["a.py", "a.py", "b.py"]
        assert "a.py" not in str(pull.runner.model.asked[-1].messages)
        [summary] = pull.sticky
        assert "…" in summary and "1 posted" in summary

    def test_what_was_found_before_is_not_told_again(self, pull: PullRequest) -> None:
        moved = f"# moved\n\n{FAULTY}"
        pull.push({"a.py": moved})
        assert len(pull.get("reviews")) == 1
        assert "nothing new found" in pull.sticky[0]

    def test_a_fix_resolves_its_thread_and_names_the_commit(self, pull: PullRequest) -> None:
        pull.push({"a.py": FAULTY.replace("items == None", "items is None")})
        *_, reply = pull.get("comments")
        assert reply["body"].startswith("These lines were changed in ")
        assert "None" in next(
            row["body"] for row in pull.get("comments") if row["id"] == reply["in_reply_to_id"]
        )
        assert pull.resolved() == [False, True]
        assert len(pull.get("reviews")) == 2  # a reply is a review of its own on GitHub

    def test_what_was_held_stays_in_the_summary(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        pull = PullRequest(sandbox, {"a.py": FAULTY}, database, findings_per_day="2")
        pull.review()
        pull.push({"b.py": "b = 1\n"})
        assert "2 from earlier rounds, still open" in pull.sticky[0]
        assert "`a.py`:2" in pull.sticky[0]
        pull.push({"a.py": f"\n\n{FAULTY}"})
        still = pull.sticky[0].partition("earlier rounds, still open")[2].partition("</details>")[0]
        assert "`a.py`:4" in still and "`a.py`:2" not in still

    def test_a_fault_that_returns_is_told_and_dismissed_by_its_new_comment(
        self, pull: PullRequest, database: Database
    ) -> None:
        fixed = FAULTY.replace("items == None", "items is None")
        pull.push({"a.py": fixed})
        pull.push({"a.py": FAULTY})
        told = [row for row in pull.get("comments") if "`None`" in row["body"]]
        assert len(told) == 2
        learns = TestWhatPeopleMakeOfIt()
        thread = {"comments": [told[-1]]}
        learns.learn(pull, "pull_request_review_thread.resolved", thread=thread)
        pull.push({"a.py": fixed})
        pull.push({"a.py": FAULTY})
        assert len([row for row in pull.get("comments") if "`None`" in row["body"]]) == 2

    def test_a_secret_that_still_stands_there_is_not_called_changed(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
        text = f'TOKEN = "{secret}"\n'
        pull = PullRequest(sandbox, {"a.py": text}, database)
        pull.review()
        pull.push({"a.py": f"# A token\n{text}"})
        assert (len(pull.get("comments")), pull.resolved()) == (1, [False])

    def test_several_pushes_are_reviewed_once(self, pull: PullRequest) -> None:
        for _ in range(3):
            pushed = pull.event("pull_request.synchronize", delivery=str(uuid4()))
            pull.runner.run(review, pushed)
        assert [event.type for event in pull.runner.timers] == ["timer.review"]

    def test_nothing_is_done_for_a_commit_that_was_reviewed(self, pull: PullRequest) -> None:
        asked = len(pull.runner.model.asked)
        pull.runner.run(review, pull.event("pull_request.reopened"))
        assert len(pull.runner.model.asked) == asked

    def test_a_person_may_ask_for_all_of_it(self, pull: PullRequest) -> None:
        pull.push({"b.py": "b = 1\n"})
        asked = pull.event("command.review", body="full")
        pull.runner.run(review, asked)
        assert "a.py" in str(pull.runner.model.asked[-1].messages)
        assert len(pull.get("reviews")) == 1


class TestWhatPeopleMakeOfIt:
    """What people who may write dismiss is not told again, in this pull request or another."""

    @pytest.fixture
    def pull(self, sandbox: GitHubSandbox, database: Database) -> PullRequest:
        pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
        pull.review()
        return pull

    def learn(self, pull: PullRequest, kind: str, by: str = "maria", **fields: Json) -> None:
        event = github_event(
            kind, repository=SHOP, number=pull.number, by=by, fields=fields, delivery=str(uuid4())
        )
        account = pull._sandbox.account_id(by)
        actor = event.actor._replace(id=str(account))
        pull.runner.run(learn, event._replace(actor=actor, received_at=time.time()))

    def told_in_another(self, pull: PullRequest, database: Database) -> list[int]:
        """Open another pull request with the same code, and return the lines of its comments."""
        sandbox = pull._sandbox
        sandbox.push(SHOP, {"a.py": "a = 1\n"}, branch="second")
        number = sandbox.open_pull_request(SHOP, "Again", head="second", files={"a.py": FAULTY})
        pull.number = number
        pull.review()
        return sorted(row["line"] for row in pull.get("comments"))

    def test_nothing_is_dismissed_without_a_word(
        self, pull: PullRequest, database: Database
    ) -> None:
        assert self.told_in_another(pull, database) == [1, 2]

    @pytest.mark.parametrize("how", ["resolved", "refused", "deleted", "thumb down"])
    def test_what_is_dismissed_stays_away(
        self, pull: PullRequest, database: Database, how: str
    ) -> None:
        first = min(pull.get("comments"), key=lambda row: row["line"])
        if how == "resolved":
            thread = {"comments": [first]}
            self.learn(pull, "pull_request_review_thread.resolved", thread=thread)
        elif how == "refused":
            said = pull._sandbox.answer(first["id"], "That is by design.")
            reply = {"id": said, "in_reply_to_id": first["id"], "body": "That is by design."}
            self.learn(pull, "pull_request_review_comment.created", comment=reply)
        elif how == "deleted":
            self.learn(pull, "pull_request_review_comment.deleted", comment=first)
        else:
            pull.react(first["id"], "-1")
            self.learn(pull, "pull_request.closed")
        assert self.told_in_another(pull, database) == [2]

    def test_what_is_critical_is_told_once_more_and_says_so(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        marks = "<<<<<<< ours\na = 1\n"
        pull = PullRequest(sandbox, {"a.txt": marks}, database)
        pull.review()
        told = []
        for number in range(3):
            comments = pull.get("comments")
            told.append([row["body"] for row in comments])
            for row in comments:
                thread = {"comments": [row]}
                self.learn(pull, "pull_request_review_thread.resolved", thread=thread)
            branch, files = f"more{number}", {"a.txt": marks}
            sandbox.push(SHOP, {"b.txt": "b"}, branch=branch)
            pull.number = sandbox.open_pull_request(SHOP, "More", head=branch, files=files)
            pull.review()
        assert [len(one) for one in told] == [1, 1, 0]
        assert "dismissed before" not in told[0][0] and "dismissed before" in told[1][0]

    def test_strangers_dismiss_nothing(self, pull: PullRequest, database: Database) -> None:
        for row in pull.get("comments"):
            thread = {"comments": [row]}
            self.learn(pull, "pull_request_review_thread.resolved", by="stranger", thread=thread)
        assert self.told_in_another(pull, database) == [1, 2]

    def test_a_thread_that_is_resolved_after_a_change_dismisses_nothing(
        self, pull: PullRequest, database: Database
    ) -> None:
        for row in pull.get("comments"):
            thread = {"comments": [row | {"position": None}]}
            self.learn(pull, "pull_request_review_thread.resolved", thread=thread)
        assert self.told_in_another(pull, database) == [1, 2]


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("won't fix", True),
        ("Wontfix, sorry", True),
        ("This is a false positive.", True),
        ("不是问题", True),
        ("Das ist Absicht.", True),
        ("Good catch, fixed", False),
        ("> won't fix\n\nI will mend it", False),
        ("Why?", False),
        ("", False),
        ("Is this on purpose?", False),
        ("Why is it not a bug?", False),
        ("This is not a false positive.", False),
        ("It isn't intentional. I will mend it.", False),
        ("Not intended? It's by design!", True),
        ("`won't fix` is the label", False),
        ("```\nby design\n```\nwill do", False),
        ("这不是误报", False),
        ("これは仕様ではありません", False),
        ("仕様です", True),
        ("Kein Fehler, das ist Absicht", True),
        ("Das ist keine Absicht", False),
    ],
)
def test_a_refusal_is_read_in_the_words_of_people(text: str, refuses: bool) -> None:
    assert is_refusal(text) is refuses


class TestTheTeamsSettings:
    """`.github/agent-flows.yml` of the default branch, over that of the organisation."""

    PATH = ".github/agent-flows.yml"

    @pytest.fixture
    def pull(self, sandbox: GitHubSandbox, database: Database) -> PullRequest:
        return PullRequest(sandbox, {"a.py": FAULTY, "docs/b.py": FAULTY}, database)

    def says(self, pull: PullRequest, text: str, repository: str = SHOP) -> None:
        pull._sandbox.push(repository, {self.PATH: text})
        pull.minutes += 1

    def organisation_says(self, pull: PullRequest, text: str, *, private: bool = False) -> None:
        pull._sandbox.add_repository("acme/.github", private=private)
        self.says(pull, text, "acme/.github")

    def checks(self, pull: PullRequest) -> list[Json]:
        head = request(
            "GET",
            f"{pull._sandbox.api_url}/repos/{SHOP}/pulls/{pull.number}",
            headers={"authorization": f"Bearer {pull._sandbox.token}"},
        ).json()["head"]["sha"]
        return pull._sandbox.checks(SHOP, head)

    def lines(self, pull: PullRequest) -> list[tuple[str, int]]:
        return sorted((row["path"], row["line"]) for row in pull.get("comments"))

    def test_preview_says_in_one_comment_what_it_would_post(self, pull: PullRequest) -> None:
        self.says(pull, "review: {mode: preview}")
        pull.review()
        assert (pull.get("reviews"), pull.get("comments")) == ([], [])
        [told] = pull.sticky
        assert told.startswith("**Preview of `review`.**")
        assert "- **submit review**" in told and "- **comment**" in told
        assert told.count("body of comments: path `") == 3 and "> ```suggestion" in told

    def test_what_was_only_previewed_is_posted_once_it_is_on(self, pull: PullRequest) -> None:
        self.says(pull, "review: {mode: preview}")
        pull.review()
        self.says(pull, "review: {mode: on}")
        pull.runner.run(review, pull.event("pull_request.reopened"))
        assert len(self.lines(pull)) == 3

    def test_a_fix_that_was_only_previewed_resolves_its_thread_later(
        self, pull: PullRequest
    ) -> None:
        pull.review()
        self.says(pull, "review: {mode: preview}")
        pull.push({"docs/b.py": "x = 1\n"})
        assert not any(pull.resolved())
        self.says(pull, "review: {mode: on}")
        pull.push({"docs/b.py": "x = 2\n"})
        assert any(pull.resolved())

    def test_off_is_silent_and_costs_nothing(self, pull: PullRequest) -> None:
        self.says(pull, "review:\n  mode: off\n")
        pull.review()
        pushed = pull.event("pull_request.synchronize", delivery=str(uuid4()))
        pull.runner.run(review, pushed)
        assert (pull.get("reviews"), pull.sticky, pull.runner.timers) == ([], [], [])
        assert pull.runner.model.asked == []

    def test_who_asks_is_told_that_it_is_off(self, pull: PullRequest) -> None:
        self.says(pull, "review: {mode: off}")
        pull.runner.run(review, pull.event("command.review"))
        [told] = pull.sticky
        assert "That is turned off here, in `.github/agent-flows.yml`." in told
        assert pull.runner.model.asked == []

    @pytest.mark.parametrize(
        ("text", "posted"),
        [
            ("review: {ignore: [docs/]}", [("a.py", 1), ("a.py", 2)]),
            ("review: {max_findings: 0}", []),
            ("review: {max_findings: 20}", [(path, n) for path in PATHS for n in (1, 2)]),
            ("review: {minimum_severity: critical}", []),
            ("review: {max_findings: 99, ignore: [docs/]}", [("a.py", 1), ("a.py", 2)]),
        ],
    )
    def test_what_is_posted_is_as_the_team_wants_it(
        self, pull: PullRequest, text: str, posted: list[tuple[str, int]]
    ) -> None:
        self.says(pull, text)
        pull.review()
        assert len(self.lines(pull)) == len(posted)
        assert {path for path, _ in self.lines(pull)} <= {path for path, _ in posted}

    def test_wishes_reach_the_model_as_data(self, pull: PullRequest) -> None:
        self.says(pull, "review:\n  language: German\n  instructions: Look for races.\n")
        pull.review()
        [asked, *_] = pull.runner.model.asked
        assert "Look for races." in str(asked.messages) and "German" in str(asked.messages)
        assert "Look for races." not in str(asked.system)

    def test_the_wait_after_a_push_is_the_teams(self, pull: PullRequest) -> None:
        self.says(pull, "review: {wait: 600}")
        pushed = pull.event("pull_request.synchronize", delivery=str(uuid4()))
        pull.runner.run(review, pushed)
        [timer] = pull.runner.timers
        assert 0 <= timer.received_at - pushed.received_at - 600 < 2

    def test_the_file_of_the_pull_request_changes_nothing(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        files = {self.PATH: "review: {mode: off}\n", "a.py": FAULTY}
        pull = PullRequest(sandbox, files, database)
        pull.review()
        assert len(pull.get("reviews")) == 1

    def test_the_organisation_speaks_for_all_of_its_repositories(self, pull: PullRequest) -> None:
        self.organisation_says(pull, "review: {max_findings: 1, ignore: [a.py]}")
        self.says(pull, "review: {max_findings: 2}")
        pull.review()
        assert [path for path, _ in self.lines(pull)] == ["docs/b.py"] * 2

    @pytest.mark.parametrize("how", ["private", "not installed", "gone"])
    def test_an_organisation_without_a_public_file_says_nothing(
        self, pull: PullRequest, how: str
    ) -> None:
        if how != "gone":
            installed = how != "not installed"
            pull._sandbox.add_repository(
                "acme/.github", private=how == "private", installed=installed
            )
            self.says(pull, "review: {mode: off}", "acme/.github")
        pull.review()
        assert len(pull.get("reviews")) == 1

    def test_what_is_wrong_is_one_check_with_lines(self, pull: PullRequest) -> None:
        self.says(pull, "review:\n  max_findigns: 2\n  wait: long\n")
        pull.review()
        assert len(pull.get("reviews")) == 1
        [check] = self.checks(pull)
        assert (check["conclusion"], check["output"]["annotations_count"]) == ("neutral", 2)
        assert "line 2" in check["output"]["summary"]
        assert "did you mean" not in pull.sticky[0]
        pull.review()
        assert len(self.checks(pull)) == 1

    @pytest.mark.parametrize("is_app", [False, True])
    def test_where_no_check_can_be_made_the_summary_says_what_is_wrong(
        self, pull: PullRequest, is_app: bool
    ) -> None:
        if is_app:
            pull._sandbox.limit_permissions({"checks": "read"})
        else:
            pull.adapter = Mortal(as_token(pull._sandbox))
        self.says(pull, "review: {mode: loud}\n")
        pull.review()
        assert "line 1: `review.mode` must be one of on, preview, off" in pull.sticky[0]
        assert len(pull.get("reviews")) == 1

    @pytest.mark.parametrize(
        ("after", "identity"),
        [("ReportCheck", as_app), ("Comment", as_app), ("Comment", as_token)],
    )
    def test_a_crash_doubles_no_report(
        self, pull: PullRequest, after: str, identity: Callable[[GitHubSandbox], Settings]
    ) -> None:
        pull.adapter = Mortal(identity(pull._sandbox))
        self.says(pull, "review: [broken\n")
        pull.adapter.dies_after = after
        with pytest.raises(KeyboardInterrupt):
            pull.review()
        self.says(pull, "review: {mode: off}")  # too late: this run has read the file
        pull.review()
        assert len(pull.get("reviews")) == len(pull.sticky) == 1
        assert len(self.checks(pull)) == (identity is as_app)

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 70_000, b"review: *x"])
    def test_no_file_makes_a_review_fail(self, pull: PullRequest, content: bytes) -> None:
        pull._sandbox.push(SHOP, {self.PATH: content})
        pull.minutes += 1
        pull.review()
        assert len(pull.get("reviews")) == 1
        [check] = self.checks(pull)
        assert check["output"]["title"] == "1 problem in .github/agent-flows.yml"

    def test_the_file_is_read_once(self, pull: PullRequest) -> None:
        self.says(pull, "review: {max_findings: 2}")
        pull.review()
        paths = [one.path for one in pull._sandbox.exchanges()]
        assert sum(path.startswith(f"/repos/{SHOP}/contents/.github") for path in paths) == 1

    def test_config_shows_each_value_and_where_it_comes_from(self, pull: PullRequest) -> None:
        self.organisation_says(pull, "review:\n  max_findings: 1\n  wait: 5\n")
        self.says(pull, "review:\n  mode: off\n  instructions: a `|` b\n  wait: -1\n")
        pull.runner.run(control, pull.event("command.config", by="stranger"))
        [shown] = pull.sticky
        for row in (
            "| `mode` | `off` | `.github/agent-flows.yml`, line 2 |",
            "| `max_findings` | `1` | `.github/agent-flows.yml` of the organisation, line 2 |",
            "| `minimum_severity` | `low` | default |",
            "| `ignore` | none | default |",
            "| `instructions` | `a '¦' b` | `.github/agent-flows.yml`, line 3 |",
            "| `wait` | `5` | `.github/agent-flows.yml` of the organisation, line 3 |",
            "line 4: `review.wait` must be a whole number from 0 to 3,600",
        ):
            assert row in shown

    def test_config_answers_on_an_issue_too(self, pull: PullRequest) -> None:
        pull.number = pull._sandbox.open_issue(SHOP, "It crashes", "Why?")
        pull.runner.run(control, pull.event("command.config"))
        assert "| `max_findings` | `3` | default |" in pull.sticky[0]

    @pytest.mark.parametrize(
        ("days", "text", "is_posted"),
        [
            (6.9, "", False),
            (7.1, "", True),
            (6.9, "review: {wait: 5}", False),
            (0.1, "review: {mode: on}", True),
            (0.1, "review: {mode: loud}", False),
        ],
    )
    def test_the_first_week_of_an_installation_is_a_preview(
        self, pull: PullRequest, days: float, text: str, is_posted: bool
    ) -> None:
        self.says(pull, text)
        opened = pull.event()
        pull.runner.run(control, installed_at(opened.received_at - days * 86_400))
        pull.runner.run(review, opened)
        assert bool(pull.get("reviews")) is is_posted
        assert ("Preview of `review`" in pull.sticky[0]) is not is_posted
        pull.runner.fire(control)
        assert len(pull.sticky) == 1


@pytest.mark.parametrize("minutes", [0, 5])
def test_a_label_of_the_opening_makes_no_second_review(
    sandbox: GitHubSandbox, database: Database, minutes: int
) -> None:
    it = PullRequest(sandbox, {"a.py": FAULTY}, database)
    it.review()
    at = {"created_at": "2026-11-30T10:00:01Z", "updated_at": f"2026-11-30T10:{minutes:02}:02Z"}
    event = it.event("command.review", delivery="labeled")
    label = {"action": "labeled", "label": {"name": "agent: full review"}}
    labeled = event.payload | label | {"pull_request": at}
    it.runner.run(review, event._replace(payload=labeled))
    told = Statement("select 1 from effects where tool = 'Comment'", {})
    [rows] = database.run("github:acme", [told])
    assert len(rows) == (2 if minutes else 1)


def test_a_finding_that_nothing_defines_is_fixed_by_a_definition_in_another_file(
    sandbox: GitHubSandbox, database: Database
) -> None:
    files = {"a.py": "import b\n\n\ndef pay():\n    return b.total_of()\n", "b.py": "x = 1\n"}
    it = PullRequest(sandbox, files, database)
    claim = "Nothing defines `total_of`, so this raises `AttributeError`."
    line = "    return b.total_of()"
    found = Finding("a.py", 5, 5, line, "high", "bug", 0.9, claim, "")
    it.runner.answers(Findings((found,)), Scores((Score(1, 9),)))
    it.review()
    assert it.resolved() == [False]
    it.push({"c.py": "def total():\n    return 1\n"})
    assert it.resolved() == [False]
    it.push({"b.py": "x = 1\n\n\ndef total_of():\n    return x\n"})
    assert it.resolved() == [True]
    assert any("`total_of` is defined in" in one["body"] for one in it.get("comments"))


def test_the_others_are_scored_while_what_was_refused_is_mended(
    sandbox: GitHubSandbox, database: Database
) -> None:
    it = PullRequest(sandbox, {"a.py": FAULTY}, database)
    one, other = FAULTY.split("\n")[:2]
    true = Finding("a.py", 1, 1, one, "high", "bug", 0.9, "It is shared.", "")
    false = Finding("a.py", 2, 2, "no such line", "low", "bug", 0.9, "It sorts.", "")
    both, asked = Barrier(2, timeout=20), list[str]()

    def answer(request: ModelRequest) -> Findings | Scores:
        is_mend = "refused" in request.system
        name = "mend" if is_mend else next(iter((request.schema or {})["properties"]))
        asked.append(name)
        if name == "findings":
            return Findings((true, false))
        if asked.count(name) == 1:
            both.wait()  # each waits for the other, so neither waits for the other's end
        return Findings((replace(false, quote=other),)) if is_mend else Scores((Score(1, 8),))

    it.runner.model.rule = answer
    it.review()
    assert sorted(asked) == ["findings", "mend", "scores", "scores"]
    assert "2 posted" in it.sticky[-1]
