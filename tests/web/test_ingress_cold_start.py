"""The modules that the front door loads when it starts cold."""

import json
import subprocess
import sys
import tomllib

from infra.project import ROOT
from shared import __version__

_OURS = {"shared", "chalice"}
_PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import shared.web.ingress
shared.web.ingress.app
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _loaded(more: str = "") -> set[str]:
    """Return the modules that a fresh interpreter loads to build the function, and `more`."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM.replace("print(", f"{more}\nprint("), str(ROOT)],
        capture_output=True,
        check=True,
        env={},
    )
    return set(json.loads(ran.stdout))


def test_cold_start_loads_only_a_few_small_files_of_ours() -> None:
    """Each costs every cold start: add one only with a reason, and measure it."""
    ours = {name for name in _loaded() if name.partition(".")[0] in _OURS}
    assert ours == {
        "chalice",
        "chalice.app",
        "shared.web.ingress",
        "shared",
        "shared.aws",
        "shared.web",
        "shared.aws.root_certificates",
        "shared.aws.bus",
        "shared.aws.cold_start",
        "shared.aws.secrets",
        "shared.errors",
        "shared.events",
        "shared.log",
        "shared.marks",
        "shared.metrics",
        "shared.patterns",
        "shared.perception",
        "shared.web.api_requests",
        "shared.web.responses",
        "shared.perception.commands",
        "shared.perception.sentences",
        "shared.perception.github",
        "shared.perception.slack",
        "shared.perception.slack_payloads",
        "shared.perception.slack_words",
        "shared.settings",
        "shared.aws.signed_http",
    }


def test_a_press_loads_the_forms_and_nothing_else() -> None:
    more = "import shared.web.dialogs"
    new = _loaded(more) - _loaded()
    assert {name for name in new if name.startswith("shared")} == {
        "shared.forms",
        "shared.forms.showing",
        "shared.forms.submission",
        "shared.forms.table",
        "shared.installations",
        "shared.web.dialogs",
        "shared.web.workspace_tokens",
        "shared.aws.parameters",
    }
    heavy = {"asyncio", "dataclasses", "datetime", "email", "http", "inspect", "slack_sdk"}
    assert heavy.isdisjoint(name.partition(".")[0] for name in new)


def test_the_garbage_collector_works_again_once_all_is_loaded() -> None:
    for module in ("shared.web.ingress", "shared.runtime.function"):
        code = f"import gc, {module}; print(gc.isenabled(), gc.get_freeze_count() > 0)"
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert ran.stdout == "True True\n"


def test_cold_start_loads_no_other_package_and_nothing_heavy() -> None:
    packages = {name.partition(".")[0] for name in _loaded()}
    assert packages - _OURS <= sys.stdlib_module_names
    heavy = {"asyncio", "boto3", "dataclasses", "email", "http", "inspect", "stringprep", "uuid"}
    assert heavy.isdisjoint(packages)


def test_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
