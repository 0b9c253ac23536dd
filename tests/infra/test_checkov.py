"""checkov finds in the template, as an account gets it, only what infra/checkov.yaml gives reasons
for. It has an environment of its own, which ./scripts/checkov makes."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.project import ROOT
from tests.infra.evaluated import evaluated

_CHECKOV = ROOT / ".venv-checkov"


@pytest.mark.skipif(
    not (_CHECKOV / "stamp").exists(), reason="checkov is not set up; ./scripts/checkov does it"
)
def test_what_checkov_finds_has_a_reason_and_nothing_else_has(tmp_path: Path) -> None:
    resources = {
        one.name.replace("/", ""): {"Type": one.type, "Properties": one.properties}
        for one in evaluated()
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    (tmp_path / "template.json").write_text(json.dumps(template, indent=1))
    command = [str(_CHECKOV / "bin/python"), "-m", "checkov.main", "--directory", str(tmp_path)]
    command += ["--framework", "cloudformation", "--output", "json", "--compact", "--quiet"]
    done = subprocess.run(
        [*command, "--skip-download"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"},
    )
    report = json.loads(done.stdout)
    assert report["summary"]["resource_count"] >= len(resources), done.stderr
    found = {(one["check_id"], one["check_name"]) for one in report["results"]["failed_checks"]}
    kept = yaml.safe_load((ROOT / "infra/checkov.yaml").read_text("utf-8"))
    assert {id for id, _ in found} == set(kept), sorted(found)
    assert all(len(reason) > 20 for reason in kept.values())
