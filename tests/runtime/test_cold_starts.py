"""What the functions of flows load when they start cold, by name and in numbers."""

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from typing import NamedTuple

import pytest

from infra.bundle.build import TemplateText
from infra.project import ROOT

_BEDROCK = {
    "MODEL_SMALL": "bedrock:amazon.nova-lite-v1:0",
    "MODEL_LARGE": "bedrock:amazon.nova-lite-v1:0",
    "MODEL_EMBED": "bedrock:amazon.titan-embed-text-v2:0",
}
_OFFLINE = {"MODEL_SMALL": "offline", "MODEL_LARGE": "offline", "MODEL_EMBED": "hashing"}
_HANDED = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "GITHUB_TOKEN": "token",
    "SLACK_BOT_TOKEN": "xoxb-token",
    "AWS_DEFAULT_REGION": "us-east-1",
}
#: What only this environment has: a bundle calls C without them.
_UNSHIPPED = {"cffi", "cython_runtime", "pycparser"}
#: SQL is split, and names are checked, when a function is built.
_USED_AT_ONCE = {
    "shared.agent.event_types._CHOSEN",
    "shared.database._BLOCK",
    "shared.models.providers.bedrock.embeddings._PROFILE",
}

_PROGRAM = """
import json, re, sys
sys.path.insert(0, sys.argv[1])
import shared.runtime.function
shared.runtime.function.handler
from shared.patterns import LazyPattern
ours = {name: one for name, one in sys.modules.items() if name.split(".")[0] in ("shared", "flows")}
held = [(name, key, value) for name, one in ours.items() for key, value in vars(one).items()]
print(json.dumps({
    "modules": sorted(sys.modules),
    "patterns": [f"{name}.{key}" for name, key, value in held
        if isinstance(value, re.Pattern)
        or isinstance(value, LazyPattern) and "search" in vars(value)],
    "generated": [f"{name}.{key}" for name, key, value in held
        if isinstance(value, type) and value.__module__ == name
        and "__dataclass_params__" in vars(value) and value.__dataclass_params__.frozen],
}))
"""


class Loaded(NamedTuple):
    """All modules of a process that is ready, the patterns that modules of ours compiled, and the
    frozen dataclasses whose methods `dataclasses` wrote."""

    modules: list[str]
    patterns: list[str]
    generated: list[str]

    @property
    def foreign(self) -> set[str]:
        """The packages beside ours and Python's."""
        tops = {name.partition(".")[0] for name in self.modules}
        named = {top for top in tops - sys.stdlib_module_names if not top.startswith("_")}
        return named - {"shared", "flows", *_UNSHIPPED}

    @property
    def rooms(self) -> Counter[str]:
        """How many modules each room of `shared` has here."""
        paths = (name.split(".") for name in self.modules if name.startswith("shared."))
        return Counter(path[1] for path in paths)


@cache
def loaded(function: str, models: str) -> Loaded:
    """Load `function` in a fresh interpreter, as Lambda does."""
    chosen = {"bedrock": _BEDROCK, "offline": _OFFLINE, "no": {}}[models]
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM, str(ROOT)],
        capture_output=True,
        check=True,
        env={**_HANDED, **chosen, "FLOW": TemplateText(ROOT).function(function).flow},
    )
    return Loaded(**json.loads(ran.stdout.splitlines()[-1]))


CASES = [("Chat", "offline"), ("Triage", "offline"), ("Retention", "no")]


@pytest.mark.parametrize(("function", "models"), [*CASES, ("Chat", "bedrock")])
def test_no_pattern_is_compiled_and_no_methods_are_generated(function: str, models: str) -> None:
    """Write `lazily(…)` (shared/patterns.py) and `@frozen` (shared/frozen.py), and build what needs
    a pattern when it is first asked for."""
    found = loaded(function, models)
    assert set(found.patterns) <= _USED_AT_ONCE
    assert set(found.generated) <= {"flows.triage.TriageVerdict"}  # as an author writes it


@pytest.mark.parametrize(
    ("function", "models", "more"),
    [
        ("Retention", "no", set()),
        ("Triage", "offline", {"urllib3", "Cryptodome"}),
        ("Chat", "offline", {"urllib3", "Cryptodome", "slack_sdk"}),
        (
            *("Chat", "bedrock"),
            {"urllib3", "Cryptodome", "slack_sdk"}
            | {"botocore", "certifi", "dateutil", "jmespath", "six"},
        ),
    ],
)
def test_a_cold_start_loads_these_packages_and_no_others(
    function: str, models: str, more: set[str]
) -> None:
    """Each costs from 2 to 150 ms: add one only with a reason, else import it where it is used."""
    always = {"pgvector", "psycopg", "psycopg_binary", "typing_extensions"}
    assert loaded(function, models).foreign == always | more


#: The rooms that a flow with no need of them stays out of.
_APART = {"fakes", "home", "planning", "reminding", "reviewing", "summarising", "testing", "web"}


@pytest.mark.parametrize(
    ("function", "models", "most", "apart"),
    [
        ("Retention", "no", 165, {"evidence", "forms"}),
        ("Triage", "offline", 210, {"evidence", "forms"}),
        ("Chat", "offline", 280, set()),
    ],
)
def test_a_cold_start_loads_a_bounded_number_of_our_modules(
    function: str, models: str, most: int, apart: set[str]
) -> None:
    """Each costs half a millisecond. Import late what few runs need; the bundle follows it."""
    rooms = loaded(function, models).rooms
    assert rooms.total() <= most, rooms
    assert not rooms.keys() & (apart | _APART)


def test_a_flow_that_asks_no_model_loads_no_platform_and_no_model_client() -> None:
    modules = set(loaded("Retention", "no").modules)
    assert not {"shared.actions.github.adapter", "shared.actions.slack.adapter", "http.client"} & (
        modules
    )
