"""A bundle holds all that its function imports, no more, compiled, and it starts."""

import importlib.metadata
import importlib.util
import marshal
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType

import chalice.app
import nacl
import pytest

from infra.bundle.build import TemplateText, build
from infra.bundle.elf import blank_debugging
from infra.bundle.imports import Trace, trace
from infra.bundle.target import BuildTarget
from infra.bundle.vendor import Vendor
from infra.project import ROOT
from shared.errors import SettingsError
from tests.campaigns import sample
from tests.function_process import alone, runtime_client, started

MACHINE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
TARGET = BuildTarget(f"python{sys.version_info.major}.{sys.version_info.minor}", MACHINE)
FLOWS = sample(["Chat", "Ingest", "Retention", "Triage"], 2)
FUNCTIONS = ["Ingress", *FLOWS, "Migrate"]

#: Values for what template.yaml hands over, all in one: a function reads what it needs.
VARIABLES = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "EVENT_TYPES": "github.issues.opened",
    "GITHUB_TOKEN": "token",
    "GITHUB_WEBHOOK_SECRET": "secret",
    "PAYLOAD_BUCKET": "payloads",
    "SLACK_BOT_TOKEN": "xoxb-token",
    "SLACK_SIGNING_SECRET": "secret",
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:events.fifo",
    "AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:1",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles are for Linux")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    for function in FUNCTIONS:
        build(function, folder / function, TARGET)
    return folder


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runtime_client(tmp_path_factory.mktemp("client"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_ships_compiled_for_its_runtime_and_unchecked(
    bundles: Path, function: str
) -> None:
    sources = list((bundles / function).rglob("*.py"))
    assert sources
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source)))
        header, code = compiled.read_bytes()[:16], marshal.loads(compiled.read_bytes()[16:])
        assert header[:4] == importlib.util.MAGIC_NUMBER, source
        assert int.from_bytes(header[4:8], "little") == 0b01, f"{source} is checked"
        assert header[8:] == importlib.util.source_hash(source.read_bytes()), source
        assert isinstance(code, CodeType)
        inside = source.relative_to(bundles / function).as_posix()
        assert code.co_filename == f"/var/task/{inside}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_of_the_project_imports_with_nothing_but_its_bundle(
    bundles: Path, function: str
) -> None:
    bundle = bundles / function
    modules = [
        ".".join(file.relative_to(bundle).with_suffix("").parts).removesuffix(".__init__")
        for top in ("flows", "shared", "infra")
        for file in (bundle / top).rglob("*.py")
    ]
    assert modules
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code, *modules],
        env=alone(bundle),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_starts_under_the_lambda_runtime(
    bundles: Path, client: Path, function: str
) -> None:
    declared = TemplateText(ROOT).function(function)
    variables = {**VARIABLES, "FLOW": declared.flow}
    with started(bundles / function, declared.handler, variables, client) as process:
        call = process.first_call()
    assert call.path.endswith("/runtime/invocation/next"), call.body


def test_the_built_ingress_answers(bundles: Path, client: Path) -> None:
    event = {
        "resource": "/health",
        "path": "/health",
        "httpMethod": "GET",
        "headers": {},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": "/health", "httpMethod": "GET"},
        "body": None,
        "isBase64Encoded": False,
    }
    with started(bundles / "Ingress", "shared.web.ingress.app", VARIABLES, client) as process:
        process.first_call()
        assert process.answer(event)["statusCode"] == 200


def test_the_ingress_ships_two_files_of_chalice_and_our_own(bundles: Path) -> None:
    bundle = bundles / "Ingress"
    assert _tops(bundle) == {"chalice", "shared", "settings.json", "configuration.txt"}
    assert {file.name for file in (bundle / "chalice").glob("*.py")} == {"__init__.py", "app.py"}
    assert not list(bundle.rglob("*.sql"))


def test_the_ingress_ships_a_chalice_that_makes_no_annotations_when_it_starts(
    bundles: Path,
) -> None:
    code = (
        "from chalice.app import Request; print(set(map(type, Request.__annotations__.values())))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=alone(bundles / "Ingress"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{<class 'str'>}\n", done.stderr
    shipped, theirs = (
        Path(file).read_text("utf-8")
        for file in (bundles / "Ingress" / "chalice" / "app.py", chalice.app.__file__)
    )
    assert shipped == f"from __future__ import annotations\n{theirs}"


def test_a_flow_ships_a_database_client_that_knows_its_version_without_metadata(
    bundles: Path,
) -> None:
    code = (
        "import sys, psycopg, psycopg_binary; print(psycopg.__version__, psycopg.pq.__impl__,"
        " psycopg_binary.__version__, 'importlib.metadata' in sys.modules)"
    )
    shown = subprocess.check_output(
        [sys.executable, "-S", "-c", code], env=alone(bundles / FLOWS[0]), text=True
    )
    version = importlib.metadata.version("psycopg")
    assert shown.split() == [version, "binary", version, "False"]


def test_a_flow_ships_the_libraries_of_its_own_platform_only(bundles: Path) -> None:
    assert "slack_sdk" in _tops(bundles / "Chat")
    assert "Cryptodome" in _tops(bundles / "Chat")  # it searches GitHub
    assert "Cryptodome" in _tops(bundles / "Triage")
    assert "slack_sdk" not in _tops(bundles / "Triage")
    assert not {"slack_sdk", "botocore", "Cryptodome"} & _tops(bundles / "Migrate")


def test_only_the_function_that_browsers_sign_in_at_ships_slacks_oauth(
    bundles: Path, tmp_path: Path
) -> None:
    """And it runs there, from its bundle alone."""
    assert not [name for name in FUNCTIONS if "slack_bolt" in _tops(bundles / name)]
    build("SignIn", tmp_path, TARGET)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from shared.web.oauth.installing import Installing\n"
        "import slack_bolt.oauth.oauth_flow as flow; print(flow.OAuthFlow.__name__, flow.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(f"OAuthFlow {tmp_path}"), done.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_bundle_holds_what_only_a_build_or_a_test_needs(bundles: Path, function: str) -> None:
    unwanted = {
        "pip",
        "setuptools",
        "wheel",
        "pytest",
        "moto",
        "chalice.cli",
        "awslambdaric",
        "bin",
    }
    assert not unwanted & _tops(bundles / function)
    assert not (bundles / function / "infra" / "local").exists()
    assert not (bundles / function / "shared/memory/embedding/minilm.py").exists()


@pytest.mark.parametrize("function", FLOWS)
def test_of_aws_only_the_services_in_use_are_described(bundles: Path, function: str) -> None:
    described = bundles / function / "botocore" / "data"
    services = {"bedrock-runtime"} | ({"bedrock", "s3"} if function == "Batches" else set())
    assert {folder.name for folder in described.iterdir() if folder.is_dir()} == services
    code = f"import botocore.session as s; [s.get_session().create_client(n) for n in {services}]"
    subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**alone(bundles / function), "AWS_DEFAULT_REGION": "eu-central-1"},
        check=True,
    )


@pytest.mark.parametrize("function", [*FLOWS, "Migrate"])
def test_the_sql_of_a_module_goes_along(bundles: Path, function: str) -> None:
    bundle = bundles / function
    shipped = {str(file.relative_to(bundle)) for file in bundle.rglob("*.sql")}
    read = {
        str(module.with_name(name).relative_to(bundle))
        for module in bundle.rglob("shared/**/*.py")
        for name in re.findall(r'queries\(__file__, "(.+?)"\)', module.read_text("utf-8"))
    }
    migrations = {str(file.relative_to(ROOT)) for file in ROOT.glob("infra/migrations/*.sql")}
    assert shipped == (migrations if function == "Migrate" else read)
    assert shipped


@pytest.mark.parametrize(("function", "most"), [("Ingress", 0.34), ("Chat", 13.3), ("Triage", 12)])
def test_a_bundle_stays_small(bundles: Path, tmp_path: Path, function: str, most: float) -> None:
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((bundles / function).rglob("*")):
            archive.write(file, file.relative_to(bundles / function))
    assert packed.stat().st_size <= most * 1e6


def test_builds_at_once_install_the_libraries_once(tmp_path: Path) -> None:
    requirements, cache = tmp_path / "requirements", tmp_path / "cache"
    _lock(requirements / "runtime", "six")
    with ThreadPoolExecutor(2) as threads:
        ready = [threads.submit(Vendor.ready, TARGET, requirements, cache) for _ in range(2)]
    for vendor in (future.result() for future in ready):
        vendor.copy({"six": "test"}, frozenset(), tmp_path / "into")
    assert len(list(cache.iterdir())) == 1
    assert (tmp_path / "into" / "six.py").exists()


def test_an_optional_part_ships_only_with_the_functions_that_name_it(tmp_path: Path) -> None:
    _lock(tmp_path / "requirements/runtime", "six")
    _lock(tmp_path / "requirements/parts/paths", "jmespath")
    _write(
        tmp_path,
        {
            "flows/a.py": "import six\ndef find():\n    import shared.find\n",
            "shared/find.py": 'import jmespath\nPART = "paths"\n',
        },
    )
    (tmp_path / "template.yaml").write_text(
        "Resources:\n"
        "  Plain:\n    Handler: flows.a.f\n"
        "  Fine:\n    Metadata: {BuildMethod: makefile, Parts: [paths]}\n    Handler: flows.a.f\n"
        "  Entry:\n    Handler: shared.find.f\n"
        "  Wrong:\n    Metadata: {BuildMethod: makefile, Parts: [pats]}\n    Handler: flows.a.f\n"
    )
    for function in ("Plain", "Fine"):
        build(function, tmp_path / function, TARGET, tmp_path)
    assert {"six.py"} <= _tops(tmp_path / "Plain")
    assert not {"jmespath", "shared"} & _tops(tmp_path / "Plain")
    assert {"six.py", "jmespath"} <= _tops(tmp_path / "Fine")
    assert (tmp_path / "Fine/shared/find.py").exists()
    with pytest.raises(SettingsError, match=r"shared\.find belongs to the part paths; add Parts: "):
        build("Entry", tmp_path / "Entry", TARGET, tmp_path)
    with pytest.raises(SettingsError, match=r"parts/pats\.txt is missing; write the \.in file"):
        build("Wrong", tmp_path / "Wrong", TARGET, tmp_path)


def test_a_runtime_without_its_python_here_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"needs python3\.99 to compile; install it, or build"):
        BuildTarget("python3.99", "x86_64").interpreter()


def test_a_library_that_pip_lacks_for_the_target_is_named(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "runtime.txt").write_text(f"six==0.0.0 --hash=sha256:{'0' * 64}\n")
    (requirements / "runtime.in").write_text("six\n")
    with pytest.raises(SettingsError, match=r"No matching distribution found for six==0\.0\.0"):
        Vendor.ready(TARGET, requirements, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_imports_are_followed_into_functions_but_not_for_type_checkers(tmp_path: Path) -> None:
    found = _trace(
        tmp_path,
        {
            "flows/a.py": "import json\nfrom shared import b\nfrom . import c, d\n",
            "flows/c.py": "import typing\nif typing.TYPE_CHECKING:\n    import github\n",
            "flows/d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import jwt\n",
            "shared/b.py": "def late():\n    import slack_sdk.web\n    import shared.deep.d\n",
            "shared/deep/d.py": "import boto3\nx = boto3.client('s3')\n",
        },
    )
    assert {"flows.a", "flows.c", "shared.b", "shared.deep", "shared.deep.d"} <= set(found.modules)
    assert found.imported == {"slack_sdk": "shared.b", "boto3": "shared.deep.d"}
    assert found.services == {"s3"}


def test_an_import_of_a_missing_module_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"flows\.a names shared\.gone, which does not exist"):
        _trace(tmp_path, {"flows/a.py": "import shared.gone\n"})


def test_an_import_that_is_not_locked_fails_the_build(tmp_path: Path) -> None:
    vendor = Vendor.ready(TARGET, ROOT / "requirements", ROOT / ".vendor")
    with pytest.raises(SettingsError, match=r"flows\.a imports numpy, which requirements/runtime"):
        vendor.copy({"numpy": "flows.a"}, frozenset(), tmp_path)


def test_a_library_loses_its_debugging_sections_and_still_loads(tmp_path: Path) -> None:
    shutil.copytree(Path(nacl.__file__).parent, tmp_path / "nacl")
    (library,) = (tmp_path / "nacl").glob("_sodium*.so")
    assert blank_debugging(library) > 1_000_000
    assert blank_debugging(tmp_path / "nacl" / "hash.py") == 0
    code = "import sys, nacl.hash as h; h.sha256(b''); print(h.__file__)"
    found = subprocess.check_output([sys.executable, "-c", code], env=alone(tmp_path), text=True)
    assert found.startswith(str(tmp_path))


def _tops(bundle: Path) -> set[str]:
    return {path.name for path in bundle.iterdir()}


def _lock(place: Path, distribution: str) -> None:
    """Ask for `distribution` in `place`.in, and lock it in `place`.txt as the project does."""
    locked = (ROOT / "requirements/runtime.txt").read_text("utf-8")
    lines = re.search(rf"^{distribution}==.*\n(?:    .*\n)*", locked, re.M)
    assert lines
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".txt").write_text(lines[0])
    place.with_suffix(".in").write_text(f"{distribution}\n")


def _trace(root: Path, content: dict[str, str]) -> Trace:
    _write(root, content)
    return trace(root, ["flows.a"])


def _write(root: Path, content: dict[str, str]) -> None:
    """Write modules, and an empty `__init__.py` into each of their packages."""
    for name, text in content.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in file.relative_to(root).parents[:-1]:
            (root / package / "__init__.py").touch()
        file.write_text(text)
