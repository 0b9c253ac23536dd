"""What was done without a text, as events tell it, and which recorded effect did it."""

import json
from typing import Any

import pytest

from shared.events import Event, Json
from shared.marks import branch_of, mark_of
from shared.perception import github, slack
from shared.perception.deeds import Deed, deed
from tests.events.published import github_delivery, slack_requests

KEY, OTHER, SHA = "ab" * 32, "cd" * 32, "1" * 40
HERE = "Codertocat/Hello-World"
BRANCH = branch_of(KEY)
NOW = 4_000_000_000.0


def heard(event: str, action: str = "", **changes: Any) -> Event:
    payload = github_delivery(event, action).payload
    for name, value in changes.items():
        payload[name] = payload[name] | value if isinstance(value, dict) else value
    headers = {"x-github-event": event, "x-github-delivery": "d1"}
    return github.to_event(json.dumps(payload).encode(), headers, {}, NOW)


@pytest.mark.parametrize(
    ("event", "target", "value", "commit"),
    [
        (heard("issues", "labeled", label={"name": "bug"}), f"{HERE}#1", "bug", ""),
        (heard("pull_request", "labeled", label={"name": "bug"}), f"{HERE}#2", "bug", ""),
        (heard("issues", "assigned", assignee={"login": "li"}), f"{HERE}#1", "li", ""),
        (heard("pull_request", "assigned", assignee={"login": "li"}), f"{HERE}#2", "li", ""),
        (heard("create", ref=BRANCH), HERE, BRANCH, ""),
        (heard("push", ref=f"refs/heads/{BRANCH}", created=True, after=SHA), HERE, BRANCH, ""),
        (heard("push", ref=f"refs/heads/{BRANCH}", created=False, after=SHA), HERE, BRANCH, SHA),
        (
            heard("check_suite", "requested", check_suite={"head_branch": BRANCH, "head_sha": SHA}),
            HERE,
            BRANCH,
            SHA,
        ),
        (
            heard(
                "check_run",
                "created",
                check_run={"check_suite": {"head_branch": BRANCH}, "head_sha": SHA},
            ),
            HERE,
            BRANCH,
            SHA,
        ),
        (heard("status", sha=SHA, branches=[{"name": "x"}, {"name": BRANCH}]), HERE, BRANCH, SHA),
        (heard("deployment", "created", deployment={"ref": BRANCH, "sha": SHA}), HERE, BRANCH, SHA),
        (
            heard("deployment_status", "created", deployment={"ref": BRANCH, "sha": SHA}),
            HERE,
            BRANCH,
            SHA,
        ),
    ],
)
def test_an_event_without_a_text_tells_what_was_done(
    event: Event, target: str, value: str, commit: str
) -> None:
    told = deed(event)
    assert told is not None
    assert (told.target, told.value, told.commit) == (target, value, commit)


def test_a_reaction_tells_its_message() -> None:
    event = slack.to_event(json.dumps(slack_requests()["own_reaction"]).encode(), {}, {}, NOW)
    assert deed(event) == Deed("T1/C1/1700000000.000100", "eyes", NOW)


@pytest.mark.parametrize(
    "event",
    [
        heard("issues", "opened"),
        heard("issues", "pinned"),
        heard("milestone", "closed"),
        heard("issue_comment", "created"),
        heard("push"),
        heard("push", ref=f"refs/tags/{BRANCH}"),
        heard("star", "created"),
        heard("pull_request", "synchronize"),
    ],
)
def test_what_no_action_of_ours_makes_asks_the_journal_nothing(event: Event) -> None:
    assert deed(event) is None


@pytest.mark.parametrize(
    ("told", "arguments", "receipt", "is_ours"),
    [
        (Deed("t", "bug", 0), {"labels": ["ui", "Bug"]}, None, True),
        (Deed("t", "bug", 0), {"labels": ["ui"]}, {"data": {"labels": ["bug"]}}, True),
        (Deed("t", "bug", 0), {"labels": ["bugs"]}, None, False),
        (Deed("t", "bug", 0), {"body": "a bug"}, None, False),
        (Deed("t", "li", 0), {"people": ["maria", "li"]}, None, True),
        (Deed("t", "li", 0), {"people": [" @Li"]}, None, True),
        (Deed("t", BRANCH, 0), {"title": "x"}, None, True),
        (Deed("t", BRANCH, 0, SHA), {"title": "x"}, None, True),
        (Deed("t", BRANCH, 0, SHA), {"title": "x"}, {"data": {"commit": SHA}}, True),
        (Deed("t", BRANCH, 0, SHA), {"title": "x"}, {"data": {"commit": "2" * 40}}, False),
        (Deed("t", branch_of(OTHER), 0, SHA), {"title": "x"}, None, False),
    ],
)
def test_an_effect_did_it_when_it_names_it(
    told: Deed, arguments: Json, receipt: Json | None, is_ours: bool
) -> None:
    assert told.is_of("AddLabels", KEY, arguments, receipt) is is_ours


V1 = {"milestone": {"title": "1.0", "number": 7}}
BUG = {"label": {"name": "Bug"}}


@pytest.mark.parametrize("kind", ["issues", "pull_request"])
@pytest.mark.parametrize(
    ("action", "changed", "effect", "is_ours"),
    [
        ("closed", {}, ("CloseIssue", {"reason": "completed"}), True),
        ("closed", {}, ("ReopenIssue", {}), False),
        ("closed", {}, ("Comment", {"body": "closed"}), False),
        ("reopened", {}, ("ReopenIssue", {}), True),
        ("reopened", {}, ("CloseIssue", {"reason": "completed"}), False),
        ("unlabeled", BUG, ("RemoveLabels", {"labels": ["bug"]}), True),
        ("unlabeled", BUG, ("RemoveLabels", {"labels": ["ui"]}), False),
        ("unlabeled", BUG, ("AddLabels", {"labels": ["bug"]}), False),
        ("labeled", BUG, ("RemoveLabels", {"labels": ["bug"]}), False),
        ("labeled", BUG, ("OpenIssue", {"labels": ["bug"]}), True),
        ("milestoned", V1, ("SetMilestone", {"milestone": 7}), True),
        ("milestoned", V1, ("SetMilestone", {"milestone": " 1.0"}), True),
        ("milestoned", V1, ("SetMilestone", {"milestone": 70}), False),
        ("milestoned", V1, ("SetMilestone", {"milestone": None}), False),
        ("milestoned", V1, ("AddLabels", {"labels": ["1.0"]}), False),
        ("demilestoned", V1, ("SetMilestone", {"milestone": 8}), True),
        ("demilestoned", {}, ("SetMilestone", {"milestone": None}), True),
        ("demilestoned", V1, ("SetMilestone", {"milestone": 7}), False),
        ("demilestoned", V1, ("SetMilestone", {"milestone": "1.0"}), False),
        ("demilestoned", V1, ("CloseIssue", {}), False),
        ("locked", {}, ("LockIssue", {"reason": "spam"}), True),
        ("locked", {}, ("UnlockIssue", {}), False),
        ("unlocked", {}, ("UnlockIssue", {}), True),
    ],
)
def test_a_change_is_ours_when_an_action_of_its_kind_made_it(
    kind: str, action: str, changed: Json, effect: tuple[str, Json], is_ours: bool
) -> None:
    payload = {**github_delivery(kind, "labeled").payload, "action": action, **changed}
    headers = {"x-github-event": kind, "x-github-delivery": "d1"}
    told = deed(github.to_event(json.dumps(payload).encode(), headers, {}, NOW))
    assert told is not None
    tool, arguments = effect
    assert told.is_of(tool, KEY, arguments, None) is is_ours


@pytest.mark.parametrize(
    ("updated_at", "at"),
    [("2020-01-01T00:00:00Z", 1_577_836_800.0), ("", NOW), ("soon", NOW), (None, NOW)],
)
def test_the_time_is_that_of_the_change_not_of_its_delivery(updated_at: object, at: float) -> None:
    body = f"Ours\n\n{mark_of(KEY, 'plan', 1)}"
    told = deed(heard("issues", "labeled", issue={"updated_at": updated_at, "body": body}))
    assert told is not None
    assert (told.at, told.effect) == (at, KEY)
