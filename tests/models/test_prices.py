"""What calls cost, that an unknown price is no price, and that one's own prices come first."""

import json
import threading

import pytest

from shared.errors import SettingsError
from shared.models import ChatMessage, Image, ModelRequest, ToolCall, ToolSpec, Usage
from shared.models.prices import Prices, most_tokens
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import Says, ScriptedServer

MILLION = Usage(1_000_000, 1_000_000)
SMALL = Usage(100_000, 0)
HELLO = ModelRequest((ChatMessage("user", "Hello"),))


@pytest.mark.parametrize(
    ("name", "usage", "dollars"),
    [
        ("openai:gpt-5.4-mini", MILLION, 5.25),
        ("openai:gpt-4.1-2025-04-14", MILLION, 10.0),
        ("anthropic:claude-haiku-4-5-20251001", MILLION, 6.0),
        ("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", MILLION, 6.0),
        ("bedrock:amazon.nova-micro-v1:0", MILLION, 0.175),
        ("bedrock:us-gov.amazon.nova-micro-v1:0", MILLION, 0.175),
        (
            "bedrock:arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-micro-v1:0",
            MILLION,
            0.175,
        ),
        ("openai:text-embedding-3-small", Usage(1_000_000), 0.02),
        ("bedrock:amazon.titan-embed-text-v2:0", Usage(1_000_000), 0.02),
        ("bedrock:us.cohere.embed-v4:0", Usage(1_000_000), 0.12),
        ("anthropic:claude-haiku-5-5", SMALL, 0.01),
        ("anthropic:claude-haiku-5-5", Usage(200_000, 0), 0.1),
        ("anthropic:claude-opus-5-5", Usage(1_000_000, 0, 1_000_000), 0.2),
        ("openai:gpt-5.4-mini", Usage(), 0.0),
        ("offline", MILLION, 0.0),
    ],
)
def test_known_models_have_their_price(name: str, usage: Usage, dollars: float) -> None:
    assert Prices().cost(name, usage) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-5.4-pro",
        "openai:gpt-5.4-mini-high",
        "openai:gpt-5",
        "openai:gpt-4.12",
        "ollama:llama3.2",
        "http://127.0.0.1/v1#gpt-5.4",
        "anthropic:claude-opus-5-6",
    ],
)
def test_a_model_that_only_looks_alike_has_none(name: str) -> None:
    assert Prices().cost(name, MILLION) is None
    assert Prices().ceiling(name, HELLO) is None


def test_an_exact_name_beats_a_prefix_and_a_prefix_the_table() -> None:
    prices = Prices(
        "openai:gpt*=3/0/0; openai:gpt-5.4-mini = 1/2/0.5 ;openai:*=2/0/0;;"
        "http://127.0.0.1/v1?a=b#模型=7/0/0"
    )
    usage = Usage(1_000_000)
    assert prices.cost("openai:gpt-5.4-mini", Usage(1_000_000, 500_000, 400_000)) == 1.8
    assert prices.cost("openai:gpt-5.4-mini-high", usage) == 3
    assert prices.cost("openai:other", usage) == 2
    assert prices.cost("http://127.0.0.1/v1?a=b#模型", usage) == 7
    assert prices.cost("anthropic:claude-haiku-4-5", usage) == 1
    assert Prices("*=9/0/0").cost("anthropic:claude-haiku-4-5", usage) == 9


def test_a_price_of_nothing_is_a_price() -> None:
    prices = Prices("ollama:*=0/0/0")
    assert prices.cost("ollama:qwen3", MILLION) == 0
    assert prices.ceiling("ollama:qwen3", HELLO) == 0


@pytest.mark.parametrize(
    "part",
    [
        "openai:m",
        "openai:m=",
        "openai:m=1/2",
        "openai:m=1/2/3/4",
        "openai:m=1//3",
        "openai:m=1/-2/3",
        "openai:m=nan/2/3",
        "openai:m=1/inf/3",
        "openai:m=1/1e300/3",
        "openai:m=$1/$2/$3",
        "=1/2/3",
        "open*ai:m=1/2/3",
        "known=4/5/6",
    ],
)
def test_a_malformed_price_is_named(part: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Prices(f"known=1/2/3;{part};unnamed=1/2/3")
    assert repr(part) in str(caught.value)
    assert "name=input/output/cached" in str(caught.value)
    assert "unnamed" not in str(caught.value)


@pytest.mark.parametrize("name", ["openai:gpt-5.4-mini", "openai:own", "offline"])
def test_providers_cost_what_the_settings_say(name: str, server: ScriptedServer) -> None:
    settings = Settings(
        openai_base_url=f"{server.url}/v1", openai_api_key="k", model_prices=f"{name}=0/1000000/0"
    )
    if name != "offline":
        server.says(Says("Hello"))
    reply = Models(settings).reply(name, HELLO, timeout=5)
    assert reply.cost == reply.usage.output > 0


def test_an_unknown_price_is_logged_once_per_name(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        for name in ("openai:nobody-1", "openai:nobody-2"):
            assert Prices().cost(name, MILLION) is Prices().ceiling(name, HELLO) is None

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["model"] for line in lines) == ["openai:nobody-1", "openai:nobody-2"]
    assert all("MODEL_PRICES" in line["message"] for line in lines)


def test_a_ceiling_counts_every_part_of_a_request() -> None:
    prices = Prices("m=1000000/0/0")

    def tokens(request: ModelRequest) -> float:
        return prices.ceiling("m", request) or 0

    bare = tokens(ModelRequest(()))
    long = "x" * 5_000
    call = ToolCall("1", "look", {"at": long})
    for grown in (
        ModelRequest((), system=long),
        ModelRequest((ChatMessage("user", long),)),
        ModelRequest((ChatMessage("assistant", calls=(call,)),)),
        ModelRequest((), tools=(ToolSpec("look", long, {}),)),
        ModelRequest((), tools=(ToolSpec("look", "", {"description": long}),)),
        ModelRequest((), schema={"description": long}),
        ModelRequest((ChatMessage("user", images=(Image("image/png", "aaaa"),)),)),
    ):
        assert tokens(grown) >= bare + 5_000
    assert tokens(ModelRequest((ChatMessage("user", "登录" * 1_000),))) >= bare + 2_000


def test_a_ceiling_counts_the_longest_answer_and_the_dearest_tier() -> None:
    answer = ModelRequest((), max_tokens=1_000_000)
    assert Prices("m=0/3/0").ceiling("m", answer) == 3
    name, long = "anthropic:claude-haiku-5-5", ModelRequest((ChatMessage("user", "x" * 200_000),))
    assert (Prices().ceiling(name, long) or 0) > 200_000 * 0.5e-6
    # A cached token that is dearer than a fresh one may be what the provider counts.
    assert (Prices("m=0/0/1000000").ceiling("m", HELLO) or 0) > 1


def test_a_server_that_counts_more_cached_than_read_earns_nobody_money() -> None:
    assert Prices("m=1/0/0.1").cost("m", Usage(10, 0, 1_000_000)) == pytest.approx(1e-6)


@pytest.mark.parametrize("text", ["", "plain", "登录 🚀", "\ud83d and \0", "12345" * 1_000])
def test_a_text_makes_at_most_a_token_per_byte(text: str) -> None:
    tokens = most_tokens(ModelRequest((ChatMessage("user", text),))) - most_tokens(HELLO)
    assert tokens == len(text.encode("utf-8", "replace")) - len("Hello")


def test_writing_to_a_prefix_cache_costs_a_quarter_more_at_claude() -> None:
    written = Usage(1_000_000, 0, 0, written=400_000)
    assert Prices().cost("anthropic:claude-haiku-4-5", written) == pytest.approx(1.1)
    assert Prices().cost("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", written) == (
        pytest.approx(1.1)
    )
    assert Prices().cost("openai:gpt-4.1", written) == pytest.approx(2)
    prices = Prices("claude=4/0/0;other=4/0/0")
    dearer, plain = prices.ceiling("claude", HELLO), prices.ceiling("other", HELLO)
    assert dearer == pytest.approx(1.25 * (plain or 0))
