"""Earlier rounds stand folded in the sticky comment, with what became of their findings."""

import re

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database, Statement
from shared.learning.findings import KeptFinding, PastRound, kept_as
from shared.reviewing.report import past
from tests.flows.test_replies import AGREED, Thread
from tests.flows.test_review import FAULTY, PullRequest
from tests.infra.local.conftest import fresh, sandbox
from tests.learning.histories import PULL

__all__ = ["fresh", "sandbox"]

MORE = {"b.py": "b = 1\nif b == None:\n    pass\n"}


def rounds(pull: PullRequest) -> list[str]:
    """Return what the sticky comment says of each earlier round."""
    _, _, rest = pull.sticky[0].partition(" earlier round")
    return [text.strip() for text in re.split(r"\*\*(?=[0-9a-f]{7}\*\*)", rest)[1:]]


@pytest.fixture
def pull(sandbox: GitHubSandbox, database: Database) -> PullRequest:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    pull.review()
    return pull


def test_the_first_review_has_no_earlier_round_and_marks_its_commit(pull: PullRequest) -> None:
    assert "earlier round" not in pull.sticky[0]
    found = re.search(r"^<!-- agent-flows commit=([0-9a-f]{40}) -->$", pull.sticky[0], re.MULTILINE)
    assert found and found[1][:7] in pull.sticky[0].partition(":")[0]


def test_each_round_says_what_became_of_its_findings(pull: PullRequest) -> None:
    pull.push(MORE)
    assert "1 earlier round<" in pull.sticky[0]
    [first] = rounds(pull)
    assert re.search(
        r"UTC: 2 posted, 0 not posted\n- open: .* `a.py`:1 .*\n- open: .* `a.py`:2", first
    )
    pull.push({"a.py": FAULTY.replace("items == None", "items is None")})
    second, first = rounds(pull)
    assert "1 posted" in second and "- open: 🟡 `b.py`:2" in second
    assert re.search(r"- open: .* `a.py`:1 .*\n- fixed: .* `a.py`:2", first)
    pull.push({"c.py": "c = 1\n"})
    assert [one.count("\n- ") for one in rounds(pull)[:1]] == [0]
    assert "2 earlier" not in pull.sticky[0] and "3 earlier rounds" in pull.sticky[0]


def test_what_was_dismissed_and_withdrawn_says_so(
    sandbox: GitHubSandbox, database: Database
) -> None:
    thread = Thread(sandbox, database)
    thread.hears(thread.say("Nobody passes None."), AGREED)
    thread.root = max(thread.pull.get("comments")[:2], key=lambda row: row["line"])
    thread.hears(thread.say("won't fix"))
    thread.pull.push(MORE)
    [first] = rounds(thread.pull)
    assert "- withdrawn (after an objection): " in first and "- dismissed (in a reply): " in first


def test_the_comment_of_another_round_is_not_read(pull: PullRequest, database: Database) -> None:
    [comment] = pull._sandbox.issue("acme/shop", pull.number)["comments"]
    pull._sandbox.edit_comment(comment["id"], "All rounds: none", "maria")
    pull.push(MORE)
    assert "2 posted" in pull.sticky[-1]


def test_the_same_delivery_is_one_round_and_twenty_are_kept(
    pull: PullRequest, database: Database
) -> None:
    pull.push(MORE)
    query = "select jsonb_array_length(rounds) as rounds from reviewed_commits"
    again = """update reviewed_commits set rounds =
      (select jsonb_agg(one) from jsonb_array_elements(rounds) as one, generate_series(1, 10))"""

    def count() -> int:
        return int(database.run("github:acme", [Statement(query, {})])[0][0]["rounds"])

    assert count() == 2
    pull.review()  # the first delivery
    assert count() == 2
    database.run("github:acme", [Statement(again, {})])
    pull.push({"c.py": "c = 1\n"})
    assert (count(), pull.sticky[0].count("posted, ")) == (20, 20)


def test_a_preview_is_no_round(sandbox: GitHubSandbox, database: Database) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    sandbox.push("acme/shop", {".github/agent-flows.yml": "review: {mode: preview}\n"})
    pull.review()
    pull.push(MORE)
    assert "earlier round" not in pull.sticky[0]


def finding(number: int) -> KeptFinding:
    claim = f"{number} " + "It fails, `and` <b>hides</b> why. " * 16
    return kept_as(PULL, "a" * 300, 1, "x", severity="low", category="bug", claim=claim)


def test_many_rounds_and_findings_stay_short() -> None:
    found = tuple(map(finding, range(200)))
    many = [PastRound("r", f"{n:040}", "2026-11-30 10:00", 200, 0, found) for n in range(20)]
    text = past(many)
    assert len(text) < 15_000
    assert text.startswith(f"**{19:040}"[:9]) and text.endswith("- and 19 more")
    assert "- and 180 more" in text and "<b>" not in text
