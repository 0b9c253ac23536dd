"""What was dismissed does not return over a history of pushes, and takes nothing true along."""

import random
from pathlib import PurePosixPath

import pytest

from infra.bench.reviews.cases import read_cases
from shared.actions.github.pulls.diff import FileDiff
from shared.learning.dismissed import is_unwanted
from shared.learning.moved import followed
from tests.campaigns import size
from tests.learning.histories import PULL, STORIES, kept, pushes
from tests.learning.unrelated import true_findings, unrelated


def test_at_most_one_in_a_hundred_returns_over_20_pushes() -> None:
    """Lines move and change, files are renamed, the model finds other words, lines and categories.
    What returns is dismissed again, as people do."""
    returned = told = 0
    for seed in range(size(200, 10)):
        chance = random.Random(seed)
        dismissed = [kept(story)._replace(state="dismissed") for story in STORIES]
        for push in pushes(chance, STORIES):
            files = [FileDiff(path, path, "added", ()) for path in push.moved.values()]
            known = [*followed(dismissed, PULL.number, files)]
            back = [one for one in push.found if not is_unwanted(one, known)]
            dismissed += [one._replace(state="dismissed") for one in back]
            returned, told = returned + len(back), told + len(push.found)
    assert returned / told <= 0.01


def test_at_least_95_of_100_true_findings_survive_20_dismissals() -> None:
    true = [*true_findings(read_cases())]
    all_ = [found for found, _ in true]
    lost = count = 0
    for seed in range(size(100, 5)):
        chance = random.Random(seed)
        for found, file in true:
            # Another change with the same fault is no stranger to this one.
            others = [one for one in all_ if one.claim.split()[:3] != found.claim.split()[:3]]
            dismissed = [*unrelated(chance, found, file, others)]
            assert len(dismissed) == 20
            lost, count = lost + is_unwanted(found, dismissed), count + 1
    assert lost / count <= 0.05


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
