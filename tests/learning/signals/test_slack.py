"""What follows an answer in its thread, and after it."""

import time

import pytest

from flows.background.retention import retention
from flows.chat import chat
from shared.database import Database, Statement
from shared.events import Actor, Event
from shared.learning.signals.answers import said_of
from shared.learning.signals.store import Kind
from shared.testing import FlowRunner, schedule_event
from tests.flows.test_chat import said
from tests.learning.signals.test_github import Told, told

TENANT = "github:acme"


@pytest.mark.parametrize(
    ("text", "raw", "kind"),
    [
        ("No, on Fridays.", "", "corrected"),
        ("That's wrong", "", "corrected"),
        ("Das stimmt nicht.", "", "corrected"),
        ("不对，是周五", "", "corrected"),
        ("> That's wrong\nThanks, it works", "", None),
        ("What is wrong with the build?", "", None),
        ("Nobody deploys today", "", None),
        ("can you look?", "<@U7> can you look?", "escalated"),
        ("help", "<!here> help", "escalated"),
        ("and on Mondays?", "<@UBOT> and on Mondays?", None),
        ("ask her", "<@UBOT> ask <@U7>", "escalated"),
        ("thanks", "thanks", None),
    ],
)
def test_only_the_words_tell(text: str, raw: str, kind: Kind | None) -> None:
    assert said_of(text, raw or text, {"UBOT"}) == kind


class Answered:
    """A thread in which ada was answered."""

    def __init__(self, database: Database) -> None:
        self.runner, self.database = FlowRunner(database), database
        self.ada = Actor("U1", "ada", role="member")
        self.runner.deliver(chat, said("We deploy on Tuesdays.", actor=self.ada))

    def follows(self, text: str, actor: Actor | None = None, times: int = 1) -> None:
        event: Event = said(text, "message.channels", f"17000000{len(text):02}.000100")
        event = event._replace(actor=actor or self.ada, received_at=time.time() + 60)
        for _ in range(times):
            assert self.runner.deliver(chat, event) == []

    @property
    def told(self) -> list[Told]:
        return told(self.database)


@pytest.fixture
def answered(database: Database) -> Answered:
    return Answered(database)


def test_a_correction_is_of_the_answer_before_it(answered: Answered) -> None:
    answered.follows("No, on Fridays.", times=20)
    assert answered.told == [("corrected", -1.0, "chat")]
    query = """select words, effect = (select key from effects where tool = 'Reply'
      order by settled_at limit 1) as is_first from signals"""
    [rows] = answered.database.run(TENANT, [Statement(query, {})])
    assert rows == [{"words": "No, on Fridays.", "is_first": True}]


def test_who_asks_on_says_nothing_and_somebody_else_answers_after_us(answered: Answered) -> None:
    answered.follows("And on holidays?")
    assert answered.told == []
    answered.follows("I think on Fridays", Actor("U2", "li", role="member"))
    assert answered.told == [("answered_after", -0.5, "chat")]


def test_strangers_and_bots_say_nothing(answered: Answered) -> None:
    answered.follows("No, on Fridays!", Actor("U8", "guest", role="none"))
    answered.follows("No, on Mondays, I am sure.", Actor("B1", "other[bot]", True))
    assert answered.told == []


def test_a_thread_that_went_quiet_is_kept_once(
    answered: Answered, operator: Database, database: Database
) -> None:
    old = "update effects set settled_at = now() - interval '2 days' where tool = 'Reply'"
    turns = "update turns set created_at = now() - interval '3 days'"
    database.run(TENANT, [Statement(old, {}), Statement(turns, {})])
    nightly = FlowRunner(operator)
    for at in ("2026-11-21T03:17:00Z", "2026-11-22T03:17:00Z"):
        assert nightly.deliver(retention, schedule_event("nightly", at)) == []
    assert answered.told == [("quiet", 0.25, "chat")]


def test_where_somebody_spoke_it_is_not_quiet(
    answered: Answered, operator: Database, database: Database
) -> None:
    answered.follows("And on holidays?")
    shift = "update {} set {} = {} - interval '2 days'"
    moved = [("effects", "settled_at"), ("turns", "created_at")]
    database.run(TENANT, [Statement(shift.format(t, c, c), {}) for t, c in moved])
    FlowRunner(operator).deliver(retention, schedule_event("nightly"))
    assert answered.told == [("quiet", 0.25, "chat")]  # of the second answer alone
