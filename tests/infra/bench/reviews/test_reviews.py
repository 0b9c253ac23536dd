"""The scores of reviews: the sets, the matching, and the command as a person runs it."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from infra.bench.reviews.cases import Case, FileTexts, Label, read_cases
from infra.bench.reviews.conducting import ReviewBench
from infra.bench.reviews.diffs import patch_of
from infra.bench.reviews.matching import is_told
from infra.bench.reviews.scores import Reviewed, score
from infra.cli.__main__ import main
from shared.actions.github.pulls.diff import hunks_of
from shared.learning.dismissed import says_same
from shared.reviewing.finding import Finding
from shared.settings import Settings
from tests.models.scripted_server import Says, ScriptedServer
from tests.reviewing.changes import patch_of as patch_of_git

LABEL = Label("The file is never closed.", "a.py", 10, 12, "bug")
ROW: dict[str, Any] = {
    "id": "a",
    "title": "A",
    "files": [{"path": "a.py", "before": None, "after": ["x = 1"]}],
    "faults": [{"path": "a.py", "first": 1, "category": "bug", "claim": "It is 1."}],
}


def finding(
    first: int = 11,
    claim: str = "The name is too long.",
    path: str = "a.py",
    category: Any = "bug",
    last: int = 0,
) -> Finding:
    return Finding(path, first, last or first, "x", "low", category, 0.9, claim, "")


class TestOwnSet:
    """Our own set is what the docs say, and the offline model finds in it what it can see."""

    cases = read_cases()

    def test_half_of_it_is_fine(self) -> None:
        faulty = [case for case in self.cases if case.labels]
        assert (len(faulty), len(self.cases)) == (30, 60)

    def test_it_has_many_languages_and_many_faults_that_no_rule_sees(self) -> None:
        endings = {Path(file.path).suffix for case in self.cases for file in case.files}
        labels = [label for case in self.cases for label in case.labels]
        assert len(endings) >= 12
        assert sum(label.seen_by == "model" for label in labels) >= 18

    def test_each_fault_stands_in_new_lines(self) -> None:
        """A comment can only stand in the diff."""
        for case in self.cases:
            added = {
                (file.path, line.new)
                for file in case.files
                for hunk in hunks_of(file.path, patch_of(file.before or "", file.after or ""))
                for line in hunk.added
            }
            for label in case.labels:
                places = {(label.path, at) for at in range(label.first, label.last + 1)}
                assert places & added, case.id

    def test_the_offline_model_tells_what_a_rule_sees_and_disturbs_nobody(self) -> None:
        bench = ReviewBench(self.cases, Settings(), "offline")
        found = score(bench.conduct(), bench.cost, says_same)
        assert (found.cases, found.failed, found.false, found.disturbed) == (60, 0, 0, 0)
        seen, all_ = found.by_rule
        assert seen == all_ == 14
        assert (found.precision, found.cost) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (finding(), True),
        (finding(8), True),  # two lines above
        (finding(14), True),
        (finding(7), False),
        (finding(15), False),
        (finding(1, last=30), True),
        (finding(path="b.py"), False),
        (finding(category="security"), False),
        (finding(category="security", claim="Nothing closes the file."), True),
    ],
    ids=range(9),
)
def test_a_finding_tells_a_fault_by_place_and_category_or_words(found: Finding, told: bool) -> None:
    assert is_told(found, LABEL) is told


def test_without_a_place_the_words_decide() -> None:
    label = Label("The file is never closed when the request fails.")
    assert is_told(finding(claim="When the request fails the file is not closed."), label)
    assert not is_told(finding(claim="The name is too long."), label)


def test_a_second_finding_about_one_fault_counts_once() -> None:
    case = Case("a", "A", (), (LABEL, Label("Other", "a.py", 40, 40, "bug")))
    fine = Case("b", "B", (), ())
    reviewed = [
        Reviewed(case, (finding(), finding(12), finding(90))),
        Reviewed(fine, (finding(),)),
        Reviewed(fine, failed="no key"),
    ]
    found = score(reviewed, None, says_same)
    assert (found.posted, found.true, found.false, found.told, found.labels) == (4, 1, 2, 1, 2)
    assert (found.precision, found.recall, found.f1) == (1 / 3, 1 / 2, 0.4)
    assert (found.clean, found.disturbed, found.failed, found.cases) == (1, 1, 1, 2)
    assert found.cost_per_case is None


@pytest.mark.parametrize("before", ["", "a\n", "a\nb\r\nc", "支付\n" * 30, "x\n\n\n"])
@pytest.mark.parametrize("after", ["b\n", "a\nb\r\nc\n", "a", "支付\n" * 30 + "💶"])
def test_a_patch_reads_as_git_writes_it(before: str, after: str) -> None:
    made = hunks_of("a", patch_of(before, after))
    assert made == hunks_of("a", patch_of_git(before, after))


class TestCommand:
    """`bench review` reads sets of both kinds, and says what is wrong with one."""

    def run(self, tmp_path: Path, rows: object, *arguments: str) -> int:
        file = tmp_path / "set.json"
        text = rows if isinstance(rows, str) else json.dumps(rows)
        file.write_text(text, "utf-8")
        return main(["--data", str(tmp_path), "bench", "review", "--set", str(file), *arguments])

    def test_it_prints_one_table_for_all_models(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path, [ROW], "--model", "small", "--model", "offline") == 0
        head, *rows = capsys.readouterr().out.splitlines()
        assert head.split() == ["small", "offline"]
        assert ["recall", "0.0", "%", "0.0", "%"] in [row.split() for row in rows]

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ("[", "is no JSON"),
            ("{}", "must hold a list"),
            ("[]", "must hold a list"),
            ([3], "must hold a list"),
            ([ROW | {"id": 3}], "case 1: id must be a text"),
            ([ROW | {"files": []}], "files must name a file"),
            ([ROW | {"files": [{"path": "a", "after": 3}]}], "after must be a text"),
            ([ROW | {"faults": None}], "faults must be a list"),
            ([ROW | {"faults": [ROW["faults"][0] | {"first": 9}]}], "no lines 9 to 9"),
            ([ROW | {"faults": [ROW["faults"][0] | {"category": "odd"}]}], "category must be"),
            ([ROW, ROW], "an id of its own: a"),
            ([{"url": "https://example.com/x", "comments": []}], "--clones names"),
        ],
        ids=range(12),
    )
    def test_a_set_that_is_none_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: object, says: str
    ) -> None:
        assert self.run(tmp_path, rows) == 2
        assert says in capsys.readouterr().err

    def test_no_case_has_the_id(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path, [ROW], "--only", "b") == 2
        assert "no case has the id b" in capsys.readouterr().err

    def test_a_model_that_does_not_exist_fails_each_case(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path, [ROW], "--model", "nothing:at-all") != 0
        assert "nothing:at-all" in capsys.readouterr().err


@pytest.mark.parametrize(("said", "true"), [("true", 1), ("false", 0)])
def test_a_model_reviews_and_another_judges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, true: int
) -> None:
    """The finding is of another category and in other words, so only the judge can tell."""
    answer = finding(1, "Magic.", category="style")
    answer = replace(answer, quote="x = 1", evidence="")
    (tmp_path / "set.json").write_text(json.dumps([ROW]), "utf-8")
    with ScriptedServer() as reviewer, ScriptedServer() as judge:
        scores = {"scores": [{"finding": 1, "score": 9, "reason": "It is."}]}
        reviewer.says(Says(json.dumps({"findings": [asdict(answer)]})), Says(json.dumps(scores)))
        judge.says(Says("maybe"), Says(json.dumps({"same": said == "true"})))
        given = ("--model", f"{reviewer.url}/v1#x", "--judge", f"{judge.url}/v1#x", "--json")
        command = ("bench", "review", "--set", str(tmp_path / "set.json"), *given)
        assert main(["--data", str(tmp_path), *command]) == 0
        assert (len(reviewer.seen), len(judge.seen)) == (2, 2)
    [found] = json.loads(capsys.readouterr().out).values()
    assert (found["posted"], found["true"], found["cost"]) == (1, true, None)


def test_the_scores_of_a_second_look_raise_the_precision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = replace(finding(1, "It is 1.", category="bug"), quote="x = 1")
    false = replace(true, category="style", claim="The name is short.")
    (tmp_path / "set.json").write_text(json.dumps([ROW]), "utf-8")
    scores = {"scores": [{"finding": 1, "score": 9}, {"finding": 2, "score": 1}]}
    with ScriptedServer() as reviewer:
        found = {"findings": [asdict(true), asdict(false)]}
        reviewer.says(Says(json.dumps(found)), Says(json.dumps(scores)))
        given = ("--set", str(tmp_path / "set.json"), "--model", f"{reviewer.url}/v1#x")
        assert main(["--data", str(tmp_path), "bench", "review", *given]) == 0
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (rows["precision"], rows["precision without scores"]) == ("100.0 %", "50.0 %")
    assert (rows["recall"], rows["recall without scores"]) == ("100.0 %", "100.0 %")


class TestGoldenComments:
    """A public benchmark is read with a clone of its repository."""

    @pytest.fixture
    def clone(self, tmp_path: Path) -> Path:
        root = tmp_path / "clones" / "acme" / "shop"
        root.mkdir(parents=True)
        self.git(root, "init", "--quiet", "--initial-branch=main")
        self.commit(root, {"old.py": "x = 1\n", "image.bin": "a\0b"})
        self.git(root, "update-ref", "refs/pull/7/base", "HEAD")
        code = "def total(items=[]):\n    items.sort()\n    return items\n"
        self.commit(root, {"new.py": code, "image.bin": "a\0c"})
        self.git(root, "update-ref", "refs/pull/7/head", "HEAD")
        return root

    def git(self, root: Path, *arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True)

    def commit(self, root: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            (root / name).write_text(text, "utf-8")
        self.git(root, "add", ".")
        self.git(root, "commit", "--quiet", "--message", "work")

    def run(self, tmp_path: Path, *, number: int = 7, comment: str = "") -> int:
        row = {
            "pr_title": "Add totals",
            "url": f"https://github.com/acme/shop/pull/{number}",
            "comments": [
                {
                    "comment": comment or "All calls share the default value, which is made once.",
                    "severity": "High",
                }
            ],
        }
        (tmp_path / "golden").mkdir()
        (tmp_path / "golden" / "shop.json").write_text(json.dumps([row]), "utf-8")
        given: Sequence[str] = ("--set", str(tmp_path / "golden"))
        given = (*given, "--clones", str(tmp_path / "clones"), "--json")
        return main(["--data", str(tmp_path), "bench", "review", *given])

    @pytest.mark.usefixtures("clone")
    def test_a_comment_is_told_by_its_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path) == 0
        found = json.loads(capsys.readouterr().out)["small"]
        [case] = found["cases"]
        assert [(one["path"], one["first"]) for one in case["posted"]] == [("new.py", 1)]
        assert (found["told"], found["labels"]) == (1, 1)

    @pytest.mark.usefixtures("clone")
    def test_another_comment_is_not_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path, comment="The test has no assertion for an empty cart.") == 0
        found = json.loads(capsys.readouterr().out)["small"]
        assert (found["told"], found["false"]) == (0, 1)

    @pytest.mark.usefixtures("clone")
    def test_a_missing_commit_says_how_to_fetch_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path, number=8) == 2
        assert "git fetch origin refs/pull/8/head" in capsys.readouterr().err

    def test_a_missing_clone_says_where_it_belongs(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(tmp_path) == 2
        assert str(tmp_path / "clones" / "acme" / "shop") in capsys.readouterr().err


def test_a_file_that_is_gone_is_no_obstacle() -> None:
    case = Case("a", "A", (FileTexts("a.py", "x = 1\n", None),), ())
    [reviewed] = ReviewBench([case], Settings(), "offline").conduct()
    assert reviewed == Reviewed(case)
