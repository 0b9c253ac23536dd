"""Functions may do what they do, and nothing that they do not: the roles of template.yaml beside
the calls that the local system records (emulated: IAM's actions and resources, no conditions)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from infra.local.aws.rights import Grant
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT
from infra.local.system import System
from shared.events import Json
from tests.system.quick import shipped_template
from tests.system.test_plans import GOAL, REPOSITORY, call, comments, github
from tests.waiting import wait_for

#: Rights that no call through the local endpoint shows, by the beginning of the action, and why.
UNSEEN = {
    "logs:": "Lambda writes what a function prints",
    "sqs:ReceiveMessage": "Lambda's pollers take messages in the role of the function",
    "sqs:DeleteMessage": "and delete them",
    "sqs:GetQueueAttributes": "and ask how many there are",
    "s3:ListBucket": "without it S3 says 403, not 404, of an object that has expired",
    "Rotation secretsmanager:": "only Secrets Manager calls it; tests/infra/rotation",
    "bedrock:": "no Bedrock is local; tests/models has its wire",
}
#: Rights that a flow needs only in a case that this test does not make, and the test that does.
ELSEWHERE = {
    "sqs:ChangeMessageVisibility": "while something is away; tests/crash, tests/runtime",
    "sqs:SendMessage": "an event that no run can take; tests/runtime",
    "scheduler:CreateSchedule": "a run waits, or leaves work; tests/runtime, here at Chat alone",
    "Triage scheduler:DeleteSchedule": "who sets timers may cancel them; tests/infra",
    "Press scheduler:DeleteSchedule": "the same",
    "iam:PassRole": "with it",
    "s3:PutObject": "an event over 192 KiB is published; tests/aws/test_bus.py",
    "s3:GetObject": "an event over 192 KiB arrives; here at Triage alone",
    "ssm:PutParameter": "a token of a workspace is replaced; tests/installations",
    "ssm:DeleteParameter": "a workspace removes the app; tests/installations",
    "ssm:GetParameter": "a dialog opens in an installed workspace; tests/system/test_sign_in.py",
    "Batches sns:Publish": "a batch comes back; tests/system/test_batches.py",
    "Console sns:Publish": "an operator answers a plan; tests/web/console",
    "Control sns:Publish": "a person presses Retry; tests/stopping/test_retrying.py",
    "Errands sns:Publish": "a person says which repository is meant; tests/proposals/test_where.py",
    "Sweep sns:Publish": "a run stands still; tests/runtime",
    "Control states:StartExecution": "a plan ends whose machine is gone; tests/planning",
}


@pytest.fixture(scope="module")
def offline(data_directory: Path) -> Iterator[System]:
    models = {"MODEL_SMALL": "offline", "MODEL_LARGE": "offline", "MODEL_EMBED": "hashing"}
    with System(
        data=data_directory, environment=models, template=shipped_template(data_directory)
    ) as system:
        yield system


def _use_everything(system: System) -> None:
    """Let each flow do what it does most: events of people, of the clock, and of a large issue."""
    hub, chat, said = github(system), system.slack, "I agree. " + "🙂" * 60_000
    assert chat
    number = hub.open_issue(REPOSITORY, "Login fails", said, author="maria")
    assert wait_for(lambda: comments(system, number))
    hub.comment(REPOSITORY, number, f"/plan {GOAL}", author="maria")
    assert wait_for(lambda: any("✅ Done." in text for text in comments(system, number)))
    _plan_and(system, number, "approve", "✅ Done.")
    _undo(system, number)
    _plan_and(system, number, "stop", "⏹ Cancelled")
    _review(system)
    _errands(system)
    hub.comment(REPOSITORY, number, "/remember we deploy on Fridays", author="maria")
    hub.push(REPOSITORY, {"docs/a.md": "# Payments\n\nWe pay on Fridays.\n"})
    hub.set_private(REPOSITORY, private=True)
    ts = chat.say(SUPPORT, f"<@{BOT_USER}> hello")
    assert wait_for(lambda: any(m["user"] == BOT_USER for m in chat.thread(SUPPORT, ts)))
    assert wait_for(lambda: _fills_a_form(chat, ts))
    assert call(system, "GET", "/runs/00000000000000000000")[0] == 404
    assert urllib3.request("GET", f"{system.url}/slack/oauth_redirect").status == 200
    assert urllib3.request("GET", f"{system.url}/console/runs").status == 200
    for schedule in system.cloud.schedules:
        system.cloud.fire(schedule)
    if "Migrate" in system.cloud.functions:
        system.cloud.invoke("Migrate", {})
    assert wait_for(lambda: _is_quiet(system))


def _fills_a_form(chat: SlackSandbox, ts: str) -> bool:
    """Open a dialog from a message, again where the machine was too slow for the trigger."""
    if chat.views.dialog() is None:
        chat.views.shortcut_on("open-issue", SUPPORT, ts)
        assert chat.settle(60)
    return bool((chat.views.dialog() or {}).get("submit"))


def _review(system: System) -> None:
    """Open a pull request that is reviewed, ask why, push twice, take that back, and resolve what
    was found."""
    hub, files = github(system), {"shop/pay.py": "def pay(cart):\n    return cart == None\n"}
    pull = hub.open_pull_request(REPOSITORY, "Pay", "It.", head="pay", files=files)
    assert wait_for(lambda: hub.threads(REPOSITORY, pull))
    begun = hub.threads(REPOSITORY, pull)[0]["comments"][0]["id"]
    hub.answer(begun, "Why is that a problem?")
    assert wait_for(lambda: len(hub.threads(REPOSITORY, pull)[0]["comments"]) == 3)
    for command in ("/why-red", "/describe"):
        hub.comment(REPOSITORY, pull, command, author="maria")
    for number in range(2):
        hub.push(REPOSITORY, {f"shop/more{number}.py": "a = 1\n"}, branch="pay")
        assert hub.settle(60)  # the webhook is taken, so its event is in a queue or done
        assert wait_for(lambda: _is_quiet(system), 60)
    hub.comment(REPOSITORY, pull, "/undo", author="maria")  # the review to come
    assert wait_for(lambda: any("Took back" in text for text in comments(system, pull)))
    assert any("Cancelled a timer" in text for text in comments(system, pull)), comments(
        system, pull
    )
    hub.resolve(begun)


def _plan_and(system: System, number: int, answer: str, end: str) -> None:
    """Start a plan that asks, answer it, and wait for its end."""
    before = len(comments(system, number))

    def asked() -> list[str]:
        texts = comments(system, number)[before:]
        return [found[1] for text in texts if (found := re.search(r"/approve (\w+)", text))]

    plan = '/plan open an issue "Track it", then say "Yes"'
    github(system).comment(REPOSITORY, number, plan, author="maria")
    found = wait_for(asked)
    name = found[0] if answer == "approve" else ""
    github(system).comment(REPOSITORY, number, f"/{answer} {name}", author="maria")
    assert wait_for(lambda: any(end in text for text in comments(system, number)[before:]))


def _undo(system: System, number: int) -> None:
    """Take back what the plan did: the issue that it opened, and what it said."""
    hub = github(system)
    [opened] = [one for one in hub.issues(REPOSITORY) if one["title"] == "Track it"]
    hub.comment(REPOSITORY, number, "/undo", author="maria")
    assert wait_for(lambda: any("↩ Took back run" in text for text in comments(system, number)))
    assert hub.issue(REPOSITORY, opened["number"])["state"] == "closed"
    assert not any(text.startswith("Yes") for text in comments(system, number))


def _errands(system: System) -> None:
    """Have a reminder set and cancelled, and a pull request reviewed from Slack."""
    hub, chat = github(system), system.slack
    assert chat
    files = {"shop/cart.py": "def cart(items):\n    return items == None\n"}
    pull = hub.open_pull_request(REPOSITORY, "Cart", "It.", head="cart", files=files)
    root = chat.say(SUPPORT, f"<@{BOT_USER}> remind me in 2 hours to call")

    def said(words: str) -> Json:
        found = [m for m in chat.thread(SUPPORT, root) if words in str(m.get("blocks"))]
        return found[-1] if found else {}

    kept = wait_for(lambda: said("takes it back"))
    name = re.search(r"cancel (r-\w+)", str(kept["blocks"]))
    assert name
    chat.say(SUPPORT, f"<@{BOT_USER}> reminders cancel {name[1]}", thread_ts=root)
    assert wait_for(lambda: said("does not come"), 30), chat.thread(SUPPORT, root)
    chat.say(SUPPORT, f"<@{BOT_USER}> review #{pull}", thread_ts=root)
    asked = wait_for(lambda: said("Press a button"), 20)
    chat.click(SUPPORT, asked["ts"], "do it")
    assert wait_for(lambda: said("✅ Reviewed"))


def _is_quiet(system: System) -> bool:
    return not any(queue.waiting or queue.in_flight for queue in system.cloud.queues().values())


def test_every_right_is_needed_and_none_is_missing(offline: System) -> None:
    _use_everything(offline)
    rights = offline.cloud.rights
    assert not rights.refused, rights.refused
    kept = {**UNSEEN, **ELSEWHERE}
    unused = {
        f"{_owner(grant)} {grant.action} {grant.resource}"
        for grant in rights.grants - rights.used
        if not _is_kept(grant, kept)
    }
    assert not unused, "\n".join(sorted(unused))
    # A reason whose right is gone, or is always seen, goes too.
    left = {name for name in kept if any(_is_kept(grant, {name: ""}) for grant in rights.grants)}
    assert left == kept.keys()
    seen = {f"{_owner(grant)} {grant.action}" for grant in rights.used}
    assert not {name for name in UNSEEN if any(name in one for one in seen)}
    assert {"Triage s3:GetObject", "Ingress s3:PutObject", "Plan states:SendTaskSuccess"} <= seen
    assert {"Chat scheduler:CreateSchedule", "Chat iam:PassRole"} <= seen


def _is_kept(grant: Grant, kept: dict[str, str]) -> bool:
    names = (grant.action, f"{_owner(grant)} {grant.action}")
    return any(name.startswith(one) for name in names for one in kept)


def _owner(grant: Grant) -> str:
    """Return the name of the function whose role it is."""
    role = grant.role.partition("/agent-flows-")[2]
    return role.removesuffix("-Role").removesuffix("Flow").removesuffix("Role")
