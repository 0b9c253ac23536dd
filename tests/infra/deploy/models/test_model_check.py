"""The deployment finds models that work, with boto3's real client and an emulated Bedrock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.deploy.models.catalog import BedrockCatalog
from infra.deploy.models.naming import names_in, renamed
from infra.deploy.models.trial import tried
from infra.deploy.steps.models import ModelsChosen, choose, try_all
from shared.settings import Settings
from tests.infra.deploy.models.bedrock_server import (
    HAIKU,
    NOVA,
    REGION,
    TITAN,
    EmulatedBedrock,
    emulated,
)


def chosen(bedrock: EmulatedBedrock, **settings: str) -> ModelsChosen:
    named = {name.upper(): value for name, value in settings.items()}
    return choose(named, BedrockCatalog(bedrock.client("bedrock")))


# Names


def test_names_are_found_in_chains_and_roles() -> None:
    settings = {
        "MODEL_SMALL": "openai:gpt-5.4-mini, bedrock:eu.a:0",
        "MODEL_LARGE": "offline",
        "MODEL_ROLES": "judge=bedrock:x:0,http://host/v1#name ;draft= ollama:qwen3;",
    }
    assert list(names_in(settings)) == [
        ("MODEL_SMALL", "openai:gpt-5.4-mini"),
        ("MODEL_SMALL", "bedrock:eu.a:0"),
        ("MODEL_LARGE", "offline"),
        ("MODEL_ROLES", "bedrock:x:0"),
        ("MODEL_ROLES", "http://host/v1#name"),
        ("MODEL_ROLES", "ollama:qwen3"),
    ]
    assert renamed(settings["MODEL_ROLES"], lambda name: "y").replace(" ", "") == (
        "judge=y,y;draft=y;"
    )


@pytest.mark.parametrize(
    ("named", "works"),
    [
        (NOVA, "eu.amazon.nova-lite-v1:0"),
        ("eu.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        ("us.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        ("apac.amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
        ("amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
        (HAIKU, f"eu.{HAIKU}"),
        (f"global.{HAIKU}", f"global.{HAIKU}"),
        (f"arn:aws:bedrock:{REGION}::foundation-model/{NOVA}", "eu.amazon.nova-lite-v1:0"),
        (
            f"arn:aws:bedrock:{REGION}::foundation-model/{TITAN}",
            f"arn:aws:bedrock:{REGION}::foundation-model/{TITAN}",
        ),
    ],
)
def test_a_model_becomes_one_that_can_be_called_in_the_region(
    bedrock: EmulatedBedrock, named: str, works: str
) -> None:
    found = chosen(bedrock, model_small=f"bedrock:{named}", model_large="openai:gpt-5.4")
    assert found.refused == {}
    expected = {"MODEL_SMALL": f"bedrock:{works}"} if works != named else {}
    assert found.changed == expected
    final = found.changed.get("MODEL_SMALL", f"bedrock:{named}")
    if "embed" not in named:
        result = tried("MODEL_SMALL", final, Settings(), lambda: bedrock.client("bedrock-runtime"))
        assert result.problem == ""


def test_only_the_models_of_bedrock_change_in_chains_and_roles(bedrock: EmulatedBedrock) -> None:
    found = chosen(
        bedrock,
        model_small=f"openai:gpt-5.4-mini,bedrock:{NOVA}",
        model_large="anthropic:claude-sonnet-5",
        model_embed=f"bedrock:{TITAN}@512",
        model_roles=f"judge=bedrock:us.{HAIKU};draft=ollama:qwen3",
    )
    assert found.changed == {
        "MODEL_SMALL": f"openai:gpt-5.4-mini,bedrock:eu.{NOVA}",
        "MODEL_ROLES": f"judge=bedrock:eu.{HAIKU};draft=ollama:qwen3",
    }
    assert any(f"as {REGION} wants it" in line for line in found.said)


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("amazon.nova-lite-v2:0", "is unknown to Bedrock in eu-central-1; near: amazon.nova-lite"),
        ("zzz", "is unknown to Bedrock in eu-central-1"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.x", "is in us-east-1"),
        (f"arn:aws:bedrock:{REGION}:1:application-inference-profile/none", "names no profile"),
        ("arn:aws:s3:::bucket", "is no ARN of Bedrock"),
        ("meta.llama-only-provisioned", "cannot be called on demand"),
    ],
)
def test_a_name_that_cannot_work_says_why(bedrock: EmulatedBedrock, id: str, reason: str) -> None:
    bedrock.models["meta.llama-only-provisioned"] = (("PROVISIONED",), "ACTIVE")
    found = chosen(bedrock, model_small=f"bedrock:{id}", model_large="openai:gpt-5.4")
    assert found.changed == {}
    [said] = found.refused.values()
    assert reason in said


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"regionAvailability": "NOT_AVAILABLE"}, "is not offered in eu-central-1"),
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "is not open to this account"),
        ({"agreementAvailability": {"status": "PENDING"}}, "is not open to this account"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "is not open to this account"),
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "is not allowed to these credentials"),
    ],
)
def test_a_model_that_the_account_may_not_use_says_so(
    bedrock: EmulatedBedrock, differs: dict[str, Any], reason: str
) -> None:
    bedrock.availability[NOVA] = differs
    found = chosen(bedrock, model_small=f"bedrock:{NOVA}", model_large="openai:gpt-5.4")
    assert all(reason in said for said in found.refused.values())
    assert f"bedrock:eu.{NOVA}" in found.refused


def test_a_legacy_model_and_one_that_runs_anywhere_are_noted(bedrock: EmulatedBedrock) -> None:
    bedrock.on_demand("amazon.titan-old", status="LEGACY")
    found = chosen(
        bedrock,
        model_small="bedrock:amazon.titan-old",
        model_large="bedrock:twelvelabs.pegasus-1-2-v1:0",
    )
    said = "\n".join(found.said)
    assert "amazon.titan-old is legacy" in said
    assert "may run anywhere in the world" in said


def test_an_application_profile_is_used_by_its_arn(bedrock: EmulatedBedrock) -> None:
    bedrock.own["a1b2"] = [NOVA]
    arn = bedrock.arn("application-inference-profile", "a1b2")
    for name in (f"bedrock:{arn}", f"bedrock:{arn}#amazon.nova-lite-v1:0"):
        found = chosen(bedrock, model_small=name, model_large="openai:gpt-5.4")
        assert (found.changed, found.refused) == ({}, {})
        call = tried("MODEL_SMALL", name, Settings(), lambda: bedrock.client("bedrock-runtime"))
        assert call.problem == ""
        # Only the name behind the # says what it costs.
        assert (call.cost is None) is ("#" not in name)
    assert f"POST /model/{arn}/converse" in bedrock.paths


# Proposals


def test_models_are_proposed_when_none_are_set(bedrock: EmulatedBedrock) -> None:
    found = chosen(bedrock)
    assert found.changed == {
        "MODEL_SMALL": "bedrock:eu.amazon.nova-lite-v1:0",
        "MODEL_LARGE": "bedrock:eu.amazon.nova-pro-v1:0",
        "MODEL_EMBED": f"bedrock:{TITAN}",
    }


def test_the_next_one_is_proposed_for_what_the_account_may_not_use(
    bedrock: EmulatedBedrock,
) -> None:
    bedrock.availability[NOVA] = {"authorizationStatus": "NOT_AUTHORIZED"}
    bedrock.availability["amazon.nova-pro-v1:0"] = {"regionAvailability": "NOT_AVAILABLE"}
    del bedrock.models[TITAN]
    found = chosen(bedrock, model_embed="minilm")
    assert found.changed == {
        "MODEL_SMALL": "bedrock:amazon.nova-micro-v1:0",
        "MODEL_LARGE": f"bedrock:eu.{HAIKU}",
    }


def test_nothing_is_proposed_beside_models_of_others(bedrock: EmulatedBedrock) -> None:
    assert chosen(bedrock, model_small="openai:gpt-5.4-mini").changed == {}


def test_profiles_are_read_to_the_last_page(bedrock: EmulatedBedrock) -> None:
    bedrock.profiles |= {f"eu.vendor.model-{n}": [f"vendor.model-{n}"] for n in range(7)}
    catalog = BedrockCatalog(bedrock.client("bedrock"))
    assert len(catalog.profiles) == len(bedrock.profiles)


@pytest.mark.parametrize(
    ("path", "code", "advice"),
    [
        ("/foundation-models", "AccessDeniedException", "give your credentials bedrock:List"),
        ("/inference-profiles", "ThrottlingException", "try again in a minute"),
        ("/inference-profiles", "UnrecognizedClientException", "look at your AWS credentials"),
    ],
)
def test_a_bedrock_that_does_not_say_holds_nothing_up(
    bedrock: EmulatedBedrock, path: str, code: str, advice: str
) -> None:
    bedrock.fails[path] = (400, code, "no")
    found = chosen(bedrock, model_small=f"bedrock:{NOVA}")
    assert (found.changed, found.refused) == ({}, {})
    assert advice in found.said[-1]
    assert found.said[-1].endswith("the models are tried as they are named")


def test_a_region_without_bedrock_is_said() -> None:
    with emulated() as gone:
        client = gone.client("bedrock")
    found = choose({"MODEL_SMALL": f"bedrock:{NOVA}"}, BedrockCatalog(client))
    assert "is it offered there?" in found.said[0]


# The whole


@dataclass
class Sat:
    """What the step asks of a sitting."""

    bedrock: EmulatedBedrock
    said: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.bedrock.client(service)

    def say(self, line: str) -> None:
        self.said.append(line)


def problems(
    bedrock: EmulatedBedrock, settings: Mapping[str, str], refused: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    sat = Sat(bedrock)
    found = try_all(sat, settings, Settings.from_environment(settings), refused or {})
    return found, sat.said


def test_each_model_is_called_once_and_the_cost_is_said(bedrock: EmulatedBedrock) -> None:
    small = f"bedrock:eu.{NOVA}"
    settings = {"MODEL_SMALL": small, "MODEL_LARGE": small, "MODEL_EMBED": f"bedrock:{TITAN}"}
    found, said = problems(bedrock, settings)
    assert found == []
    assert [path for path in bedrock.paths if "converse" in path] == [
        f"POST /model/eu.{NOVA}/converse"
    ]
    assert "tried 2 models for $0.000001" in said[-1]


def test_a_chain_needs_one_model_that_works(bedrock: EmulatedBedrock) -> None:
    good, bad = f"bedrock:eu.{NOVA}", "bedrock:none"
    assert problems(bedrock, {"MODEL_SMALL": f"{bad},{good}"})[0] == []
    [said] = problems(bedrock, {"MODEL_SMALL": bad, "MODEL_LARGE": good})[0]
    assert said.startswith("  MODEL_SMALL: bedrock:none: no such model")
    [said] = problems(bedrock, {"MODEL_LARGE": good}, {good: "why not"})[0]
    assert said == "  MODEL_LARGE: why not"


def test_a_busy_model_stops_no_deployment(bedrock: EmulatedBedrock) -> None:
    bedrock.fails["/converse"] = (429, "ThrottlingException", "slower")
    found, said = problems(bedrock, {"MODEL_SMALL": f"bedrock:eu.{NOVA}"})
    assert found == []
    assert any("rate limited" in line for line in said)


def test_offline_models_are_not_called(bedrock: EmulatedBedrock) -> None:
    found, said = problems(bedrock, {"MODEL_SMALL": "offline", "MODEL_EMBED": "minilm"})
    assert (found, said, bedrock.paths) == ([], [], [])
