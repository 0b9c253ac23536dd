"""The prompt cache: what comes back, what is kept, for how long, and what that saved."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import psycopg
import pytest

from shared.database import Database, Row, Statement
from shared.errors import ModelRejected
from shared.models import AskModel, ModelReply, ModelRequest, ToolCall, ToolSpec, Usage
from shared.models.answers import typed
from shared.models.answers.judging import judge_now, judged_by
from shared.models.answers.next_turn import next_turn
from shared.models.answers.typed import at_most
from shared.models.cache.prompt_cache import Counters
from shared.models.deadline import Deadline
from tests.models.cache.cache_requests import (
    MODEL,
    REPLY,
    TENANT,
    Model,
    all_at_once,
    ask,
    asking,
    prompt_cache,
    rows,
)
from tests.waiting import wait_for

CALLS = (ToolCall("1", "label", {"names": ["bug", "中"], "deep": {"n": 1.5, "none": None}}),)


# What comes back


def test_the_first_reply_is_the_models_own(database: Database) -> None:
    assert ask(prompt_cache(database), Model()) == REPLY


def test_a_kept_reply_costs_nothing_and_says_what_it_saved(database: Database) -> None:
    cache, model = prompt_cache(database), Model()
    ask(cache, model)
    assert ask(cache, model) == replace(REPLY, source="process", cost=0.0, saved=0.25)
    elsewhere = prompt_cache(database)
    assert ask(elsewhere, model) == replace(REPLY, source="shared", cost=0.0, saved=0.25)
    assert ask(elsewhere, model) == replace(REPLY, source="process", cost=0.0, saved=0.25)
    assert model.calls == 1


def test_an_unknown_price_saves_an_unknown_amount(database: Database) -> None:
    model = Model(replace(REPLY, cost=None))
    ask(prompt_cache(database), model)
    assert ask(prompt_cache(database), model).saved is None


@pytest.mark.parametrize(
    "reply",
    [
        replace(REPLY, text="nul \x00, half an emoji \ud83d, whole 🚀, 中文, \u2028 and \\u0000"),
        replace(REPLY, text="", finish="tools", calls=CALLS),
        replace(REPLY, text="中" * 50_000),
    ],
    ids=["hard text", "tool calls", "long"],
)
def test_a_reply_comes_back_exactly(database: Database, reply: ModelReply) -> None:
    ask(prompt_cache(database), Model(reply))
    cache = prompt_cache(database)
    for source in ("shared", "process"):
        found = ask(cache, Model(AssertionError("it was kept")))
        assert found == replace(reply, source=source, cost=0.0, saved=0.25)


def test_who_changes_the_arguments_of_a_call_changes_nobody_elses(database: Database) -> None:
    cache = prompt_cache(database)
    model = Model(
        ModelReply("", "tools", Usage(), MODEL, (ToolCall("1", "label", {"names": ["bug"]}),))
    )
    for _ in range(3):
        found = ask(cache, model)
        assert found.calls[0].arguments == {"names": ["bug"]}
        model.answer = AssertionError("it was kept")
        found.calls[0].arguments["names"].append("changed")


@pytest.mark.parametrize("change", ["text", "system", "model", "temperature"])
def test_another_question_is_another_call(change: str) -> None:
    cache, model = prompt_cache(None), Model()
    ask(cache, model)
    others = {
        "text": asking("Why?"),
        "system": replace(asking(), system="Be brief."),
        "temperature": replace(asking(), temperature=0.5),
    }
    ask(cache, model, others.get(change), model="offline" if change == "model" else MODEL)
    assert model.calls == 2


# What is kept


@pytest.mark.parametrize("finish", ["length", "refused"])
def test_an_unfinished_reply_is_not_kept(
    database: Database, finish: Literal["length", "refused"]
) -> None:
    cache, model = prompt_cache(database), Model(replace(REPLY, finish=finish))
    assert ask(cache, model).source == ask(cache, model).source == "provider"
    assert model.calls == 2


def test_a_reply_that_is_too_long_is_not_kept(database: Database) -> None:
    cache = prompt_cache(database, megabytes=0.001)
    model = Model(replace(REPLY, text="x" * 1000))
    ask(cache, model)
    assert ask(cache, model).source == "provider"


@pytest.mark.parametrize("arguments", [{"n": float("nan")}, {"n": {1}}, {1: "n"}])
def test_a_reply_that_json_would_change_is_not_kept(arguments: dict[str, object]) -> None:
    cache = prompt_cache(None)
    model = Model(replace(REPLY, finish="tools", calls=(ToolCall("1", "f", arguments),)))
    ask(cache, model)
    assert ask(cache, model).source == "provider"


def test_a_failure_is_not_kept(database: Database) -> None:
    cache, model = prompt_cache(database), Model(ModelRejected("unknown model"))
    with pytest.raises(ModelRejected):
        ask(cache, model)
    model.answer = REPLY
    for one in (prompt_cache(database), cache):  # neither waits for a claim that nobody holds
        ask(one, model, seconds=5)
    assert model.calls == 2


def test_nobody_waits_for_what_is_not_worth_keeping(database: Database) -> None:
    ask(prompt_cache(database), Model(replace(REPLY, finish="refused")))
    slow = Model(replace(REPLY, finish="refused"), after=0.3)
    replies = all_at_once(4, lambda _: ask(prompt_cache(database), slow))
    assert [reply.source for reply in replies] == ["provider"] * 4
    assert slow.calls == 4
    ask(prompt_cache(database), Model())  # and now one is
    assert ask(prompt_cache(database), slow).source == "shared"


def test_no_tenant_gets_anothers_reply(database: Database) -> None:
    cache, model = prompt_cache(database), Model()
    for tenant in ("github:acme", "github:globex", "slack:T1"):
        assert ask(cache, model, tenant=tenant).source == "provider"
    assert ask(prompt_cache(database), model, tenant="github:other").source == "provider"
    assert [row["tenant"] for row in rows(database)] == [TENANT]
    assert len(rows(database, "select * from prompt_cache_totals")) == 1


def test_without_a_tenant_nothing_leaves_the_process(database: Database, database_url: str) -> None:
    cache, model = prompt_cache(database), Model()
    assert [ask(cache, model, tenant="").source for _ in range(2)] == ["provider", "process"]
    with psycopg.connect(database_url) as owner:
        assert owner.execute("select from prompt_cache").fetchall() == []
    ask(cache, model)
    assert ask(prompt_cache(database), model).source == "shared"  # and others go on sharing


# For how long, and how much


def end_all(database: Database, tenant: str) -> None:
    """Let the hours of all that a tenant keeps be over."""
    database.run(tenant, [Statement("update prompt_cache set expires_at = now()", {})])


def test_a_reply_is_kept_for_its_hours(database: Database) -> None:
    short, model = 2 / 3600, Model()
    cache = prompt_cache(database, hours=short)
    ask(cache, model)
    late = prompt_cache(database)
    assert ask(late, model).source == "shared"  # and there, too, until its hours are over
    wait_for(lambda: ask(late, model).source == "provider")
    assert model.calls == 2


def test_what_is_over_is_deleted_by_the_next_one_to_be_kept(database: Database) -> None:
    cache = prompt_cache(database, hours=0.1 / 3600)
    for number in range(5):
        ask(cache, Model(), asking(str(number)))
    time.sleep(0.2)
    ask(prompt_cache(database), Model(), asking("new"))
    assert len(rows(database)) == 1
    assert cache.savings(TENANT).bytes == rows(database)[0]["bytes"]


def test_what_is_over_is_deleted_for_silent_tenants(
    database: Database, operator: Database, database_url: str
) -> None:
    cache = prompt_cache(database)
    for tenant in ("a", "b"):
        ask(cache, Model(), tenant=tenant)
        end_all(database, tenant)
    ask(cache, Model(), tenant="a", request=asking("fresh"))
    assert prompt_cache(operator).expire() == 2
    assert prompt_cache(operator).expire() == 0
    assert cache.savings("b").bytes == 0
    assert cache.savings("a").bytes > 0
    with psycopg.connect(database_url) as owner:
        assert owner.execute("select tenant from prompt_cache").fetchall() == [("a",)]


def test_what_was_used_longest_ago_makes_room(database: Database) -> None:
    cache = prompt_cache(database, megabytes=0.01, entries=0)
    big = Model(replace(REPLY, text="x" * 1800))  # five of them fit
    for number in range(4):
        ask(cache, big, asking(str(number)))
    assert ask(cache, big, asking("0")).source == "shared"
    for number in range(4, 7):
        ask(cache, big, asking(str(number)))
    kept = [ask(cache, big, asking(str(number))).source == "shared" for number in (0, 1, 6)]
    assert kept == [True, False, True]
    assert cache.savings(TENANT).bytes <= 10_000


def test_the_bytes_that_a_tenant_holds_are_counted_exactly(database: Database) -> None:
    cache = prompt_cache(database, megabytes=0.01, entries=0, hours=0.3 / 3600)
    all_at_once(8, lambda n: ask(cache, Model(replace(REPLY, text="x" * 300 * n)), asking(str(n))))
    time.sleep(0.4)
    all_at_once(8, lambda n: ask(cache, Model(replace(REPLY, text="y" * 200 * n)), asking(str(n))))
    total = sum(int(str(row["bytes"])) for row in rows(database))
    assert 0 < cache.savings(TENANT).bytes == total


def test_this_process_keeps_what_was_used_last(database: Database) -> None:
    cache, model = prompt_cache(None, entries=2), Model()
    for text in ("a", "b", "a", "c"):
        ask(cache, model, asking(text))
    assert [ask(cache, model, asking(text)).source for text in ("c", "a", "b")] == [
        "process",
        "process",
        "provider",
    ]


def test_this_process_keeps_so_many_bytes() -> None:
    cache, model = prompt_cache(None, megabytes=0.003), Model(replace(REPLY, text="x" * 1000))
    for text in ("a", "b", "c"):
        ask(cache, model, asking(text))
    assert [ask(cache, model, asking(text)).source for text in ("c", "b", "a")] == [
        "process",
        "process",
        "provider",
    ]


# What it saved


def test_the_counters_say_what_was_saved(database: Database) -> None:
    cache, model = prompt_cache(database), Model()
    for text in ("a", "a", "b", "a"):
        ask(cache, model, asking(text))
    assert cache.counters() == Counters(
        process_hits=2, shared_hits=0, misses=2, waits=0, saved=0.5, saved_tokens=240
    )
    elsewhere = prompt_cache(database, entries=0)
    for text in ("a", "a", "b"):
        ask(elsewhere, model, asking(text))
    assert elsewhere.counters() == Counters(shared_hits=3, saved=0.75, saved_tokens=360)


def test_what_was_saved_outlives_the_rows(database: Database, operator: Database) -> None:
    cache = prompt_cache(database, entries=0)
    for _ in range(3):
        ask(cache, Model())
    first = cache.savings(TENANT)
    assert (first.hits, first.saved, first.saved_tokens) == (2, 0.5, 240)
    end_all(database, TENANT)
    for _ in range(2):  # kept again under the same key, which ends the row's own count
        ask(cache, Model())
    end_all(database, TENANT)
    prompt_cache(operator).expire()
    assert rows(database) == []
    last = cache.savings(TENANT)
    assert (last.hits, last.saved, last.saved_tokens, last.bytes) == (3, 0.75, 360, 0)


def test_a_hit_is_one_round_trip_and_a_call_has_two_around_it(database_url: str) -> None:
    class Counting(Database):
        runs = 0

        def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
            self.runs += 1
            return super().run(tenant, statements)

    with Counting(database_url, patience=5) as database:
        cache = prompt_cache(database)
        ask(cache, Model(), asking("the first one of a process also deletes what is over"))
        database.runs = 0
        ask(cache, Model())
        assert database.runs == 2
        ask(prompt_cache(database), Model())
        assert database.runs == 3


# What is no answer to what was asked


class Verdict(NamedTuple):
    label: Literal["bug", "question"]
    reason: Annotated[str, at_most(10)]


GOOD = replace(REPLY, text='{"label": "bug", "reason": "it fails"}')
INVALID = {
    "no JSON": replace(REPLY, text="A bug, I think."),
    "another label": replace(REPLY, text='{"label": "pear", "reason": ""}'),
    "a text that is too long": replace(REPLY, text='{"label": "bug", "reason": "it fails again"}'),
    "nothing": replace(REPLY, text=""),
}
TOOL = ToolSpec("label", "Label it.", {"type": "object", "required": ["name"], "properties": {}})
UNSOUND = {
    "nothing": replace(REPLY, text=" "),
    "a malformed call": replace(REPLY, calls=(ToolCall("1", "label", {}, "{"),), finish="tools"),
    "a call of no tool": replace(REPLY, calls=(ToolCall("1", "x", {}),), finish="tools"),
    "arguments that do not fit": replace(REPLY, calls=(ToolCall("1", "label", {}),)),
}


def kept_wholly(database: Database, work: Callable[[AskModel], object], bad: ModelReply) -> int:
    """Let `work` ask twice, in two processes; return the calls of the first request, which gets
    the bad reply each time. The good ones must be kept."""
    bad_calls = good_calls = 0

    def provider(request: ModelRequest) -> ModelReply:
        nonlocal bad_calls, good_calls
        first = request.messages == asking().messages
        bad_calls, good_calls = bad_calls + first, good_calls + (not first)
        return bad if first else GOOD

    def process() -> AskModel:
        cache = prompt_cache(database)
        return lambda request: cache.get(
            TENANT, MODEL, request, Deadline(10), lambda: provider(request), is_valid=judge_now()
        )

    for reply in (process(), process()):
        work(reply)
        work(reply)
    assert good_calls <= 1
    return bad_calls


@pytest.mark.parametrize("bad", INVALID.values(), ids=INVALID)
def test_an_answer_that_does_not_fit_is_not_kept(database: Database, bad: ModelReply) -> None:
    calls = kept_wholly(database, lambda reply: typed.ask(reply, asking(), Verdict), bad)
    assert calls == 4
    texts = [row["reply"]["text"] for row in rows(database) if isinstance(row["reply"], dict)]
    assert texts == [GOOD.text]


@pytest.mark.parametrize("bad", UNSOUND.values(), ids=UNSOUND)
def test_a_turn_that_is_none_is_not_kept(database: Database, bad: ModelReply) -> None:
    request = replace(asking(), tools=(TOOL,))
    assert kept_wholly(database, lambda reply: next_turn(reply, request), bad) == 4


def test_what_an_older_version_kept_is_dropped_when_it_does_not_fit(database: Database) -> None:
    ask(prompt_cache(database), Model(INVALID["no JSON"]))
    model = Model(GOOD)
    cache = prompt_cache(database)

    def reply(request: ModelRequest) -> ModelReply:
        return cache.get(TENANT, MODEL, request, Deadline(10), model, is_valid=judge_now())

    request = replace(asking(), schema=None)
    assert reply(request).text == INVALID["no JSON"].text, "nobody says what fits"
    with judged_by(lambda answer: answer.text.startswith("{")):
        assert reply(request).text == GOOD.text
        assert reply(request).source == "process"
    assert model.calls == 1
    assert ask(prompt_cache(database), Model()).text == GOOD.text
