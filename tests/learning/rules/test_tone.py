"""How answers are to be said: proposed by a person, accepted by `/learnings`, and heeded."""

import pytest

from flows.chat import chat
from flows.memory import memory
from shared.database import Database, Statement
from shared.events import Actor
from shared.learning.rules.store import SQL, new_rule
from shared.testing import FlowRunner, slack_event
from tests.flows.test_chat import said

TENANT, PLACE = "github:acme", "slack:T1:C1"
WORDS = "Answer in one sentence, without greetings."
ADA, LI = Actor("U1", "ada", role="member"), Actor("U2", "li", role="member")


class Channel:
    """A channel with a rule that ada proposed."""

    def __init__(self, database: Database) -> None:
        self.database, self.runner = database, FlowRunner(database)
        self.rule = new_rule("tone", "person", PLACE, WORDS, person=ADA.id)
        values = {"tenant": TENANT, "actor": ADA.id} | self.rule._asdict()
        database.run(TENANT, [Statement(SQL["propose"], values)])
        self.asked = 0

    def says(self, order: str, actor: Actor = ADA) -> str:
        self.asked += 1
        event = slack_event("app_mention", "x", ts=f"16000000{self.asked:02}.000100")
        event = event._replace(type="slack.command.learnings", text=order, tenant=TENANT)
        self.runner.run(memory, event._replace(actor=actor))
        return str(self.runner.effects[-1].arguments["text"])

    def shown_to_the_model(self, actor: Actor) -> bool:
        self.asked += 1
        ts = f"17000000{self.asked:02}.000100"
        self.runner.run(chat, said("When do we deploy?", ts=ts, actor=actor))
        return WORDS in str(self.runner.model.asked[-1].messages)

    @property
    def uses(self) -> int:
        [[row]] = self.database.run(TENANT, [Statement("select count(*) as n from rule_uses", {})])
        return int(row["n"])


@pytest.fixture
def channel(database: Database) -> Channel:
    return Channel(database)


def test_a_rule_is_heeded_once_accepted_for_its_person_and_widened_for_all(
    channel: Channel,
) -> None:
    assert not channel.shown_to_the_model(ADA)
    id_ = channel.rule.id
    assert "Accepted" in channel.says(f"accept {id_}")
    assert channel.shown_to_the_model(ADA) and not channel.shown_to_the_model(LI)
    assert channel.uses == 1
    assert "everywhere here" in channel.says(f"widen {id_} channel")
    assert channel.shown_to_the_model(LI)
    assert "Disabled" in channel.says(f"disable {id_}")
    assert not channel.shown_to_the_model(ADA)


def test_it_is_listed_explained_edited_and_deleted(channel: Channel) -> None:
    id_ = channel.rule.id
    assert f"`{id_}` {WORDS}" in channel.says("")
    assert "waits to be accepted" in channel.says(id_)
    assert "Answer shortly." in channel.says(f"edit {id_} Answer\nshortly.")
    assert "accepted by `ada`" in channel.says(f"why {id_}")
    assert "Deleted" in channel.says(f"delete {id_}")
    assert "There is no rule" in channel.says(f"accept {id_}")


@pytest.mark.parametrize("verb", ["accept", "disable", "delete", "edit", "widen"])
def test_strangers_change_no_rule(channel: Channel, verb: str) -> None:
    stranger = Actor("U9", "guest", role="none")
    answer = channel.says(f"{verb} {channel.rule.id} channel", stranger)
    assert "needs write permission" in answer
    query = Statement("select state, words from rules", {})
    assert channel.database.run(TENANT, [query])[0] == [{"state": "candidate", "words": WORDS}]


def test_a_rule_of_another_place_is_not_there(channel: Channel) -> None:
    far = new_rule("tone", "repository", "slack:T1:C2", WORDS)
    values = {"tenant": TENANT, "actor": ADA.id} | far._asdict()
    channel.database.run(TENANT, [Statement(SQL["propose"], values)])
    assert far.id not in channel.says("")
    assert "There is no rule" in channel.says(f"accept {far.id}")
