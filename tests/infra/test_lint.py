"""The templates lint clean as they are written and transformed, for many regions and partitions."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from infra.local.aws.template import load, read
from infra.project import ROOT, all_templates
from infra.quotas import values_of
from tests.campaigns import sample

TEMPLATES = [*all_templates()]
#: One where AWS has few services yet, commercial ones, GovCloud and China.
REGIONS = ["ap-southeast-5", "us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]
#: An ARN or a host that names the partition of most regions, and of no other.
_ONE_PARTITION = re.compile(r"arn:aws:\w|\.amazonaws\.com\b")
#: Where that is right: the tables of the ends of hosts, and the stand-ins for AWS on one machine,
#: which are in that partition.
_OF_ONE_PARTITION = {
    "shared/database/address.py",
    "shared/models/providers/bedrock/model.py",  # an example
    "shared/aws/signed_http.py",
    "shared/testing.py",
    "infra/configuration/checks.py",
    "infra/certify/handing.py",
}


def test_the_templates_and_what_the_transform_makes_of_them_lint_clean(tmp_path: Path) -> None:
    regions = sample(REGIONS, 1)
    for name in TEMPLATES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    transformed = [
        _transformed(name, region, tmp_path)
        for region in regions
        for name in TEMPLATES
        if "Transform" in read(ROOT / name)
    ]
    assert {file.name.partition("-")[0] for file in transformed} >= {"template", "schema"}
    # One process for all of them: most of its time it reads what AWS says of its resources.
    linted = [*(ROOT / name for name in TEMPLATES), *transformed]
    lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [lint, "--regions", *regions, "--", *map(str, linted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _transformed(name: str, region: str, folder: Path) -> Path:
    """Write what SAM makes of a template, beside those that it nests."""
    body = load(ROOT / name, values_of(ROOT / name), region).body
    # W3002: the nested templates lie here until `sam deploy` uploads them. W2001 and W7001: the
    # transform has taken from Rollout and Rollouts what it needs.
    ignored = {"ignore_checks": ["W3002", "W2001", "W7001"]}
    body.setdefault("Metadata", {})["cfn-lint"] = {"config": ignored}
    file = (folder / name).with_name(f"{Path(name).stem}-{region}.json")
    file.write_text(json.dumps(body))
    return file


def test_nothing_that_is_deployed_names_one_partition() -> None:
    files = [*map(ROOT.joinpath, [*TEMPLATES, "infra/planner.asl.json"])]
    for room in ("shared", "flows", "infra"):
        files += [file for file in (ROOT / room).rglob("*.py") if "local" not in file.parts]
    named = {
        str(file.relative_to(ROOT))
        for file in files
        if _ONE_PARTITION.search(file.read_text("utf-8"))
    }
    # Principals of services end in amazonaws.com in every partition that Lambda is in.
    assert named - set(TEMPLATES) == _OF_ONE_PARTITION
    for name in TEMPLATES:
        hosts = re.findall(r".*\.amazonaws\.com.*", (ROOT / name).read_text("utf-8"))
        assert all("Service" in line or "Principal" in line for line in hosts), hosts
        assert "arn:aws:" not in (ROOT / name).read_text("utf-8")
