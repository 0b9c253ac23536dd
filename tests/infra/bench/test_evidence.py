"""bench evidence: the labelled pairs, and how a decision about them is scored."""

import argparse
from pathlib import Path

import pytest

from infra.bench.evidence.follows import (
    TALK,
    Rate,
    follows_by_words,
    measured,
    read_pairs,
    states_by_form,
)
from infra.cli.bench_evidence import run_bench_evidence
from infra.cli.system import KnownSystem
from shared.errors import SettingsError
from shared.settings import Settings


def test_the_set_has_what_follows_and_what_does_not_in_three_languages() -> None:
    pairs = read_pairs()
    assert len(pairs) >= 60
    assert 0.4 < sum(pair.follows for pair in pairs) / len(pairs) < 0.6
    assert len({(pair.passage, pair.claim) for pair in pairs}) == len(pairs)
    assert any("Schlüssel" in pair.claim for pair in pairs)
    assert any("备份" in pair.claim for pair in pairs)


def test_words_do_better_than_yes_to_all_and_than_a_coin() -> None:
    pairs = read_pairs()
    by_words = measured(pairs, follows_by_words)
    always = measured(pairs, lambda passage, claim: True)
    assert by_words.precision and always.precision and by_words.recall
    assert by_words.precision > always.precision + 0.2
    assert by_words.recall > 0.6


def test_no_answer_that_states_something_passes_as_talk() -> None:
    pairs = read_pairs(TALK)
    assert len(pairs) >= 120
    assert len({(pair.passage, pair.claim) for pair in pairs}) == len(pairs)
    rate = measured(pairs, states_by_form)
    assert rate.wrong_no == 0
    assert rate.right_no >= 0.8 * (rate.right_no + rate.wrong_yes)


def test_what_is_never_said_has_no_precision() -> None:
    rate = measured(read_pairs(), lambda passage, claim: False)
    assert (rate.precision, rate.recall) == (None, 0.0)
    assert Rate(0, 0, 3, 0).recall is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '[["a", "b"]]', '[["a", "b", "yes"]]'])
def test_a_set_that_is_none_says_what_is_expected(tmp_path: Path, text: str) -> None:
    (tmp_path / "set.json").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match="pair"):
        read_pairs(tmp_path / "set.json")


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    options = argparse.Namespace(set=None, model=["offline"], json=False)
    assert run_bench_evidence(KnownSystem("", Settings(), local=False), options) == 0
    out = capsys.readouterr().out
    assert "precision" in out and "only talk, and are shown" in out
