"""A real inference server: llama.cpp with a tiny model of random weights, in a child process.

What it says is garbage. How it says that is what real servers do: cut characters, grammars that
ignore bounds, errors in place of answers, calls cut in two.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.project import ROOT
from shared.models import Provider
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.conftest import KEY
from tests.models.real_server.gguf import write_model


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp (llama.cpp) has no wheel for this platform")
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    return path


@pytest.fixture(scope="session")
def chat_url(model_file: Path) -> Iterator[str]:
    with serving(model_file, "chat", model_file) as url:
        yield url


@pytest.fixture(scope="session")
def embeddings_url(model_file: Path) -> Iterator[str]:
    with serving(model_file, "embeddings", model_file) as url:
        yield url


@contextmanager
def serving(model: Path, purpose: str, beside: Path) -> Iterator[str]:
    """Run a server and give its address; it ends when its input closes, so also when we do.

    Its log is written `beside` a file.
    """
    said = beside.with_suffix(f".{purpose}.log")
    command = [sys.executable, "-m", "tests.models.real_server.process", str(model), purpose, KEY]
    with said.open("wb") as log, subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        try:
            url = process.stdout.readline().strip()
            if not url:
                pytest.fail(f"llama.cpp did not start: {said.read_text()[-2000:]}")
            yield f"{url}/v1"
        finally:
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def models(chat_url: str) -> Models:
    """The model layer whose OPENAI_BASE_URL is that server; retries do not wait."""
    settings = Settings(openai_base_url=chat_url, openai_api_key=KEY)
    return Models(settings, sleep=lambda seconds: None)


@pytest.fixture(scope="session")
def tiny(models: Models) -> Provider:
    return models.provider("openai:tiny")
