"""What every batch provider promises, over HTTP."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import ModelError, ModelRejected, ModelUnavailable, SettingsError
from shared.models import ChatMessage, Image, ModelReply, ModelRequest, ToolSpec, Usage
from shared.models.batch import BatchItem, BatchProvider
from shared.models.batch.connect import connect
from shared.settings import Settings
from tests.models.batch.conftest import KEY
from tests.models.batch.server import Answered, BatchServer, Json

NAME = "af-20261121-101500-0a1b2c3d"
TEXT = "a stranger's secret 中文 🎉"
#: Bedrock takes no fewer.
COUNT = 100


def items(count: int = COUNT, **changes: Any) -> list[BatchItem]:
    request = replace(ModelRequest((ChatMessage("user", TEXT),)), **changes)
    return [BatchItem(f"{number:040x}", request) for number in range(count)]


def number_of(body: Json, server: BatchServer) -> int:
    """Which item of its batch a body belongs to."""
    (batch,) = server.batches
    return next(n for n, request in enumerate(batch.requests.values()) if request is body)


def outcomes(provider: BatchProvider, handle: str) -> dict[str, ModelReply | ModelError]:
    return {result.id: result.outcome for result in provider.results(handle)}


def test_each_item_gets_its_answer_at_half_the_price(
    provider: BatchProvider, server: BatchServer
) -> None:
    handle = provider.submit(NAME, items())
    assert provider.poll(handle).state == "running"
    server.end(ends=lambda body: Answered(f"answer {number_of(body, server)} {TEXT}"))

    progress = provider.poll(handle)
    found = outcomes(provider, handle)

    assert (progress.state, progress.done, progress.total) == ("ended", COUNT, COUNT)
    assert len(found) == COUNT
    costs = set()
    for number, item in enumerate(items()):
        reply = found[item.id]
        assert isinstance(reply, ModelReply)
        assert reply.text == f"answer {number} {TEXT}"
        assert reply.usage == Usage(1000, 100)
        assert reply.model == provider.name
        costs.add(reply.cost)
    prices = {"openai": 0.75 + 0.45, "anthropic": 1 + 0.5, "bedrock": 0.06 + 0.024}
    (cost,) = costs
    assert cost == pytest.approx(prices[provider.name.partition(":")[0]] / 1000 / 2)


def test_a_batch_is_found_by_our_name_among_others(
    provider: BatchProvider, server: BatchServer
) -> None:
    names = [f"{NAME}{number}" for number in range(5)]
    handles = [provider.submit(name, items()) for name in names]
    server.end()
    assert [provider.find(name) for name in names] == handles
    assert provider.find(f"{NAME}9") is None


def test_what_failed_for_a_moment_may_be_tried_again_and_what_was_refused_may_not(
    provider: BatchProvider, server: BatchServer
) -> None:
    handle = provider.submit(NAME, items())
    passing = Answered(status=503, code="overloaded_error")
    refused = Answered(status=400, code="invalid_request_error", message=TEXT)
    ends = {0: passing, 1: refused}
    server.end(ends=lambda body: ends.get(number_of(body, server), Answered()))

    found = list(outcomes(provider, handle).items())

    by_number = {int(id, 16): outcome for id, outcome in found}
    assert isinstance(by_number[0], ModelUnavailable)
    assert isinstance(by_number[1], ModelRejected)
    assert isinstance(by_number[2], ModelReply)
    assert TEXT not in str(by_number[1])


def test_what_the_batch_did_not_come_to_may_be_tried_again(
    provider: BatchProvider, server: BatchServer
) -> None:
    handle = provider.submit(NAME, items())
    late = Answered(status=429 if provider.name.startswith("bedrock") else 0)
    server.end("expired", ends=lambda body: Answered() if number_of(body, server) else late)
    assert provider.poll(handle).state == "ended"
    found = outcomes(provider, handle)
    assert isinstance(found[items()[0].id], ModelUnavailable)
    assert isinstance(found[items()[1].id], ModelReply)


def test_what_a_model_does_not_take_is_left_out_of_the_next_batch(
    provider: BatchProvider, server: BatchServer
) -> None:
    handle = provider.submit(NAME, items())
    refused = Answered(
        status=400,
        code="invalid_request_error",
        message="Unsupported value: temperature is not supported with this model.",
    )
    assert "temperature" in json.dumps(list(server.batches[0].requests.values()))
    server.end(ends=lambda body: refused)
    assert {type(outcome) for outcome in outcomes(provider, handle).values()} == {ModelUnavailable}
    provider.submit(f"{NAME}2", items())
    assert "temperature" not in json.dumps(list(server.batches[1].requests.values()))


def test_tools_schemas_and_images_travel_as_in_a_call_of_its_own(
    provider: BatchProvider, server: BatchServer
) -> None:
    picture = b64encode(b"\x89PNG\r\n").decode()
    tool = ToolSpec("look_up", "Look it up.", {"type": "object", "properties": {}})
    message = ChatMessage("user", TEXT, images=(Image("image/png", picture),))
    provider.submit(NAME, items(messages=(message,), tools=(tool,), system="Be brief."))
    body = json.dumps(next(iter(server.batches[0].requests.values())), ensure_ascii=False)
    for part in (picture, "look_up", "Be brief.", TEXT):
        assert part in body


def test_a_batch_can_be_cancelled(provider: BatchProvider, server: BatchServer) -> None:
    handle = provider.submit(NAME, items())
    provider.cancel(handle)
    assert server.batches[0].cancelled


def test_a_key_that_is_not_accepted_names_the_setting_to_look_at(
    provider: BatchProvider, server: BatchServer
) -> None:
    paths = ("POST /v1/files", "POST /v1/messages/batches", "POST /model-invocation-job")
    server.fails_before = dict.fromkeys(paths, 403)
    with pytest.raises(
        ModelRejected, match=r"OPENAI_API_KEY|ANTHROPIC_API_KEY|BATCH_ROLE_ARN"
    ) as e:
        provider.submit(NAME, items())
    assert KEY not in str(e.value)
    assert server.batches == []


def test_a_server_that_fails_may_be_asked_again(
    provider: BatchProvider, server: BatchServer
) -> None:
    handle = provider.submit(NAME, items())
    server.fails_before = {call: 503 for call, _ in server.seen if call.startswith("POST")}
    with pytest.raises(ModelUnavailable):
        provider.submit(f"{NAME}2", items())
    assert provider.poll(handle).state == "running"


def test_half_a_surrogate_does_not_stop_a_batch(
    provider: BatchProvider, server: BatchServer
) -> None:
    provider.submit(NAME, items(messages=(ChatMessage("user", "half \ud83d"),)))
    assert len(server.batches[0].requests) == COUNT


def test_a_batch_of_bedrock_has_at_least_a_hundred_records(
    bedrock: None, settings: Settings
) -> None:
    provider = connect("bedrock:amazon.nova-lite-v1:0", settings)
    assert provider.least == COUNT
    with pytest.raises(ModelRejected, match="a batch of 99 requests is too small"):
        provider.submit(NAME, items(COUNT - 1))


def test_bedrock_makes_one_job_of_two_submissions_under_one_name(
    bedrock: None, settings: Settings, server: BatchServer
) -> None:
    provider = connect("bedrock:amazon.nova-lite-v1:0", settings)
    assert provider.submit(NAME, items()) == provider.submit(NAME, items())
    assert len(server.batches) == 1


def test_bedrock_says_which_setting_leads_to_a_bucket_that_is_not_there(
    bedrock: None, settings: Settings
) -> None:
    elsewhere = settings._replace(batch_bucket="nowhere")
    provider = connect("bedrock:amazon.nova-lite-v1:0", elsewhere)
    with pytest.raises(
        ModelRejected, match=r"PutObject was refused \[NoSuchBucket\].*BATCH_BUCKET"
    ):
        provider.submit(NAME, items())


def test_anthropic_does_not_say_that_a_batch_is_lost_before_it_can_know(
    settings: Settings, server: BatchServer
) -> None:
    provider = connect("anthropic:claude-haiku-4-5", settings)
    known = provider.submit(f"{NAME}0", items(2))
    lost = provider.submit(NAME, items(2))
    server.batches[0].created -= 3600
    since = server.batches[1].created
    with pytest.raises(ModelUnavailable, match="shows when anthropic_2 has ended"):
        provider.find(NAME, since=since)
    server.end()
    before = len(server.seen)
    assert provider.find(NAME, since=since) == lost
    assert provider.find(f"{NAME}9", since=since) is None
    assert all(known not in call for call, _ in server.seen[before:])


def test_anthropic_takes_no_batch_that_is_known_for_the_lost_one(
    settings: Settings, server: BatchServer
) -> None:
    provider = connect("anthropic:claude-haiku-4-5", settings)
    known = provider.submit(f"{NAME}0", items(2))
    assert provider.find(NAME, other=[known]) is None


@pytest.mark.parametrize("name", ["offline", "ollama:llama3.2", "http://127.0.0.1:1/v1#x", "x"])
def test_a_model_without_batches_says_so(name: str, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="has no batches; write openai:…"):
        connect(name, settings, "MODEL_SMALL")


@pytest.mark.parametrize("setting", ["batch_bucket", "batch_role_arn"])
def test_bedrock_wants_a_bucket_and_a_role(setting: str, settings: Settings) -> None:
    with pytest.raises(SettingsError, match=setting.upper()):
        connect("bedrock:amazon.nova-lite-v1:0", settings._replace(**{setting: ""}))


def test_openai_says_why_a_whole_batch_failed(settings: Settings, server: BatchServer) -> None:
    provider = connect("openai:gpt-5.4-mini", settings)
    handle = provider.submit(NAME, items(2))
    server.end("failed")
    progress = provider.poll(handle)
    assert progress.state == "failed"
    assert "token_limit_exceeded" in progress.reason
