"""The server that takes batches, settings that lead to it, and each provider in front of it."""

from collections.abc import Iterator

import boto3
import pytest

from shared.database import OPERATOR, Database
from shared.models.batch import BatchProvider
from shared.models.batch.connect import connect
from shared.settings import Settings
from tests.models.batch.batch_runner import BatchRunner
from tests.models.batch.server import BatchServer
from tests.moto_server import moto_server

#: What no error message may show.
KEY = "sk-test-0123456789"

NAMES = {
    "openai": "openai:gpt-5.4-mini",
    "anthropic": "anthropic:claude-haiku-4-5",
    "bedrock": "bedrock:amazon.nova-lite-v1:0",
}


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as server:
        yield server


@pytest.fixture
def settings(server: BatchServer) -> Settings:
    return Settings(
        model_small="openai:gpt-5.4-mini",
        openai_base_url=f"{server.url}/v1",
        openai_api_key=KEY,
        anthropic_base_url=server.url,
        anthropic_api_key=KEY,
        batch_bucket="batches",
        batch_role_arn="arn:aws:iam::123456789012:role/batches",
    )


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def bedrock(server: BatchServer, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bedrock's control plane is the scripted server, S3 is moto's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server.s3 = boto3.client("s3")
    server.s3.create_bucket(Bucket="batches")
    yield
    server.s3.close()


@pytest.fixture(params=list(NAMES))
def provider(request: pytest.FixtureRequest, settings: Settings) -> BatchProvider:
    """Each provider."""
    if request.param == "bedrock":
        request.getfixturevalue("bedrock")
    return connect(NAMES[request.param], settings)


@pytest.fixture
def runner(database_url: str, settings: Settings) -> Iterator[BatchRunner]:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        yield BatchRunner(database, settings, database_url)
