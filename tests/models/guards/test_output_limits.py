"""How many tokens are asked for, as the answers to a template become known."""

from dataclasses import replace

from shared.database import Database, Statement
from shared.models import ChatMessage, ModelReply, ModelRequest, ToolSpec, Usage
from shared.models.guards.output_limits import OutputLimits

ASK = ModelRequest((ChatMessage("user", "How?"),), "You sort issues.", schema={"type": "object"})
MODEL = "openai:gpt-5.4-mini"


def _answered(limits: OutputLimits, times: int, output: int = 100, tenant: str = "acme") -> None:
    for _ in range(times):
        limits.observe(tenant, ASK, MODEL, output)


def test_nothing_is_learnt_from_a_few_answers() -> None:
    limits = OutputLimits()
    _answered(limits, 19)
    assert limits.limit_for("acme", ASK, MODEL) == 1024
    _answered(limits, 1)
    assert 125 <= limits.limit_for("acme", ASK, MODEL) <= 150


def test_one_answer_in_a_hundred_may_be_longer() -> None:
    limits = OutputLimits()
    _answered(limits, 99)
    _answered(limits, 1, 900)
    assert limits.limit_for("acme", ASK, MODEL) <= 150
    _answered(limits, 1, 600)
    assert limits.limit_for("acme", ASK, MODEL) >= 600


def test_no_more_is_asked_for_than_the_author_allows() -> None:
    limits = OutputLimits()
    _answered(limits, 20, 1000)
    assert limits.limit_for("acme", ASK, MODEL) == 1024
    assert limits.limit_for("acme", replace(ASK, max_tokens=30), MODEL) == 30


def test_what_is_asked_does_not_make_another_template_but_how_does() -> None:
    limits = OutputLimits()
    _answered(limits, 20)
    other = replace(ASK, messages=(ChatMessage("user", "Where?"),))
    assert limits.limit_for("acme", other, MODEL) < 1024
    tool = ToolSpec("look", "Looks.", {"type": "object"})
    for changed in (
        replace(ASK, system="You answer."),
        replace(ASK, schema=None),
        replace(ASK, tools=(tool,)),
    ):
        assert limits.limit_for("acme", changed, MODEL) == 1024
    assert limits.limit_for("acme", ASK, "offline") == 1024
    assert limits.limit_for("rival", ASK, MODEL) == 1024


def test_an_answer_cut_at_the_learnt_limit_is_asked_for_again_in_full() -> None:
    limits = OutputLimits()
    _answered(limits, 20)
    asked = []

    def call(request: ModelRequest) -> ModelReply:
        asked.append(request.max_tokens)
        cut = request.max_tokens < 700
        used = Usage(10, min(700, request.max_tokens), 4)
        return ModelReply("…", "length" if cut else "stop", used, MODEL, cost=0.5)

    reply = limits.ask("acme", ASK, MODEL, call)
    first, second = asked
    assert first <= 150
    assert second == 1024
    assert (reply.finish, reply.usage, reply.cost) == ("stop", Usage(20, first + 700, 8), 1.0)
    assert limits.cut == 1
    assert limits.limit_for("acme", ASK, MODEL) >= 700, "it has learnt from that"


def test_an_answer_cut_at_the_authors_limit_is_cut() -> None:
    limits = OutputLimits()
    reply = limits.ask(
        "acme", ASK, MODEL, lambda request: ModelReply("…", "length", Usage(10, 1024), MODEL)
    )
    assert (reply.finish, limits.cut) == ("length", 0)


def test_what_one_process_learnt_another_knows(database: Database) -> None:
    first = OutputLimits(database)
    _answered(first, 20)
    first.flush("acme")
    second = OutputLimits(database)
    assert second.limit_for("acme", ASK, MODEL) == first.limit_for("acme", ASK, MODEL) < 1024
    _answered(second, 3, 1000)
    second.flush("acme")
    assert OutputLimits(database).limit_for("acme", ASK, MODEL) == 1024


def test_observations_are_written_in_bulk_or_with_other_statements(database: Database) -> None:
    limits = OutputLimits(database)
    _answered(limits, 16)
    assert limits.unsent("acme") == []
    _answered(limits, 15)
    _answered(limits, 15, tenant="rival")
    [statement] = limits.unsent("acme")
    database.run("acme", [statement])
    assert OutputLimits(database).limit_for("acme", ASK, MODEL) < 1024
    assert OutputLimits(database).limit_for("rival", ASK, MODEL) == 1024


def test_no_tenant_sees_how_long_anothers_answers_are(database: Database) -> None:
    limits = OutputLimits(database)
    _answered(limits, 20)
    limits.flush("acme")
    assert OutputLimits(database).limit_for("rival", ASK, MODEL) == 1024
    forced = (
        "select relrowsecurity and relforcerowsecurity as forced from pg_class"
        " where relname = 'output_sizes'"
    )
    assert database.run("rival", [Statement(forced, {})]) == [[{"forced": True}]]
    seen = Statement("select count(*) as seen from output_sizes", {})
    assert database.run("rival", [seen]) == [[{"seen": 0}]]
