"""Plans on the real local system: front door, queue, functions in processes, state machine."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, GENERAL
from infra.local.system import System
from tests.campaigns import size
from tests.system.quick import shipped_template
from tests.waiting import wait_for

REPOSITORY = "acme/shop"
GOAL = 'label it as bug, then say "Thanks"'


@pytest.fixture(scope="module")
def offline(data_directory: Path) -> Iterator[System]:
    """A system with the offline model."""
    models = {"MODEL_SMALL": "offline", "MODEL_LARGE": "offline", "MODEL_EMBED": "hashing"}
    with System(
        data=data_directory, environment=models, template=shipped_template(data_directory)
    ) as system:
        yield system


def github(system: System) -> GitHubSandbox:
    assert system.github
    return system.github


def comments(system: System, number: int) -> list[str]:
    return [c["body"] for c in github(system).issue(REPOSITORY, number)["comments"]]


def labels(system: System, number: int) -> set[str]:
    return {label["name"] for label in github(system).issue(REPOSITORY, number)["labels"]}


def call(system: System, method: str, path: str, body: object = None) -> tuple[int, Any, Any]:
    token = (system.log.parents[1] / "api.secret").read_text()
    answer = urllib3.request(
        method,
        system.url + path,
        body=None if body is None else json.dumps(body),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        retries=False,
        timeout=30,
    )
    return answer.status, answer.json(), answer.headers


def test_a_plan_survives_seconds_without_a_database(offline: System) -> None:
    number = github(offline).open_issue(REPOSITORY, "Logout", "It fails too.", author="maria")
    github(offline).comment(REPOSITORY, number, f"/plan {GOAL}", author="maria")
    assert wait_for(lambda: any("Plan `" in text for text in comments(offline, number)))
    assert offline.postgres
    offline.postgres.stop()
    time.sleep(size(10, 3))
    offline.postgres.start()
    assert wait_for(lambda: any("✅ Done." in text for text in comments(offline, number)))
    assert len([text for text in comments(offline, number) if text.startswith("Thanks")]) == 1
    assert "bug" in labels(offline, number)


def test_a_comment_starts_a_plan_that_is_carried_out_and_reported(offline: System) -> None:
    number = github(offline).open_issue(REPOSITORY, "Login", "It fails.", author="maria")
    github(offline).comment(REPOSITORY, number, f"/plan {GOAL}", author="maria")
    assert wait_for(lambda: any("✅ Done." in text for text in comments(offline, number)))
    assert any(text.startswith("Thanks") for text in comments(offline, number))
    assert "bug" in labels(offline, number)


def test_what_the_offline_model_plans_runs_to_its_end_and_reads_well(offline: System) -> None:
    hub = github(offline)
    body = "Since v1.2 the page of app.py is blank. Chrome works."
    number = hub.open_issue(REPOSITORY, "Login fails", body, author="maria")
    goal = "label this as bug, comment a summary and open a follow-up issue"
    hub.comment(REPOSITORY, number, f"/plan {goal}", author="maria")
    asked = wait_for(lambda: [t for t in comments(offline, number) if "OpenIssue on" in t])
    assert asked
    named = re.search(r"/approve (\w+)", asked[0])
    assert named
    hub.comment(REPOSITORY, number, f"/approve {named[1]}", author="maria")
    assert wait_for(lambda: any(t.startswith("✅ Done.") for t in comments(offline, number)))
    assert "bug" in labels(offline, number)
    said = [text.split("\n<sub>")[0] for text in comments(offline, number)]
    (summary,) = [text for text in said if "(Offline model: I only quote." in text]
    assert summary.split("\n")[0] == f"Login fails. {body}"
    followed = [one for one in hub.issues(REPOSITORY) if one["title"].startswith("Follow-up")]
    assert [one["title"] for one in followed] == ["Follow-up: Login fails"]
    assert followed[0]["body"].startswith(f"Follow-up to #{number} (")
    assert not any(re.search(r"[{}]|\$from", text) for text in [*said, followed[0]["body"]])


def test_a_plan_asks_for_a_goal_and_a_search_shows_what_it_found(offline: System) -> None:
    hub = github(offline)
    number = hub.open_issue(REPOSITORY, "Payment", "The zebra is late.", author="maria")
    hub.comment(REPOSITORY, number, "/plan", author="maria")
    assert wait_for(lambda: any("What should I do?" in t for t in comments(offline, number)))
    hub.comment(REPOSITORY, number, "/plan find issues about the zebra", author="maria")
    done = wait_for(lambda: [t for t in comments(offline, number) if t.startswith("✅ Done.")])
    assert f"[#{number} Payment](" in done[0]


def test_a_plan_that_waits_is_stopped_at_once_and_its_end_is_told(offline: System) -> None:
    number = github(offline).open_issue(REPOSITORY, "Search", "It is slow.", author="maria")
    elsewhere = '/plan open an issue "Track it", then say "Yes"'
    github(offline).comment(REPOSITORY, number, elsewhere, author="maria")
    assert wait_for(lambda: any("May I do this?" in text for text in comments(offline, number)))
    github(offline).comment(REPOSITORY, number, "/stop", author="maria")
    assert wait_for(lambda: any("⏹ Stopping plan `" in text for text in comments(offline, number)))
    told = "⏹ Cancelled by maria."
    assert wait_for(lambda: any(text.startswith(told) for text in comments(offline, number)))


def test_a_slash_command_in_slack_starts_a_plan_that_writes_to_github_once_approved(
    offline: System,
) -> None:
    chat = offline.slack
    assert chat
    before = len(github(offline).issues(REPOSITORY))
    chat.command("/plan", 'find issues by "login", open an issue "Track it", then say "Yes"')

    def said() -> list[Any]:
        return [m for m in chat.messages(GENERAL) if m["user"] == BOT_USER]

    def asking() -> list[Any]:
        return [m for m in said() if any(b["type"] == "actions" for b in m["blocks"])]

    assert wait_for(asking)
    assert "**OpenIssue** on acme/shop" in asking()[0]["blocks"][0]["text"]
    assert len(github(offline).issues(REPOSITORY)) == before
    chat.click(GENERAL, asking()[0]["ts"], "approve")
    assert wait_for(lambda: any(m["text"].startswith("✅ Done.") for m in said()))
    assert github(offline).issues(REPOSITORY)[before]["title"] == "Track it"
    root, *others = said()
    assert {message["thread_ts"] for message in others} == {root["ts"]}
    assert any(message["text"].startswith("Yes") for message in others)


def test_a_plan_is_started_and_read_over_the_api(offline: System) -> None:
    number = github(offline).open_issue(REPOSITORY, "Search", "It is slow.", author="maria")
    body = {"goal": GOAL, "issue": f"{REPOSITORY}#{number}"}
    status, accepted, headers = call(offline, "POST", "/runs", body)
    assert (status, headers["Location"]) == (202, f"runs/{accepted['run']}")
    path = f"/runs/{accepted['run']}"

    def over() -> bool:
        status, run, _ = call(offline, "GET", path)
        return status == 200 and run["state"] in {"done", "failed"}

    assert wait_for(over)
    _, run, _ = call(offline, "GET", path)
    assert run["state"] == "done"
    assert [step["state"] for step in run["steps"]] == ["done", "done"]
    assert not any("✅ Done." in text for text in comments(offline, number))


def test_what_the_api_refuses_comes_through_the_gateway_as_it_is(offline: System) -> None:
    assert call(offline, "POST", "/runs", {})[0] == 422
    status, _, headers = call(offline, "PUT", "/runs")
    assert (status, headers["Allow"]) == (405, "POST")
    assert call(offline, "GET", "/runs/00000000000000000000")[0] == 404
    assert urllib3.request("POST", f"{offline.url}/runs", retries=False).status == 401
