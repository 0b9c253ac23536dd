"""What people do in the sandboxes, a deed after the other, until one wakes the flow."""

import json
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple

from infra.certify.world import World, wanted
from infra.local.samples import BODY, QUESTION, REPOSITORY, TITLE
from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, SUPPORT
from shared.errors import EventError, SettingsError
from shared.events import PUBLIC, Actor, Event, Json
from shared.perception.commands import COMMANDS

Deed = Callable[[], object]

_README = {"README.md": "# Shop\n\nThe shop sells tea.\n"}
_WISHES = {
    ".github/agent-flows.yml": "explain: {when: opened, into: body}\n",
    "AGENTS.md": "Money is in cents.\n",
}
_CODE = "def total(items=[]):\n    items.sort()\n    return sum(items)\n"
_LOG = "1 passed\nERROR: total: items is no list\n##[error]Process completed with exit code 1.\n"
#: Commands about pull requests.
_ON_PULLS = frozenset({"describe", "improve", "review", "why-red"})
_TOLD = "The checkout is deployed on Tuesdays, at 10."


def happened(world: World, types: Collection[str]) -> Event:
    """Let the story go on until it makes an event of one of the types, and keep that moment; raises
    SettingsError when it makes none."""
    for type_ in types:
        if type_.startswith("schedule."):
            world.furnish()
            world.keep()
            return scheduled(type_)
    for deed in _deeds(world):
        deed()
        if events := [event for event in world.events() if event.type in types]:
            world.keep()
            return events[0]
    raise SettingsError(
        f"no sample makes an event of {', '.join(types)}; give one with --event FILE"
    )


class Delivered(NamedTuple):
    """A delivery: GitHub's name of the event, empty for Slack or where nobody said, its id, and its
    body."""

    event: str
    id: str
    body: bytes


def delivered(world: World, given: Delivered) -> Event:
    """Make the event of a delivery, with its place in the sandboxes, and keep that moment. Raises
    SettingsError for one that the flow does not want, or that is no delivery."""
    try:
        payload = json.loads(given.body)
    except ValueError as err:
        raise SettingsError("the file holds no delivery; its body is no JSON") from err
    names = [given.event] if given.event else world.github_events()
    headers: list[Json] = [
        {"x-github-event": name, "x-github-delivery": given.id} for name in names
    ]
    is_slack = isinstance(payload, dict) and {"event", "team_id"} <= payload.keys()
    tries = [("/slack/events", {})] if is_slack else [("/github", header) for header in headers]
    found, reason = [], "no platform sends it"
    for path, header in tries:
        try:
            found.append(world.perceived(path, given.body, header))
        except EventError as err:
            reason = str(err)
    if not found:
        raise SettingsError(f"the file holds no delivery that can be read: {reason}")
    event = next((one for one in found if one.type in world.flow.types), found[0])
    wanted(world.flow, event.type)
    world.place(event)
    world.keep()
    return event


def scheduled(type_: str) -> Event:
    """Return an event of the clock, as infra/schedule.yaml makes it."""
    name, at = type_.partition(".")[2], "2026-11-30T02:00:00Z"
    return Event.from_json(
        Event(
            id=f"{type_}:{at}",
            type=type_,
            source="schedule",
            tenant="schedule",
            conversation=type_,
            actor=Actor("scheduler", name, role="none"),
            text="",
            url="",
            payload={},
            audience=PUBLIC,
            depth=0,
            received_at=1_796_004_000.0,
        ).to_json()
    )


def _deeds(world: World) -> Iterator[Deed]:
    yield from _on_github(world)
    yield from _in_slack(world)


def _on_github(world: World) -> Iterator[Deed]:
    hub, shop = world.github, REPOSITORY
    yield partial(hub.push, shop, {**_README, **_WISHES})
    yield partial(hub.open_issue, shop, TITLE, BODY)
    yield partial(hub.comment, shop, 1, _TOLD)
    comment = hub.issue(shop, 1)["comments"][0]["id"]
    yield partial(hub.edit_comment, comment, f"{_TOLD} Ada knows how.")
    yield partial(hub.edit_issue, shop, 1, body=f"{BODY}\n\nIt happens in Firefox too.")
    yield partial(hub.edit_issue, shop, 1, labels=["bug"])
    yield partial(hub.assign, shop, 1, "li")
    yield partial(hub.edit_issue, shop, 1, state="closed")
    yield partial(hub.edit_issue, shop, 1, state="open")
    change = {"checkout.py": _CODE}
    yield partial(hub.open_pull_request, shop, "Begin with a total", BODY, files=change)
    head = hub.branches(shop)["change"]
    yield partial(hub.check, shop, head, "unit tests", "failure", log=_LOG)
    for command in COMMANDS:
        about = 2 if command in _ON_PULLS else 1
        yield partial(hub.comment, shop, about, f"/{command} the checkout")
    yield partial(hub.push, shop, {"checkout.py": f"{_CODE}# checked\n"}, branch="change")
    yield partial(hub.merge_pull_request, shop, 2)
    yield partial(hub.delete_comment, comment)
    yield partial(hub.set_private, shop, private=True)
    yield partial(hub.set_private, shop, private=False)
    yield partial(hub.delete_branch, shop, "change")


def _in_slack(world: World) -> Iterator[Deed]:
    slack = world.slack
    yield partial(slack.say, SUPPORT, f"<@{BOT_USER}> {QUESTION}")
    yield partial(slack.say, ALICE, QUESTION)
    yield partial(slack.say, SUPPORT, _TOLD, BOB)
    [told] = [one["ts"] for one in slack.messages(SUPPORT) if one.get("text") == _TOLD]
    yield partial(slack.say, SUPPORT, "Thank you.", ALICE, told)
    yield partial(slack.react, SUPPORT, told, "octagonal_sign")
    yield partial(slack.react, SUPPORT, told, "eyes")
    yield partial(slack.edit, SUPPORT, told, f"{_TOLD} Ada knows how.", BOB)
    for command in COMMANDS:
        yield partial(slack.say, SUPPORT, f"<@{BOT_USER}> {command} the checkout")
        yield partial(slack.command, f"/{command}", "the checkout", SUPPORT)
    yield partial(slack.workspace.open_home, ALICE)
    yield partial(slack.workspace.open_home, ALICE, "messages")
    yield partial(slack.delete, SUPPORT, told)
