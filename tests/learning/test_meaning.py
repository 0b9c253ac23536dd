"""What was dismissed is known again though it is told without a word in common; nothing is embedded
without need."""

import random
from collections.abc import Sequence
from itertools import combinations as pairs
from typing import Any

import pytest

from shared.database import Database, Statement
from shared.errors import ModelUnavailable
from shared.journal import Journal, Run
from shared.learning.dismissed import is_unwanted
from shared.learning.findings import FindingStore, KeptFinding, ReviewedCommit
from shared.learning.meaning import _THRESHOLDS, Meanings, threshold_of
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.embedding.local_embedders import local_embedder, minilm_is_installed
from shared.memory.embedding.tenant_embedders import OneEmbedder
from tests.events.made import an_event
from tests.learning.histories import PULL, STORIES, kept
from tests.learning.paraphrases import PARAPHRASES

CACHE, HTTP = STORIES[1], STORIES[2]
SAME = "Use a context manager, lest handles run out."
OTHER = "The name of the variable is misleading."


class ByTopic:
    """An embedder to which all texts that name a `topic` are alike, and others are not."""

    name, asymmetric, dimensions = "by-topic", False, 64
    topic = ("session", "handles")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.fails: Exception | None = None
        self.gives: list[list[float]] | None = None

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        if self.fails:
            raise self.fails
        self.texts += texts
        return self.gives or [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        chance = random.Random(text)
        vector = [chance.gauss(0, 0.1) for _ in range(self.dimensions)]
        vector[0] += 2.0 * any(word in text for word in self.topic)
        return vector


@pytest.fixture
def embedder() -> ByTopic:
    _THRESHOLDS.clear()
    return ByTopic()


def run_of(database: Database, number: int = 1) -> Run:
    run = Journal(database).claim(an_event(id=f"github:d{number}"), "review", 60)
    assert run
    return run


def edited(claim: str = SAME) -> KeptFinding:
    """A paraphrase about code that was edited since, of another category."""
    code = (
        "    session = connect(url, timeout=LONG)\n    return session.get(path, retries=2).json()"
    )
    made = kept(HTTP, code=code)
    return made._replace(id="f-0", category="security", claim=claim)


def unwanted(run: Run, embedder: Embedder, found: KeptFinding, known: list[KeptFinding]) -> bool:
    words = Meanings(run, OneEmbedder(embedder)).in_other_words([found], known)
    return is_unwanted(found, [*words, *known])


def dismissed(database: Database) -> list[KeptFinding]:
    """Keep a finding that is dismissed, and return what the store has."""
    run = run_of(database, 900)
    store = FindingStore(run, PULL)
    one = kept(HTTP)._replace(state="posted")
    store.keep(ReviewedCommit("main", "a" * 40), [one])
    store.decide(one.id, "dismissed", "refused", "maria")
    run.write([])
    return known(database, 901)


def known(database: Database, number: int) -> list[KeptFinding]:
    return FindingStore(run_of(database, number), PULL).known([])


def test_a_paraphrase_about_edited_code_is_known_again(
    database: Database, embedder: ByTopic
) -> None:
    before = dismissed(database)
    assert not is_unwanted(edited(), before)
    assert unwanted(run_of(database), embedder, edited(), before)
    assert not unwanted(run_of(database, 2), embedder, edited(OTHER), before)


def test_the_vector_is_kept_with_its_embedder_and_not_made_again(
    database: Database, embedder: ByTopic
) -> None:
    assert unwanted(run_of(database), embedder, edited(), dismissed(database))
    [row] = rows(database, "select embedder, vector_dims(vector) as size from findings")
    assert row == {"embedder": "by-topic", "size": 64}
    embedder.texts.clear()
    assert unwanted(run_of(database, 2), embedder, edited(), known(database, 3))
    assert embedder.texts == [SAME]
    another = ByTopic()
    another.name = "another"
    assert unwanted(run_of(database, 4), another, edited(), known(database, 5))
    assert rows(database, "select embedder from findings") == [{"embedder": "another"}]


def test_a_retry_is_told_the_same_and_embeds_nothing(database: Database, embedder: ByTopic) -> None:
    before, run = dismissed(database), run_of(database)
    assert unwanted(run, embedder, edited(), before)
    database.run(run.event.tenant, [Statement("update runs set lease_until = now()", {})])
    embedder.fails = AssertionError("asked again")
    again = Journal(database).claim(an_event(id="github:d1"), "review", 60)
    assert again and unwanted(again, embedder, edited(), before)


@pytest.mark.parametrize("case", ["nothing known", "other code", "words tell", "by words alone"])
def test_nothing_is_embedded_without_need(
    database: Database, embedder: ByTopic, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, found = dismissed(database), edited()
    if case == "nothing known":
        before = []
    elif case == "other code":
        found = kept(CACHE)
    elif case == "words tell":
        found = edited("When the request fails, nothing closes the session.")
    turns: list[int] = []
    real = Database.run

    def counted(self: Database, *arguments: Any) -> Any:
        turns.append(1)
        return real(self, *arguments)

    run = run_of(database)
    monkeypatch.setattr(Database, "run", counted)
    used: Embedder = HashingEmbedder() if case == "by words alone" else embedder
    assert unwanted(run, used, found, before) is (case == "words tell")
    assert embedder.texts == []
    assert len(turns) == (1 if case == "by words alone" else 0)  # what was decided is recorded


@pytest.mark.parametrize("wrong", [ModelUnavailable("away"), [[1.0]], [[float("nan")] * 64], [[]]])
def test_an_embedder_that_is_away_or_wrong_leaves_it_to_the_words(
    database: Database, embedder: ByTopic, wrong: Any
) -> None:
    before = dismissed(database)
    threshold_of(embedder)
    if isinstance(wrong, Exception):
        embedder.fails = wrong
    else:
        embedder.gives = wrong * 2
    assert not unwanted(run_of(database), embedder, edited(), before)


def test_several_findings_on_a_line_must_be_much_more_alike() -> None:
    _THRESHOLDS.clear()
    for embedder in (ByTopic(), HashingEmbedder()):
        plain, manifold = threshold_of(embedder)
        assert 0 < plain < manifold < 1


def rows(database: Database, query: str) -> list[Any]:
    return database.run("github:acme", [Statement(query, {})])[0]


@pytest.mark.skipif(not minilm_is_installed(), reason="needs ./scripts/dev --embedder")
def test_a_real_embedder_tells_what_has_no_word_in_common() -> None:
    _THRESHOLDS.clear()
    embedder = local_embedder("minilm")
    assert embedder
    plain, _ = threshold_of(embedder)
    same = [
        alike(embedder, told.claims[0], claim)
        for told in STORIES
        for claim in PARAPHRASES[told.path]
    ]
    unlike = [alike(embedder, one.claims[0], other.claims[0]) for one, other in pairs(STORIES, 2)]
    assert sum(one >= plain for one in same) >= len(same) // 2
    assert sum(one >= plain for one in unlike) <= len(unlike) // 12


def alike(embedder: Embedder, *claims: str) -> float:
    one, other = embedder.embed(claims)
    return sum(x * y for x, y in zip(one, other, strict=True))
