"""Gaps: what found no answer is counted, taken together, shown to whom it may be, and forgotten."""

from flows.errands import errands
from flows.memory import memory
from infra.local.sandbox.slack.workspace import TEAM
from tests.evidence.team import TENANT, Team


def unanswered(team: Team, *questions: str, **changes: str) -> None:
    for question in questions:
        team.says("[unknown]")
        team.hears(team.asks(question, **changes))


def gaps(team: Team, argument: str = "", **changes: str) -> str:
    asked = team.asks(argument, type="slack.command.gaps", **changes)
    return team.hears(asked, errands)


def test_what_asks_the_same_is_one_gap(team: Team) -> None:
    unanswered(
        team, "When do we deploy the shop?", "Who has the key?", "When is the shop deployed?"
    )
    team.says("Hello.")
    team.hears(team.asks("Hello"))
    head, _, first, second = gaps(team).split("\n")
    assert head.startswith("**3 questions of 7 days found no answer.**")
    assert first.startswith(
        "- **2 ×** When is the shop deployed? ([the last](https://slack.com/app"
    )
    assert second.startswith("- **1 ×** Who has the key?")


def test_an_answered_question_is_no_gap(team: Team) -> None:
    team.knows()
    team.hears(team.asks())
    assert gaps(team, "30") == "Nothing that was asked here in 30 days was left without an answer."


def test_only_what_the_place_may_see_is_shown(team: Team) -> None:
    unanswered(team, "When is the secret launch?", audience="channel:C9SECRET")
    assert "secret" not in gaps(team)
    assert "secret" in gaps(team, audience="channel:C9SECRET")
    assert "secret" not in gaps(team, audience="shared:C0SUPPORT")


def test_what_is_forgotten_is_no_gap(team: Team) -> None:
    unanswered(team, "When do we deploy the kangaroo?")
    assert "kangaroo" in gaps(team)
    team.hears(team.asks("kangaroo", type="slack.command.forget"), memory)
    assert "kangaroo" not in gaps(team)
    assert TENANT and TEAM
