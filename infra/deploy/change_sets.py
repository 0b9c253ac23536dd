"""What a deployment would change of the stack: a change set of CloudFormation, read and deleted."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.deploy.stack import DeployError

#: What every new version of a function changes as well.
_FOLLOWS = ("AWS::Lambda::Version", "AWS::Lambda::Alias")
_VERBS = {"Add": "adds", "Modify": "changes", "Remove": "removes", "Import": "imports"}


class Change(NamedTuple):
    """`replaced` tells that the resource is made anew, and what it held is lost."""

    action: str
    kind: str
    name: str
    replaced: bool = False
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"{_VERBS.get(self.action, self.action)} {self.kind} {self.name}"
        of = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{what}{of}{': MADE ANEW, what it holds is lost' if self.replaced else ''}"


def planned(client: Any, stack: str, plan: Callable[[], None]) -> list[Change]:
    """Return what the change set that `plan` makes would change; none when there is nothing.

    The change set is deleted, also where planning failed, and with it a stack that is there for it
    alone. Raises DeployError when somebody else plans meanwhile: theirs is left alone.
    """
    before = _change_sets(client, stack)
    try:
        plan()
        ours = _change_sets(client, stack) - before
        if len(ours) > 1:
            raise DeployError(f"another deployment of {stack} begins; try again when it has ended")
        return [change for name in ours for change in _changes(client, stack, name)]
    finally:
        ours = _change_sets(client, stack) - before
        if len(ours) == 1:
            _delete(client, stack, ours)


def without_versions(changes: list[Change]) -> list[Change]:
    """Leave out what only follows from other changes: versions, aliases."""
    return [change for change in changes if change.kind not in _FOLLOWS]


def _change_sets(client: Any, stack: str) -> set[str]:
    try:
        pages = client.get_paginator("list_change_sets").paginate(StackName=stack)
        return {one["ChangeSetName"] for page in pages for one in page["Summaries"]}
    except ClientError as err:
        if "does not exist" not in str(err):
            raise
        return set()


def _changes(client: Any, stack: str, name: str) -> Iterator[Change]:
    token: dict[str, str] = {}
    while True:
        page = client.describe_change_set(StackName=stack, ChangeSetName=name, **token)
        if page["Status"] == "FAILED" and not _is_empty(page.get("StatusReason", "")):
            raise DeployError(f"CloudFormation cannot plan it: {page.get('StatusReason')}")
        for row in page.get("Changes", []):
            if changed := row.get("ResourceChange"):
                yield _change(changed)
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def _change(row: dict[str, Any]) -> Change:
    targets = (detail.get("Target", {}) for detail in row.get("Details", []))
    properties = {target.get("Name") or target.get("Attribute", "") for target in targets}
    return Change(
        row["Action"],
        row["ResourceType"],
        row["LogicalResourceId"],
        row.get("Replacement") == "True",
        tuple(sorted(properties - {""})),
    )


def _is_empty(reason: str) -> bool:
    return "didn't contain changes" in reason or "No updates are to be performed" in reason


def _delete(client: Any, stack: str, names: set[str]) -> None:
    for name in names:
        client.delete_change_set(StackName=stack, ChangeSetName=name)
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError:
        return
    if names and found[0]["StackStatus"] == "REVIEW_IN_PROGRESS":
        client.delete_stack(StackName=stack)
