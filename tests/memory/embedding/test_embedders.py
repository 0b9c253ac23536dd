"""The local embedders: what they find alike, what they survive, and that they stay the same."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import pytest

from infra.project import ROOT
from shared.errors import SettingsError
from shared.memory.embedding.embedder import Embedder
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.embedding.local_embedders import LOCAL, MiniLMEmbedder, local_embedder

AWKWARD = [
    "",
    " \n\t",
    "\0",
    "\ud800 half a pair",
    "!?",
    "🚀🚀",
    "x" * 1_000_000,
    "word " * 200_000,
]


def embedder(name: str) -> Embedder:
    found = local_embedder(name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    return embedder("minilm")


@pytest.fixture(scope="module", params=["minilm", "hashing"])
def each(request: pytest.FixtureRequest) -> Embedder:
    return embedder(request.param)


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def python(code: str, *options: str) -> str:
    """What a new Python process prints that sees this repository."""
    done = subprocess.run(
        [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_every_vector_has_the_declared_dimensions_and_length_one(each: Embedder) -> None:
    vectors = each.embed(["The build is slow", "登录后页面空白", *AWKWARD])
    assert len(vectors) == 2 + len(AWKWARD)
    for vector in vectors:
        assert len(vector) == each.dimensions
        assert sqrt(cosine(vector, vector)) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_vectors(each: Embedder) -> None:
    assert each.embed([]) == []


def test_a_vector_does_not_depend_on_what_shares_its_batch(each: Embedder) -> None:
    texts = ["short", "a text of a few more words than that", "long " * 150, "short too"]
    together = each.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert each.embed([text])[0] == pytest.approx(vector, abs=2e-5)


def test_a_restatement_is_nearer_than_another_subject(each: Embedder) -> None:
    asked, same, other = each.embed(
        [
            "Login fails with error 500 after upgrading to 2.3",
            "After the upgrade to 2.3 I cannot log in, the server answers error 500",
            "Please add a dark theme to the settings page",
        ]
    )
    assert cosine(asked, same) > cosine(asked, other) + 0.25


def test_threads_share_one_embedder(each: Embedder) -> None:
    texts = [f"worker {number} waits for the lock" for number in range(8)]
    expected = each.embed(texts)
    found: dict[int, list[float]] = {}

    def work(number: int) -> None:
        found[number] = each.embed([texts[number]])[0]

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert found[number] == pytest.approx(expected[number], abs=2e-5)


def test_minilm_computes_what_the_published_model_computes(minilm: Embedder) -> None:
    # As sentence-transformers prints it for this sentence, the example of the model's own page.
    published = [0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.0374480, 0.0026527, 0.0393749]
    [vector] = minilm.embed(["This is an example sentence"])
    assert vector[:7] == pytest.approx(published, abs=1e-6)


def test_minilm_knows_words_that_share_no_letters(minilm: Embedder) -> None:
    asked, same, other = minilm.embed(
        ["The program quits by itself", "The app crashes unexpectedly", "The invoice is overdue"]
    )
    assert cosine(asked, same) > cosine(asked, other) + 0.25


def test_minilm_is_loaded_at_the_first_text_and_not_before() -> None:
    code = (
        "from shared.memory.embedding.local_embedders import local_embedder;"
        " e = local_embedder('minilm');"
        " print('numpy' in sys.modules, 'tokenizers' in sys.modules); e.embed(['x']);"
        " print('numpy' in sys.modules)"
    )
    assert python(code).split() == ["False", "False", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads where Linux lists them")
def test_minilm_starts_no_threads_that_would_spin() -> None:
    code = (
        "import os; os.environ.pop('OPENBLAS_NUM_THREADS', None);"
        " from shared.memory.embedding.local_embedders import local_embedder;"
        " local_embedder('minilm').embed(['The build fails']);"
        " print(len(os.listdir('/proc/self/task')))"
    )
    assert python(code) == "1"


def test_a_model_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SettingsError, match=r"cannot be read .* delete .venv, .* --embedder"):
            MiniLMEmbedder(folder).embed(["x"])


def test_hashing_gives_the_same_vectors_in_every_process() -> None:
    code = (
        "from shared.memory.embedding.hashing import HashingEmbedder;"
        " print(HashingEmbedder().embed(['The build fails 登录失败']))"
    )
    assert python(code) == str(HashingEmbedder().embed(["The build fails 登录失败"]))


def test_hashing_gets_a_new_name_when_its_vectors_change() -> None:
    [vector] = HashingEmbedder().embed(
        ["ERR_CONN_RESET in shared/flow.py: 登录后页面一直空白, Crashes!"]
    )
    digest = hashlib.sha256(str([round(value, 6) for value in vector]).encode()).hexdigest()
    assert (HashingEmbedder.name, digest[:16]) == ("hashing-1", "69557a8a7e813a10")


@pytest.mark.parametrize(
    ("asked", "same", "other"),
    [
        ("登录之后页面是空白的", "登录后页面一直空白", "导出的文件缺少最后一行"),
        ("大文件上传总是超时", "上传大文件时超时失败", "夜间模式不跟随系统设置"),
        (
            "ログイン後に画面が真っ白になる",
            "ログインすると画面が白くなる",
            "ファイルの書き出しに失敗する",
        ),
        (
            "shared/flow.py raises ERR_CONN_RESET",
            "ERR_CONN_RESET in shared/flow.py",
            "Add dark mode",
        ),
        ("crashing while exporting", "Exports crashed", "Login expires"),
    ],
)
def test_hashing_finds_shared_characters_and_parts_of_words(
    asked: str, same: str, other: str
) -> None:
    a, b, c = HashingEmbedder().embed([asked, same, other])
    assert cosine(a, b) > cosine(a, c) + 0.15


def test_hashing_ignores_case_and_the_width_of_letters() -> None:
    plain, wide = HashingEmbedder().embed(["Error 500", "ＥＲＲＯＲ ５００"])
    assert plain == wide


def test_names_that_are_not_local_are_left_to_the_model_layer() -> None:
    assert local_embedder("text-embedding-3-small") is None
    assert local_embedder("bedrock:amazon.titan-embed-text-v2:0") is None


def test_offline_is_minilm_where_it_is_installed() -> None:
    assert embedder("offline").name == "all-minilm-l6-v2"


def test_offline_is_hashing_where_minilm_is_not_installed() -> None:
    code = (
        "from shared.memory.embedding.local_embedders import local_embedder;"
        " print(local_embedder('offline').name)"
    )
    assert python(code, "-S", "-E") == "hashing-1"  # -S: without what is installed


def test_asking_for_minilm_where_it_is_not_installed_says_what_to_install() -> None:
    code = (
        "from shared.errors import SettingsError\n"
        "from shared.memory.embedding.local_embedders import local_embedder\n"
        "try: local_embedder('minilm')\n"
        "except SettingsError as err: print(err)"
    )
    assert "./scripts/dev --embedder sets it up" in python(f"\n{code}", "-S", "-E")


def test_the_local_embedders_have_the_names_by_which_they_are_loaded() -> None:
    assert (MiniLMEmbedder.name, HashingEmbedder.name) == LOCAL
