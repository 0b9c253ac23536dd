"""The settings in a bundle: those that its code reads, no other and no secret."""

import json
from pathlib import Path

import pytest

from infra.bundle.build import TemplateText
from infra.bundle.imports import trace
from infra.bundle.settings import read_deployment, settings_read, write_settings
from infra.configuration.destinations import DEPLOYED
from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.secret_settings import SECRET_FIELDS
from infra.project import ROOT
from shared.errors import SettingsError
from shared.settings import Settings, bundled

#: A deployment in which all is set, also what no deployment should have.
ALL = {field.upper(): f"of {field}" for field in Settings._fields}
FUNCTIONS = ["Ingress", "Runs", "Migrate", "Chat", "Triage", "Memory", "Retention", "Uninstall"]


def written(function: str, into: Path) -> dict[str, str]:
    template = TemplateText(ROOT)
    entries = template.function(function).entries
    write_settings(trace(ROOT, entries).modules, ALL, template.event_types, into)
    found: dict[str, str] = json.loads((into / "settings.json").read_text())
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_bundle_holds_the_settings_that_its_code_reads_and_no_secret(
    function: str, tmp_path: Path
) -> None:
    found = written(function, tmp_path)
    read = settings_read(*TemplateText(ROOT).function(function).entries)
    expected = {name.lower() for name in read & DEPLOYED} | {"event_types"} & {
        name.lower() for name in read
    }
    assert found.keys() == expected
    assert not found.keys() & (SECRET_FIELDS | {name.lower() for name in OF_DEPLOYMENT}) - {
        "event_types"
    }
    assert list(found) == sorted(found)


def test_a_changed_setting_changes_only_the_bundles_that_read_it(tmp_path: Path) -> None:
    assert "repositories" in written("Ingress", tmp_path)
    assert "repositories" in written("Chat", tmp_path)
    assert "repositories" not in written("Migrate", tmp_path)
    assert "github_api_url" in written("Triage", tmp_path)
    assert "slack_api_url" not in written("Triage", tmp_path)
    assert written("Migrate", tmp_path) == {}


def test_the_ingress_and_help_know_the_event_types_of_all_flows(tmp_path: Path) -> None:
    for function in ("Ingress", "Memory"):
        types = written(function, tmp_path)["event_types"].split(",")
        assert {"slack.app_mention", "github.push", "api.command.plan"} <= {*types}
        assert len(types) == len({*types})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_build_without_a_deployment_has_defaults(function: str, tmp_path: Path) -> None:
    template = TemplateText(ROOT)
    modules = trace(ROOT, template.function(function).entries).modules
    write_settings(modules, {}, template.event_types, tmp_path)
    assert json.loads((tmp_path / "settings.json").read_text()).keys() <= {"event_types"}


def test_a_function_reads_them_where_lambda_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    assert bundled() == {}
    (tmp_path / "settings.json").write_text('{"footer": "öff", "of_another_version": "x"}', "utf-8")
    assert bundled() == {"footer": "öff"}
    assert Settings.from_environment().footer == "öff"
    monkeypatch.setenv("FOOTER", "on")
    assert Settings.from_environment().footer == "on"
    assert Settings.from_environment({}).footer == "on"  # not this process's


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_file_of_settings_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content)
    for file in (tmp_path / "s.json", tmp_path / "none.json"):
        with pytest.raises(SettingsError, match="holds no settings"):
            read_deployment(file)
