"""Which question an answer is about: exactly one, seen by who answers, and by another if wanted."""

from typing import Any

import pytest

from shared.events import Actor, SlackMessage
from shared.perception.written import Moment, on_github, on_slack, written
from shared.planning.states.answering import AnswerRefused, check_differs, question_for
from tests.events.made import an_event

ONE, TWO = "a1" * 32, "b2" * 32
SHOWN = "2026-11-29T20:00:00Z"


def asked(digest: str = ONE, plan: str = "p1", at: str = SHOWN, id: str = "50") -> dict[str, Any]:
    shown = {"id": id, "url": "", "data": {"at": at, "name": "x"}} if at else None
    row = {"plan_id": plan, "digest": digest, "steps": ["s1"], "shown": shown}
    return row | {"asker": "github:1", "changers": []}


def said(at: str = "2026-11-29T20:00:05Z", id: int = 60, **changes: Any) -> Any:
    payload = {"issue": {}, "comment": {"id": id, "created_at": at}}
    return an_event(type="github.command.approve", payload=payload)._replace(**changes)


@pytest.mark.parametrize("of", ["", "s1", "p1"])
def test_the_only_question_that_was_there_is_meant(of: str) -> None:
    assert question_for(said(), [asked()], of, "") == asked()


@pytest.mark.parametrize(
    ("at", "id"),
    [
        ("2026-11-29T19:59:59Z", 60),  # before it
        ("2026-11-29T20:00:00Z", 40),  # in the same second, and before it
        ("2026-11-29T20:00:00Z", 50),
        ("2026-11-29T21:00:00+02:00", 60),
        ("yesterday", 60),
        ("2026-11-29T20:00:05", 60),  # of no place
        ("", 60),
    ],
)
@pytest.mark.parametrize("of", ["", "s1", "p1"])
def test_a_question_that_came_later_is_not_meant(of: str, at: str, id: int) -> None:
    with pytest.raises(AnswerRefused, match=f"name it: `{ONE[:8]}`"):
        question_for(said(at, id), [asked()], of, "")


def test_within_a_second_the_numbers_tell() -> None:
    assert question_for(said("2026-11-29T20:00:00Z", 51), [asked()], "", "")


@pytest.mark.parametrize(
    "event",
    [
        an_event(type="github.command.approve"),
        said(payload={"review": {"submitted_at": None}}),
        said(source="slack"),
        said(source="api"),
    ],
)
def test_when_nobody_knows_when_it_was_written_it_is_refused(event: Any) -> None:
    with pytest.raises(AnswerRefused):
        question_for(event, [asked()], "", "")


def test_a_question_that_is_not_shown_yet_is_not_meant() -> None:
    with pytest.raises(AnswerRefused):
        question_for(said(), [asked(at="")], "", "")


@pytest.mark.parametrize("of", ["", "s1", "p1"])
def test_of_several_questions_one_must_be_named(of: str) -> None:
    both = [asked(), asked(TWO, "p2")]
    with pytest.raises(AnswerRefused, match=f"`{ONE[:8]}`, `{TWO[:8]}`"):
        question_for(said(), both, of, "")


@pytest.mark.parametrize("of", [TWO, TWO[:8], TWO[:20], f"p2/{TWO}", f"p2/{TWO[:8]}"])
def test_a_digest_names_its_question_whenever_it_was_written(of: str) -> None:
    both = [asked(), asked(TWO, "p2", at="")]
    assert question_for(said("2020-01-01T00:00:00Z"), both, of, "") == both[1]


@pytest.mark.parametrize("of", [TWO[:7], "p3", "s9", f"p1/{TWO}", ONE.upper()])
def test_what_names_nothing_answers_nothing(of: str) -> None:
    assert question_for(said(), [asked(), asked(TWO, "p2")], of, "") is None


def test_two_questions_with_the_same_beginning_are_not_told_apart() -> None:
    both = [asked(ONE), asked(ONE[:8] + "c" * 56, "p2")]
    with pytest.raises(AnswerRefused, match=f"`p1/{ONE[:8]}`, `p2/{ONE[:8]}`"):
        question_for(said(), both, ONE[:8], "")
    assert question_for(said(), both, f"p2/{ONE[:8]}", "") == both[1]


def test_in_slack_both_times_are_time_stamps() -> None:
    shown = asked() | {"shown": {"id": "1795980000.000200", "data": {"name": "x"}}}
    for ts, is_meant in (("1795980000.000201", True), ("1795980000.000200", False)):
        event = said(source="slack", message_target=SlackMessage("T1", "C1", ts))
        if is_meant:
            assert question_for(event, [shown], "", "")
        else:
            with pytest.raises(AnswerRefused):
                question_for(event, [shown], "", "")


@pytest.mark.parametrize(
    ("payload", "moment"),
    [
        ({"issue": {"created_at": SHOWN}}, Moment(1795982400.0)),
        ({"pull_request": {"created_at": SHOWN}}, Moment(1795982400.0)),
        (
            {"review": {"submitted_at": SHOWN, "id": 4}, "pull_request": {"created_at": "x"}},
            Moment(1795982400.0),
        ),
        # A comment on a diff is numbered otherwise than one on the issue.
        ({"comment": {"created_at": SHOWN, "id": 4}, "pull_request": {}}, Moment(1795982400.0)),
        ({"comment": {"created_at": SHOWN, "id": 4}, "issue": {}}, Moment(1795982400.0, 4)),
        ({"comment": {"created_at": 7}, "issue": {"created_at": SHOWN}}, None),
        ({"comment": None, "issue": {"created_at": SHOWN}}, Moment(1795982400.0)),
        ({}, None),
    ],
)
def test_the_platform_says_when_something_was_written(payload: Any, moment: Any) -> None:
    assert written(an_event(payload=payload)) == moment


def test_what_is_no_time_is_none() -> None:
    assert on_slack("soon") is None
    assert on_github("soon") is None


ADA, BOB = Actor("1", "ada", role="member"), Actor("2", "bob", role="member")


@pytest.mark.parametrize(
    ("row", "actor", "source", "is_taken"),
    [
        ({}, BOB, "github", True),
        ({}, ADA, "github", False),
        ({}, Actor("1", "ada-renamed"), "github", False),  # ids count, not names
        ({}, Actor("2", "ada"), "github", True),
        ({"changers": ["github:2"]}, BOB, "github", False),  # who had it changed wants it too
        ({"changers": ["github:3"]}, BOB, "github", True),
        ({"changers": [""]}, BOB, "github", False),  # from before this was kept
        ({}, BOB, "slack", False),  # nobody knows whose account there it is
        ({}, BOB, "api", False),
        ({"asker": None}, BOB, "github", False),  # forgotten
        ({"asker": "slack:U1"}, Actor("U2", "bob"), "slack", True),
        ({"asker": "api:ada"}, Actor("bob", "bob"), "api", True),
        ({"asker": "api:ada"}, Actor("ada", "ada"), "api", False),
    ],
)
def test_another_than_who_asked(row: Any, actor: Actor, source: str, is_taken: bool) -> None:
    event = said(actor=actor, source=source)
    if is_taken:
        check_differs(event, asked() | row)
        return
    with pytest.raises(AnswerRefused) as refused:
        check_differs(event, asked() | row)
    assert "approve" in refused.value.public
