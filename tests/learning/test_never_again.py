"""What was dismissed does not return over a history of pushes, and takes nothing true along."""

import random
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import pytest

from infra.bench.reviews.cases import read_cases
from shared.actions.github.pulls.diff import FileDiff
from shared.learning.dismissed import is_unwanted
from shared.learning.findings import KeptFinding
from shared.learning.moved import followed
from shared.memory.embedding.local_embedders import local_embedder, minilm_is_installed
from tests.campaigns import size
from tests.learning.histories import PULL, STORIES, Told, kept, pushes
from tests.learning.other_stories import OTHER_STORIES
from tests.learning.paraphrases import PARAPHRASES
from tests.learning.unrelated import remarks, true_findings, unrelated
from tests.learning.vectors import ByVectors, by_words

InOtherWords = Callable[[Sequence[KeptFinding], Sequence[KeptFinding]], list[KeptFinding]]
#: The stories, told in more words, of which none stands in the claims that were dismissed first.
HARD = [told._replace(claims=(*told.claims, *PARAPHRASES[told.path])) for told in STORIES]


@pytest.fixture(scope="module")
def by_vectors() -> InOtherWords:
    embedder = local_embedder("minilm") if minilm_is_installed() else None
    if embedder is None:
        pytest.skip("needs ./scripts/dev --embedder")
    return ByVectors(embedder)


def returning(stories: Sequence[Told], known_as: InOtherWords, histories: int) -> float:
    """Return the share that returns over 20 pushes: lines move and change, files are renamed, the
    model finds other words, lines and categories. What returns is dismissed again, as people do."""
    returned = told = 0
    for seed in range(histories):
        chance = random.Random(seed)
        dismissed = [kept(story)._replace(state="dismissed") for story in stories]
        for push in pushes(chance, stories):
            files = [FileDiff(path, path, "added", ()) for path in push.moved.values()]
            known = known_as(push.found, [*followed(dismissed, PULL.number, files)])
            back = [one for one in push.found if not is_unwanted(one, known)]
            dismissed += [one._replace(state="dismissed") for one in back]
            returned, told = returned + len(back), told + len(push.found)
    return returned / told


def surviving(known_as: InOtherWords, times: int) -> float:
    """Return the share of true findings that are told after 20 others were dismissed."""
    true = [*true_findings(read_cases())]
    all_ = [found for found, _ in true]
    lost = count = 0
    for seed in range(times):
        chance = random.Random(seed)
        for found, file in true:
            # Another change with the same fault is no stranger to this one.
            others = [one for one in all_ if one.claim.split()[:3] != found.claim.split()[:3]]
            dismissed = [*unrelated(chance, found, file, others)]
            assert len(dismissed) == 20
            lost += is_unwanted(found, known_as([found], dismissed))
            count += 1
    return 1 - lost / count


def test_at_most_one_in_a_hundred_returns_over_20_pushes() -> None:
    assert returning(STORIES, by_words, size(200, 10)) <= 0.01


def test_vectors_let_still_less_return(by_vectors: InOtherWords) -> None:
    histories = size(60, 2)
    assert returning(STORIES, by_vectors, histories) <= 0.005
    without = returning(HARD, by_words, histories)
    assert returning(HARD, by_vectors, histories) <= without


def test_few_return_in_words_that_nobody_used_before() -> None:
    assert returning(HARD, by_words, size(60, 4)) <= 0.01


def test_few_of_a_set_return_by_which_nothing_was_chosen() -> None:
    assert returning(OTHER_STORIES, by_words, size(60, 20)) <= 0.01


@pytest.mark.parametrize("severity", ["low", "medium", "high"])
def test_true_findings_survive_remarks_that_name_the_names_of_their_lines(severity: str) -> None:
    lost = count = 0
    for seed in range(size(50, 5)):
        chance = random.Random(seed)
        for found, file in true_findings(read_cases()):
            lost += is_unwanted(found, [*remarks(chance, found, file, severity)])
            count += 1
    assert 1 - lost / count >= 0.93


def test_at_least_95_of_100_true_findings_survive_20_dismissals() -> None:
    assert surviving(by_words, size(100, 5)) >= 0.95


def test_as_many_survive_with_vectors(by_vectors: InOtherWords) -> None:
    assert surviving(by_vectors, size(20, 2)) >= 0.95


class TestMoved:
    """What was said of a file is known of it under its new name."""

    ONE = kept(STORIES[1])

    def paths(self, *files: FileDiff, number: int = PULL.number) -> list[str]:
        known = [self.ONE._replace(number=number)]
        return [one.path for one in followed(known, PULL.number, files)]

    @staticmethod
    def file(path: str, old: str = "", status: str = "added") -> FileDiff:
        return FileDiff(path, old or path, status, ())

    def test_a_file_that_is_there_stays(self) -> None:
        assert self.paths(self.file(self.ONE.path), self.file("b.py")) == [self.ONE.path]

    @pytest.mark.parametrize("number", [PULL.number, 3])
    def test_a_renamed_file_is_followed(self, number: int) -> None:
        moved = self.file("app/kept.py", self.ONE.path, "renamed")
        assert self.paths(moved, number=number) == [self.ONE.path, "app/kept.py"]

    def test_a_new_file_that_is_gone_may_be_any_new_one_of_its_kind(self) -> None:
        files = (self.file("b.py"), self.file("b.js"), self.file("c.py", status="modified"))
        assert self.paths(*files) == [self.ONE.path, "b.py"]

    def test_what_was_said_in_another_pull_request_is_not_looked_for(self) -> None:
        assert self.paths(self.file("b.py"), number=3) == [self.ONE.path]

    def test_short_code_in_another_file_is_new_without_that(self) -> None:
        again = self.ONE._replace(path="b.py", shape="except :")
        assert PurePosixPath(again.path).suffix == ".py"
        assert not is_unwanted(again, [self.ONE])
        assert is_unwanted(again, [*followed([self.ONE], PULL.number, [self.file("b.py")])])
