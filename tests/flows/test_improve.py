"""`/improve` against the sandbox GitHub: what is suggested, proved, and never again."""

from collections.abc import Callable
from uuid import uuid4

import pytest

import tests.flows.test_review as reviews
from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database
from shared.events import Json
from shared.models.offline.review.improving import improvements
from shared.reviewing.finding import Improvement, Improvements
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_review import PullRequest
from tests.flows.test_why_red import the_order
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

CLUMSY = """\
def seen(item, items):
    if not item in items:
        return "not x in y"
    for name in items.keys():
        print(name)
    return [one for one in range(0, 9)]
"""
IN = "    if item not in items:"


@pytest.fixture
def pull(sandbox: GitHubSandbox, database: Database) -> PullRequest:
    return PullRequest(sandbox, {"a.py": CLUMSY}, database)


def improved(pull: PullRequest, delivery: str = "") -> list[Json]:
    """Ask for improvements, and return the comments on lines."""
    pull.runner.run(review, the_order(pull, delivery or str(uuid4()), "improve"))
    return sorted(pull.get("comments"), key=lambda row: int(row["line"]))


def better(quote: str, suggestion: str, first: int = 2, path: str = "a.py") -> Improvement:
    last = first + quote.count("\n")
    return Improvement(path, first, last, quote, "style", 0.9, "It reads better.", suggestion)


def test_suggestions_can_be_taken_over_in_one_review(pull: PullRequest) -> None:
    comments = improved(pull)
    assert [row["line"] for row in comments] == [2, 4, 6]
    assert f"```suggestion\n{IN}\n```" in comments[0]["body"]
    [submitted] = pull.get("reviews")
    assert submitted["state"] == "COMMENTED" and "3 suggestions" in submitted["body"]
    assert pull.sticky == []


def test_a_good_change_gets_a_word(sandbox: GitHubSandbox, database: Database) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)
    assert improved(pull) == []
    assert pull.get("reviews") == [] and pull.sticky[0].startswith("Nothing to improve")


@pytest.mark.parametrize(
    "false",
    [
        better("    if not item in item:", IN),  # no such line
        better("    if not item in items:", "    if not item in items:"),  # changes nothing
        better("    if not item in items:", "    if item not in items"),  # does not parse
        better("    if not item in items:", IN, path="b.py"),
        better("    if not item in items:", "    if item not\u202e in items:"),
    ],
)
def test_what_is_not_proved_is_not_suggested(pull: PullRequest, false: Improvement) -> None:
    pull.runner.answers(Improvements((false,)), Improvements((false,)))
    assert improved(pull) == [] and pull.sticky[0].startswith("Nothing to improve")


def test_what_is_refused_goes_back_once(pull: PullRequest) -> None:
    false = better("    if not item in item:", IN)
    true = better("    if not item in items:", IN)
    pull.runner.answers(Improvements((false,)), Improvements((true,)))
    assert len(improved(pull)) == 1
    first, again = pull.runner.model.asked
    assert "do not read as quoted" not in str(first) and "do not read as quoted" in str(again)


def test_at_most_five_are_posted(sandbox: GitHubSandbox, database: Database) -> None:
    lines = [f"a{n} = not b{n} in c{n}" for n in range(12)]
    head = "".join(f"b{n} = c{n} = ''\n" for n in range(12))
    files = {f"{name}.py": head + "\n".join(lines) + "\n" for name in "ab"}
    pull = PullRequest(sandbox, files, database, findings_per_day="100")
    assert len(improved(pull)) == 5


def test_the_attention_of_people_counts(sandbox: GitHubSandbox, database: Database) -> None:
    pull = PullRequest(sandbox, {"a.py": CLUMSY}, database, findings_per_day="2")
    assert len(improved(pull)) == 1
    assert "More could be improved" in pull.sticky[0]


def test_what_was_suggested_or_dismissed_is_not_repeated(pull: PullRequest) -> None:
    first, *_ = improved(pull)
    assert len(improved(pull)) == 3
    assert pull.sticky[-1].startswith("Nothing to improve")
    thread = {"comments": [first]}
    reviews.TestWhatPeopleMakeOfIt().learn(
        pull, "pull_request_review_thread.resolved", thread=thread
    )
    hub = pull._sandbox
    hub.push(SHOP, {"b.txt": "b\n"}, branch="second")
    pull.number = hub.open_pull_request(SHOP, "Again", head="second", files={"a.py": CLUMSY})
    assert [row["line"] for row in improved(pull)] == [4, 6]


def test_a_review_afterwards_still_sees_the_whole(pull: PullRequest) -> None:
    improved(pull)
    pull.runner.answers()
    asked = len(pull.runner.model.asked)
    pull.runner.run(review, pull.event("pull_request.reopened"))
    assert len(pull.runner.model.asked) > asked
    assert pull.sticky[-1].startswith("**Review of ") and "…" not in pull.sticky[-1][:30]


@pytest.mark.parametrize("mode", ["preview", "off"])
def test_it_is_as_the_team_wants_it(pull: PullRequest, mode: str) -> None:
    pull._sandbox.push(SHOP, {".github/agent-flows.yml": f"review: {{mode: {mode}}}"})
    assert improved(pull) == []
    expected = {"preview": "**Preview of `review`.**", "off": "That is turned off here"}
    assert expected[mode] in pull.sticky[0]


@pytest.mark.parametrize("how", ["issue", "closed", "no text"])
def test_what_cannot_be_improved_is_said(
    pull: PullRequest, sandbox: GitHubSandbox, how: str
) -> None:
    about: Json = {}
    if how == "issue":
        pull.number = sandbox.open_issue(SHOP, "It crashes", "Why?")
        about = {"pull_request": None}
    elif how == "closed":
        sandbox.edit_issue(SHOP, pull.number, state="closed")
    else:
        files = {"poetry.lock": "b\n"}
        pull.number = sandbox.open_pull_request(SHOP, "Lock", head="lock", files=files)
    order = the_order(pull, str(uuid4()), "improve")
    issue = {**order.payload["issue"], **about}
    pull.runner.run(review, order._replace(payload=order.payload | {"issue": issue}))
    assert pull.sticky[-1].startswith("Not improved: ")
    assert pull.runner.model.asked == []


def test_many_deliveries_and_a_crash_are_one_review(pull: PullRequest) -> None:
    pull.adapter.dies_after = "SubmitReview"
    with pytest.raises(KeyboardInterrupt):
        improved(pull, "one")
    for _ in range(20):
        improved(pull, "one")
    assert len(pull.get("reviews")) == 1


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("if not a in b:", "if a not in b:"),
        ("if not a.b in c:  # not d in e", "if a.b not in c:  # not d in e"),
        ('x = "not a in b"', None),
        ("# not a in b", None),
        ("if not a is None:", "if a is not None:"),
        ("if not a is not None:", None),
        ("for n in range(0, len_):", "for n in range(len_):"),
        ("for n in range(0, 9, 2):", None),
        ("for n in range(0, f(1)):", None),
        ("for k in d.keys():", "for k in d:"),
        ("for k in sorted(d.keys()):", None),
        ("class A(object):", "class A:"),
        ("class A(objects):", None),
        ("if '中文' and not 名 in 表:", "if '中文' and 名 not in 表:"),
    ],
)
def test_the_offline_model_knows_a_few_rules(line: str, suggestion: str | None) -> None:
    part = f"=== a.py (added)\n@@\n     1 + {line}"
    found = improvements([part])["improvements"]
    assert [one["suggestion"] for one in found] == ([suggestion] if suggestion else [])


def test_other_languages_are_left_alone() -> None:
    write: Callable[[str], str] = "=== {} (added)\n@@\n     1 + if not a in b:".format
    assert improvements([write("a.js"), write("a.md")])["improvements"] == []
