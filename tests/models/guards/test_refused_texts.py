"""Calls of embeddings that are too large, or hold a text that the model cannot take: each other
text gets its vector, and the refused one is refused by itself."""

import json

import pytest

from shared.database import Database
from shared.errors import BudgetExceeded, ModelError, ModelUnavailable
from shared.models import EmbeddingProvider, Payer
from shared.models.guards.budgets import Budgets
from shared.models.guards.guarded_embedding import GuardedEmbeddingProvider
from shared.models.payers import paid_by
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.picky_embeddings import PickyEmbeddings
from tests.models.scripted_server import Fails, ScriptedServer, Sends

TEXTS = [f"text{'x' * number}" for number in range(21)]


def built(server: ScriptedServer) -> EmbeddingProvider:
    settings = Settings(model_embed=f"{server.url}/v1#m@8")
    return Models(settings, sleep=lambda _: None).embedder()


def lengths(rows: list[list[float]]) -> list[int]:
    return [round(row[0] / row[1]) if row else 0 for row in rows]


SIZES = ["400", "413", "422", "500", "502", "too large", "an error inside", "some", "nothing"]
BADS = [*SIZES, "an error of the server inside", "null", "NaN", "zero", "all NaN"]


@pytest.mark.parametrize("how", SIZES)
def test_a_call_that_is_too_large_is_halved(how: str) -> None:
    with PickyEmbeddings(most=10, how=how) as server:
        assert lengths(built(server).embed(TEXTS)) == [len(text) for text in TEXTS]


@pytest.mark.parametrize("place", [0, 13, 20])
@pytest.mark.parametrize("how", BADS)
def test_a_text_that_the_model_cannot_take_is_refused_by_itself(how: str, place: int) -> None:
    texts = [*TEXTS]
    texts[place] = "a zebra"
    with PickyEmbeddings(bad="zebra", how=how) as server:
        found = lengths(built(server).embed(texts))
        assert len(server.seen) < 60
    expected = [len(text) for text in texts]
    expected[place] = 0
    assert found == expected


def test_a_size_that_was_refused_is_not_tried_again() -> None:
    with PickyEmbeddings(most=10, how="400") as server:
        embedder = built(server)
        embedder.embed(TEXTS)
        calls = len(server.seen)
        embedder.embed(TEXTS)
        assert len(server.seen) - calls == len(server.taken) - 3 == 3
        assert max(server.taken) <= 10


def test_a_failure_that_passes_shortens_and_refuses_nothing(server: ScriptedServer) -> None:
    embedder = built(server)
    long = "x" * 2000
    ok = json.dumps({"data": [{"embedding": [2000.0, *[1.0] * 7]}]}).encode()
    server.says(Fails(500), Sends(ok), Sends(ok))
    assert lengths(embedder.embed([long])) == [2000]


def test_a_long_text_that_breaks_the_server_is_shortened() -> None:
    with PickyEmbeddings(bad="zebra", how="500") as server:
        [row] = built(server).embed(["x" * 900 + "zebra"])
        assert lengths([row]) == [452]


def test_a_server_that_takes_nothing_refuses_no_text() -> None:
    for how in ("400", "500", "nothing"):
        with PickyEmbeddings(most=0, how=how) as server, pytest.raises(ModelError):
            built(server).embed(TEXTS)


def test_a_model_that_refuses_every_text_says_so_before_it_has_cost_much() -> None:
    with PickyEmbeddings(bad="text", how="400") as server:
        with pytest.raises(ModelError):
            built(server).embed([f"text {number}" for number in range(64)])
        assert len(server.seen) < 150


def test_a_server_that_is_down_is_unavailable_and_asked_little(server: ScriptedServer) -> None:
    server.says(*[Fails(500)] * 100)
    with pytest.raises(ModelUnavailable):
        built(server).embed(TEXTS)
    assert len(server.seen) <= 8


@pytest.mark.parametrize(
    "sent",
    [
        {
            "data": [
                {"index": "1", "embedding": [2] * 8},
                {"index": "0", "embedding": [1] + [2] * 7},
            ]
        },
        {"data": [{"embedding": [[1] + [2] * 7]}, {"embedding": [["2"] * 8]}]},
        {"data": [[1] + [2] * 7, [2] * 8]},
        {"embeddings": [[1] + [2] * 7, [2] * 8], "usage": None},
        {"data": [{"index": 0, "embedding": [1] + [2] * 7}, {"index": 0, "embedding": [2] * 8}]},
        {
            "data": [{"index": None, "embedding": [1] + [2] * 7}, {"embedding": [2] * 8}],
            "error": None,
        },
    ],
)
def test_vectors_are_read_in_any_dress(server: ScriptedServer, sent: object) -> None:
    server.says(Sends(b"\xef\xbb\xbf" + json.dumps(sent).encode(), "text/plain"))
    first, second = built(server).embed(["a", "b"])
    assert first[0] < second[0]


# Budgets

OPENAI = "openai:text-embedding-3-small@256"
PAYER = Payer("acme", "ingest", "U1")


def test_embeddings_count_in_the_budgets_of_who_has_them_made(
    settings: Settings, database: Database, server: ScriptedServer
) -> None:
    limited = settings._replace(
        model_embed=OPENAI,
        budgets="tenant=3;flow:ingest=1.5",
        model_prices="openai:text-embedding-3-small=900/0/0",
    )
    embedder = Models(limited, database, sleep=lambda _: None).embedder()
    with paid_by(PAYER), paid_by(Payer("acme", "")):  # the run goes on paying
        embedder.embed(["a", "b"])
    with paid_by(PAYER), pytest.raises(BudgetExceeded, match="ingest"):
        embedder.embed(["x" * 9_000])
    assert len(server.seen) == 1, "what has no room is not sent"
    with paid_by(Payer("acme", "")):
        embedder.embed(["c"])
    embedder.embed(["nobody pays"])
    budgets = Budgets(database, limited.budgets)
    spent = {row.scope: row.spent for row in budgets.spent("acme")}
    assert spent == {
        "tenant": pytest.approx((6 + 3) * 900 / 1e6),
        "flow": pytest.approx(6 * 900 / 1e6),
        "user": pytest.approx(6 * 900 / 1e6),
    }


def test_a_failed_call_of_embeddings_costs_nothing(
    settings: Settings, database: Database, server: ScriptedServer
) -> None:
    limited = settings._replace(model_embed=OPENAI, budgets="tenant=1")
    embedder = Models(limited, database, sleep=lambda _: None).embedder()
    assert isinstance(embedder, GuardedEmbeddingProvider)
    server.says(Fails(403))
    with paid_by(PAYER), pytest.raises(ModelError):
        embedder.embed(["a"])
    [*rows] = Budgets(database, "tenant=1").spent("acme")
    assert {(row.spent, row.reserved) for row in rows} == {(0, 0)}


def test_people_from_outside_pay_for_what_is_embedded_for_them(
    settings: Settings, database: Database
) -> None:
    embedder = Models(settings._replace(model_embed=OPENAI), database).embedder()
    with paid_by(Payer("acme", "chat", "eve", "github:acme/shop")):
        embedder.embed(["a"])
    models = Budgets(database, "").spent("acme")
    assert {row.scope for row in models} == {"outsiders", "outsider"}
