"""What a second look makes of findings that hold."""

from dataclasses import replace

import pytest

from shared.actions.github.pulls.diff import file_diffs
from shared.agent.context import Code
from shared.errors import ModelRejected
from shared.events import Issue
from shared.reviewing.change import Change, ProvedFindings
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Finding
from shared.reviewing.scoring import Score, Scores, scored
from shared.testing import FlowRunner
from tests.reviewing.asking import asked
from tests.reviewing.changes import row_of

TEXT = "def total(items=[]):\n    items.sort()\n    return items == None\n"
CHANGE = Change(
    Issue("acme/shop", 7), "head", "main", (Code("pull request", "Add"),),
    files=file_diffs([row_of("a.py", "", TEXT)]),
)  # fmt: skip
LOW = Finding("a.py", 2, 2, "    items.sort()", "low", "bug", 0.9, "It sorts.", "")
MEDIUM = replace(LOW, severity="medium", claim="It changes `items`.")
HIGH = replace(LOW, severity="high", claim="It loses `items`.")
CRITICAL = replace(LOW, severity="critical", claim="It deletes `items`.")


def look(
    found: ProvedFindings, *answers: object, change: Change = CHANGE
) -> tuple[ProvedFindings, FlowRunner]:
    runner = FlowRunner()
    runner.answers(*answers)
    return asked(runner, lambda agent: scored(agent, agent.desk(ReviewDesk), change, found)), runner


def proved(*findings: Finding) -> ProvedFindings:
    return ProvedFindings(findings, ())


def scores(*given: int) -> Scores:
    return Scores(tuple(Score(number, score) for number, score in enumerate(given, 1)))


def names(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.severity for finding in findings]


@pytest.mark.parametrize(
    ("given", "posted", "weak", "dropped"),
    [
        (scores(10, 9, 8, 6), ["critical", "high", "medium", "low"], [], 0),
        (scores(6, 6, 5, 3), ["critical", "high"], ["medium", "low"], 0),
        (scores(0, 0, 2, 0), [], ["critical", "high"], 2),
        (scores(), ["critical", "high", "medium", "low"], [], 0),
        (Scores((Score(3, 1), Score(9, 0))), ["critical", "high", "low"], [], 1),
        (Scores((Score(4, 7), Score(4, 0))), ["critical", "high", "medium", "low"], [], 0),
    ],
)
def test_scores_decide_what_is_posted(
    given: Scores, posted: list[str], weak: list[str], dropped: int
) -> None:
    found, _ = look(proved(CRITICAL, HIGH, MEDIUM, LOW), given)
    assert (names(found.proved), names(found.weak), found.dropped) == (posted, weak, dropped)


def test_of_equal_severity_the_better_score_comes_first() -> None:
    others = [replace(MEDIUM, claim=f"{n}") for n in range(3)]
    found, _ = look(proved(*others, HIGH), scores(6, 10, 8, 7))
    assert [one.claim for one in found.proved] == [HIGH.claim, "1", "2", "0"]


def test_what_is_certain_is_not_asked_about() -> None:
    found = ProvedFindings((CRITICAL, LOW), (), frozenset({CRITICAL}))
    after, runner = look(found, scores(0))
    assert (names(after.proved), after.dropped) == (["critical"], 1)
    [request] = runner.model.asked
    assert "finding 1" in request.messages[0].text and CRITICAL.claim not in str(request.messages)
    sure = ProvedFindings((CRITICAL,), (), frozenset({CRITICAL}))
    assert look(sure)[1].model.asked == []


def test_nothing_found_asks_nobody() -> None:
    assert look(proved())[1].model.asked == []


@pytest.mark.parametrize("answers", [["never", "mind", "nor", "this"], [ModelRejected("no")]])
def test_without_a_valid_answer_all_stay(answers: list[object]) -> None:
    assert look(proved(HIGH, LOW), *answers)[0] == proved(HIGH, LOW)


def test_each_finding_is_shown_with_the_change_around_it() -> None:
    mended = replace(HIGH, suggestion="    items = sorted(items)")
    elsewhere = replace(LOW, path="b.py")  # of the pull request, but older than this push
    _, runner = look(proved(mended, elsewhere), scores(8, 8))
    text = runner.model.asked[0].messages[0].text
    assert "     2 +     items.sort()" in text and "suggestion:\n    items = sorted(items)" in text
    assert text.count("=== a.py (added)") == 1


def test_what_finds_no_room_is_told_in_the_summary() -> None:
    many = [replace(HIGH, claim=f"{n} {'word ' * 90}") for n in range(100)]
    found, runner = look(proved(*many), scores(7))
    assert len(runner.model.asked) == 1
    assert len(found.proved) + len(found.weak) == 100 and 10 < len(found.proved) < 90
    assert found.weak[-1] == many[-1]


def test_the_offline_model_scores_what_its_rules_see_and_nothing_else() -> None:
    claim = "`None` is compared by equality, which an object may answer as it likes."
    seen = replace(HIGH, first=3, last=3, quote="    return items == None", claim=claim)
    found, _ = look(proved(seen, replace(LOW, claim=claim), MEDIUM))
    assert [one.confidence for one in found.proved] == [0.8, 0.9, 0.9]
