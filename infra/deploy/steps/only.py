"""Updates one or several flows, and leaves the rest of the stack as it is deployed.

The stack's own template is taken, as CloudFormation has it, with the address of these flows' code
changed. So nothing else can change, and CloudFormation, CodeDeploy and a rollback know of it.
"""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from infra.bundle.build import build
from infra.bundle.target import BuildTarget
from infra.deploy import pieces, rollouts, states
from infra.deploy.declared import title_of
from infra.deploy.stack import DeployError
from infra.deploy.steps import rollback
from infra.deploy.steps.step import Sitting
from shared.aws.signed_http import host_of

#: The time that files in a bundle carry, so that the same code is the same bundle.
_WHEN = (1980, 1, 1, 0, 0, 0)
_CODE = re.compile(r"(^ +CodeUri: ['\"]?)(s3://[^\s'\"]+)", re.MULTILINE)


def run(sitting: Sitting, names: Sequence[str]) -> None:
    """Update the flows `names`; raises DeployError when more than these flows must change."""
    place = sitting.place
    rollback.check_there(sitting)
    settings = sitting.deployed
    _check_pieces(sitting, settings)
    stack, client = place.stack, sitting.client("cloudformation")
    template = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    text = template if isinstance(template, str) else json.dumps(template, indent=1)
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
    target = BuildTarget(
        given.get("Runtime", place.runtime), given.get("Architecture", place.architecture)
    )
    for name in names:
        text = _with_code(sitting, text, title_of(name), target, {**settings, **given})
    if text == template:
        sitting.say(f"{', '.join(names)}: this very code is deployed")
        return
    _update(sitting, text, [*given])
    rollback.after_deployment(sitting, settings)


def _check_pieces(sitting: Sitting, settings: Mapping[str, str]) -> None:
    known = rollouts.read(sitting.client("ssm"), sitting.place.prefix)
    if known.abandoned:
        raise DeployError("the functions are rolled back; go forward with ./scripts/deploy")
    if differ := pieces.changed(known.pieces, pieces.digests(settings)):
        raise DeployError(
            f"{', '.join(differ)}: changed since the last deployment, which other functions see;"
            " take ./scripts/deploy without --only"
        )


def _with_code(
    sitting: Sitting, text: str, function: str, target: BuildTarget, settings: Mapping[str, str]
) -> str:
    """Upload the bundle of a function beside its deployed one; return the template with it."""
    block = re.search(rf"^  {function}:\n(?:(?:   .*)?\n)+", text, re.MULTILINE)
    code = _CODE.search(block[0]) if block else None
    if block is None or code is None:
        raise DeployError(f"{sitting.place.stack} has no function {function}; deploy it first")
    bundle = _bundle(function, target, settings)
    address = _upload(sitting, code[2], bundle, "zip")
    sitting.say(f"{function}: {len(bundle) / 1e6:.1f} MB for {target.runtime}")
    changed = block[0].replace(code[2], address, 1)
    return text[: block.start()] + changed + text[block.end() :]


def _bundle(function: str, target: BuildTarget, settings: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "bundle"
        build(function, into, target, settings=settings)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(one for one in into.rglob("*") if one.is_file()):
                entry = zipfile.ZipInfo(str(file.relative_to(into)), _WHEN)
                entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
    return packed.getvalue()


def _upload(sitting: Sitting, beside: str, content: bytes, ending: str) -> str:
    """Put content into the bucket and the folder of an object; return its address there."""
    bucket, _, key = beside.removeprefix("s3://").partition("/")
    folder = key.rpartition("/")[0]
    name = f"{sha256(content).hexdigest()[:32]}.{ending}"
    key = f"{folder}/{name}" if folder else name
    sitting.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def _update(sitting: Sitting, text: str, parameters: Sequence[str]) -> None:
    """Update the stack to this template, with the parameters that it has."""
    client, stack = sitting.client("cloudformation"), sitting.place.stack
    code = _CODE.search(text)
    assert code  # each function has one
    address = _upload(sitting, code[2], text.encode(), "template").removeprefix("s3://")
    rows = [{"ParameterKey": name, "UsePreviousValue": True} for name in parameters]
    client.update_stack(
        StackName=stack,
        TemplateURL=f"https://{host_of('s3', sitting.place.region)}/{address}",
        Parameters=rows,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    sitting.say("updating; an alarm of the new version leads back to the one before")
    states.wait(client, stack, "stack_update_complete", "is as it was")
