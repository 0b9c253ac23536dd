"""The benchmarks of recall: their files are read strictly, their numbers can be checked by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from benchmarks.conversation_file import read_conversations
from benchmarks.generated_memories import BLOCK, DIMENSIONS, Generated, nearest, unit
from benchmarks.memory_load import SQL, fill, tenants_of
from benchmarks.recall_metrics import difference, recall_at
from benchmarks.recall_quality import OWN, WAYS, measure_quality
from benchmarks.recall_scale import measure_scale
from shared.errors import SettingsError

Json = dict[str, Any]


def _conversation(name: str = "c", **changes: Any) -> Json:
    turns = [
        {"id": "t1", "speaker": "Ana", "text": "The build is red.", "time": "2026-03-02T09:00:00Z"},
        {
            "id": "t2",
            "speaker": "陈浩",
            "text": "证书过期了。",
            "time": "2026-03-02T09:01:00+08:00",
        },
    ]
    question = {"id": "q1", "text": "什么过期了？", "evidence": ["t2"], "category": "direct"}
    return {"id": name, "language": "zh", "turns": turns, "questions": [question]} | changes


def _written(folder: Path, root: Any) -> Path:
    path = folder / "conversations.json"
    path.write_text(json.dumps(root, ensure_ascii=False), "utf-8")
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read_conversations(path)
    return str(caught.value)


def test_a_file_is_one_haystack_with_the_oldest_turn_first(tmp_path: Path) -> None:
    path = _written(tmp_path, {"conversations": [_conversation("a"), _conversation("b")]})
    [haystack] = read_conversations(path).haystacks
    assert [turn.id for turn in haystack.turns] == ["a/t2", "b/t2", "a/t1", "b/t1"]
    assert haystack.turns[0].text == "证书过期了。"
    question = haystack.questions[0]
    assert (question.id, question.evidence) == ("a/q1", frozenset({"a/t2"}))
    assert (question.language, question.category) == ("zh", "direct")


def test_each_conversation_can_be_a_haystack_of_its_own(tmp_path: Path) -> None:
    both = [_conversation("a"), _conversation("b")]
    path = _written(tmp_path, {"searched": "conversation", "conversations": both})
    assert [len(one.turns) for one in read_conversations(path).haystacks] == [2, 2]


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ({}, "'conversations' must be a list"),
        ({"conversations": []}, "asks no question"),
        ({"conversations": ["x"]}, "conversations[0]: an object is expected, not str"),
        ({"conversations": [_conversation(id="  ")]}, "'id' must be a string that is not blank"),
        ({"conversations": [_conversation(questions=[])]}, "asks no question"),
        (
            {"conversations": [_conversation(), _conversation()]},
            "two conversations have the id 'c'",
        ),
        ({"conversations": [_conversation()], "searched": "all"}, "'searched' must be one of file"),
        ("text", "an object is expected, not str"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_place(
    tmp_path: Path, root: Any, told: str
) -> None:
    assert told in _refusal(_written(tmp_path, root))


def test_turns_with_one_id_are_refused(tmp_path: Path) -> None:
    turn = {"id": "t1", "speaker": "Ana", "text": "Red."}
    path = _written(tmp_path, {"conversations": [_conversation(turns=[turn, turn], questions=[])]})
    assert "conversations[0]: two turns have the id 'c/t1'" in _refusal(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"evidence": ["t2", "t9"]}, "questions[0]: no turn has the id 'c/t9'"),
        ({"evidence": []}, "'evidence' must name at least one turn"),
        ({"evidence": "t2"}, "'evidence' must be a list"),
        ({"text": 7}, "'text' must be a string"),
    ],
)
def test_a_question_without_known_evidence_is_refused(
    tmp_path: Path, changes: Json, told: str
) -> None:
    question = {"id": "q", "text": "?", "evidence": ["t2"]} | changes
    path = _written(tmp_path, {"conversations": [_conversation(questions=[question])]})
    assert told in _refusal(path)


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    turn = {"id": "t2", "speaker": "Ana", "text": "Red.", "time": "yesterday"}
    path = _written(tmp_path, {"conversations": [_conversation(turns=[turn])]})
    assert "turns[0]: 'time' must be ISO 8601" in _refusal(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no JSON: Expecting value in line 1"),
        (b'{"conversations": [\n  {"id": 1,]}', "in line 2"),
        (b'{"text": "\xff"}', "is not UTF-8 at byte 10"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    assert told in _refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in _refusal(tmp_path / "none.json")


def test_the_shape_of_locomo_is_read_as_it_is(tmp_path: Path) -> None:
    sample = {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ana",
            "session_2_date_time": "1:14 pm on 25 May, 2023",
            "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "Hi."}],
            "session_10": [{"speaker": "Ana", "dia_id": "D10:1", "blip_caption": "a red bike"}],
        },
        "qa": [
            {"question": "Who?", "answer": "Ben", "evidence": ["D2:1; D10:1"], "category": 1},
            {"question": "When?", "evidence": ["D9:9"], "category": 2},
            {"question": "Why?", "evidence": [], "category": 5},
        ],
    }
    found = read_conversations(_written(tmp_path, [sample]))
    [haystack] = found.haystacks
    assert [turn.id for turn in haystack.turns] == ["conv-1/D2:1", "conv-1/D10:1"]
    assert haystack.turns[1].text == " [shows a red bike]"
    [question] = haystack.questions
    assert question.evidence == {"conv-1/D2:1", "conv-1/D10:1"}
    assert (question.category, found.skipped) == ("several turns", 2)


def test_our_own_conversations_are_large_and_mixed_enough() -> None:
    asked = read_conversations(OWN)
    [haystack] = asked.haystacks
    assert asked.turns >= 400 and asked.questions >= 120
    assert {question.language for question in haystack.questions} == {"en", "zh"}
    categories = {question.category for question in haystack.questions}
    assert categories >= {"identifier", "error", "paraphrase", "time", "distractor"}


def test_recall_is_the_share_of_what_is_wanted_among_the_first() -> None:
    found = ["a", "b", "c", "d"]
    assert recall_at(1, found, {"a", "d"}) == 0.5
    assert recall_at(4, found, {"a", "d"}) == 1
    assert recall_at(2, found, {"c"}) == 0
    assert recall_at(10, [], {"c"}) == 0


def test_a_difference_that_every_question_shows_is_no_noise() -> None:
    assert difference([1.0] * 20, [0.5] * 20) == (0.5, 0.5, 0.5)
    assert difference([1.0] * 20, [0.5] * 20).verdict == "better"
    assert difference([0.0] * 20, [0.5] * 20).verdict == "worse"


def test_a_difference_of_one_question_is_within_noise() -> None:
    ours = [1.0] * 10 + [0.0] * 10
    theirs = [0.0, *ours[1:]]
    found = difference(ours, theirs)
    assert found.mean == pytest.approx(0.05)
    # That question is missing from (19/20)^20 = 36 % of the resamples, and at most 3 times in 95.
    assert (found.low, found.verdict) == (0, "within noise")
    assert 0.1 <= found.high <= 0.15


def test_the_nearest_of_generated_vectors_are_found_across_blocks() -> None:
    east, north = np.eye(DIMENSIONS, dtype=np.float32)[:2]
    first, second = unit(np.array([north, east + north])), unit(np.array([east, -east]))
    assert nearest(east[None], iter([first, second]), 3).tolist() == [[2, 1, 0]]


def test_generated_memories_are_the_same_each_time_and_their_words_follow_zipf() -> None:
    block, again = Generated().block(1, 0), Generated().block(1, 0)
    assert block.texts == again.texts and np.array_equal(block.vectors, again.vectors)
    assert np.allclose(np.linalg.norm(block.vectors, axis=1), 1, atol=1e-5)
    words = Generated().words
    share = [sum(words[rank] in text.split() for text in block.texts) / BLOCK for rank in (0, 99)]
    assert share[0] > 0.3
    assert 0 < share[1] < 0.1


def test_a_load_that_stopped_goes_on_and_builds_the_indexes(database_url: str) -> None:
    before = fill(database_url, tenants_of(30))
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("delete from memories where tenant = 'benchmark:1' and ref = '2'")
        after = fill(database_url, tenants_of(30))
        held = owner.execute("select tenant, count(*) from memories group by 1 order by 1")
        assert [count for _, count in held] == [30, 3, 1, 1]
        assert owner.execute(SQL["noted_indexes"]).fetchall() == []
        built = "select 1 from pg_indexes where indexdef like '%hnsw%(384)%'"
        assert owner.execute(built).fetchone()
    assert (before.rows, after.rows) == (35, 1)
    with pytest.raises(SettingsError, match="holds 30 memories of a tenant that should have 10"):
        fill(database_url, tenants_of(10))


def test_recall_at_scale_is_measured_against_what_is_exact(database_url: str) -> None:
    loaded = fill(database_url, tenants_of(200))
    findings = measure_scale(loaded, 1)
    first = next(iter(WAYS))
    assert set(findings.samples["recall"]) >= {f"200 {first}", f"20 {first}", f"2 {first}"}
    for shares in (findings.samples["recall"][f"{count} {first}"] for count in (200, 20, 2)):
        assert min(shares) >= 0.9  # so few are compared one by one; 16 bits can swap neighbours
    assert "Recall of tenants in one table" in str(findings.tables[2])
    with psycopg.connect(database_url) as owner:
        [(left,)] = owner.execute("select count(*) from memories where tenant like '%visitor'")
    assert left == 0


def test_quality_counts_the_turns_that_answer(tmp_path: Path, database_url: str) -> None:
    path = _written(tmp_path, {"conversations": [_conversation()]})
    findings = measure_quality(database_url, path)
    assert findings.samples["hashing"][next(iter(WAYS))]["c/q1"]["@5"] == 1
    _, against, by_category = map(str, findings.tables)
    assert "within noise" in against and "language: zh" in by_category
