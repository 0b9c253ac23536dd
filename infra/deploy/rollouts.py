"""Which version of each function each deployment made live: what a rollback goes back to.

Lambda numbers versions and knows no deployments, and a version may have been live for a minute.
So the deployment writes down what is live after it, in the parameter /<prefix>/rollouts.
"""

import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.deploy.stack import DeployError

#: The alias that whoever calls a function calls; `AutoPublishAlias` in template.yaml.
ALIAS = "live"
#: What a parameter holds without a price.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
_MOST_BYTES = 4096

#: The number of a version, by the name of the function.
Versions = Mapping[str, str]


class Rollouts(NamedTuple):
    """`deployed` are the versions after each deployment, the oldest first, each with its time.

    `abandoned` are the versions that a rollback left, and that the stack still speaks of. `pieces`
    are digests of what functions share; see infra/deploy/pieces.py. A rollback is `unfinished`
    until all functions are back at the last of `deployed`.
    """

    deployed: tuple[tuple[str, Versions], ...] = ()
    abandoned: Versions = MappingProxyType({})
    pieces: Mapping[str, str] = MappingProxyType({})
    unfinished: bool = False

    def with_live(self, live: Versions, at: float | None = None) -> "Rollouts":
        """Note what is live after a deployment; one that changed no function is not noted."""
        if self.deployed and self.deployed[-1][1] == live:
            return self._replace(abandoned={}, unfinished=False)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
        deployed = (*self.deployed, (when, dict(live)))
        return self._replace(deployed=deployed, abandoned={}, unfinished=False)

    def before(self, live: Versions) -> tuple[str, Versions] | None:
        """Return the last deployment from which `live` differs, if one is known; while a rollback
        is unfinished, where it leads. Functions that came later are not compared."""
        known = [one for one in self.deployed if self.unfinished or differing(live, one[1])]
        return known[-1] if known else None

    def leaving(self, live: Versions, changed: Versions) -> "Rollouts":
        """Forget the deployment of `live`: nobody goes back to it.

        Of the functions of `changed`, the stack goes on to speak of the versions in `live`.
        """
        kept = tuple(one for one in self.deployed if self.unfinished or one[1] != live)
        abandoned = {**self.abandoned}
        for name in changed:  # an earlier rollback may have left a later version
            abandoned[name] = max(live[name], abandoned.get(name, "0"), key=int)
        return self._replace(deployed=kept, abandoned=abandoned, unfinished=True)

    def forgetting(self) -> "Rollouts":
        """Forget all deployments but the last: the database no longer has what they used."""
        return self._replace(deployed=self.deployed[-1:])


def differing(live: Versions, wanted: Versions) -> dict[str, str]:
    """Return which of the `wanted` versions are not live, of the functions that are there."""
    return {name: to for name, to in wanted.items() if live.get(name, to) != to}


def read(client: Any, prefix: str) -> Rollouts:
    """Read the record under `prefix` with a client of SSM; empty where there is none.

    Raises DeployError for one that somebody broke.
    """
    try:
        text = client.get_parameter(Name=_name(prefix))["Parameter"]["Value"]
    except ClientError as err:
        if err.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return Rollouts()
    try:
        found = json.loads(text)
        deployed = tuple((str(when), {**versions}) for when, versions in found["deployed"])
        unfinished = bool(found.get("unfinished"))  # older records have none
        return Rollouts(deployed, {**found["abandoned"]}, {**found["pieces"]}, unfinished)
    except (ValueError, LookupError, TypeError) as err:
        raise DeployError(
            f"parameter {_name(prefix)} is not what a deployment writes; delete it, and the next"
            " deployment begins it anew"
        ) from err


def save(client: Any, prefix: str, rollouts: Rollouts) -> None:
    """Write the record, without the oldest deployments where they are too many."""
    while len(text := _text(rollouts)) > _MOST_BYTES and len(rollouts.deployed) > 1:
        rollouts = rollouts._replace(deployed=rollouts.deployed[1:])
    client.put_parameter(Name=_name(prefix), Value=text, Type="String", Overwrite=True)


def functions(client: Any, stack: str) -> list[str]:
    """Return the names of the stack's functions, with a client of CloudFormation."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    return sorted(
        row["PhysicalResourceId"]
        for page in pages
        for row in page["StackResourceSummaries"]
        if row.get("ResourceType") == "AWS::Lambda::Function" and row.get("PhysicalResourceId")
    )


def live(client: Any, names: list[str]) -> dict[str, str]:
    """Return the live version of each function, with a client of Lambda.

    Raises DeployError while two versions share the work: that shift ends, or is led back, first.
    """
    found = {}
    for name in names:
        try:
            alias = client.get_alias(FunctionName=name, Name=ALIAS)
        except client.exceptions.ResourceNotFoundException:
            continue  # it is called without one
        if (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            raise DeployError(
                f"{name} is between two versions; wait until the deployment has ended,"
                " or stop it: aws cloudformation cancel-update-stack"
            )
        found[name] = alias["FunctionVersion"]
    return found


def check(client: Any, versions: Versions) -> None:
    """Raises DeployError when one of these versions is gone."""
    for name, version in versions.items():
        try:
            client.get_function_configuration(FunctionName=name, Qualifier=version)
        except client.exceptions.ResourceNotFoundException as err:
            raise DeployError(f"{name} has no version {version} any more; deploy it anew") from err


def lead(client: Any, versions: Versions) -> None:
    """Make these versions live."""
    for name, version in versions.items():
        client.update_alias(
            FunctionName=name, Name=ALIAS, FunctionVersion=version, RoutingConfig={}
        )


def _name(prefix: str) -> str:
    return f"/{prefix.strip('/')}/rollouts"


def _text(rollouts: Rollouts) -> str:
    kept = {
        "deployed": rollouts.deployed,
        "abandoned": dict(rollouts.abandoned),
        "pieces": dict(rollouts.pieces),
        "unfinished": rollouts.unfinished,
    }
    return json.dumps(kept, separators=(",", ":"))
