"""Plans through the API from their start to their report: real machine, handlers and Postgres."""

from collections.abc import Iterator

import psycopg
import pytest

from flows.control import control
from shared.agent import Agent
from shared.database import Statement
from shared.errors import DatabaseUnavailable
from shared.planning.declaration import reads
from shared.planning.plan import Plan
from shared.planning.validation import Limits
from tests.planning.conftest import Open, opened
from tests.planning.plan_runner import PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, of, planned, step
from tests.web.api_client import ApiClient

__all__ = ["opened"]

ELSEWHERE = Plan(
    (step("s1", "list_labels"), step("s2", "comment", body=of("s1", "items[0].name"), number=8))
)
ABOUT = {"goal": "Comment elsewhere", "issue": "acme/shop#7"}


@pytest.fixture
def client(database_url: str) -> Iterator[ApiClient]:
    made = ApiClient(database_url)
    with made.reader:
        yield made


def sent(it: PlanRunner, client: ApiClient) -> None:
    """Bring the published events to the flow, as its queue would."""
    for event in client.published:
        it.runner.deliver(control if event.stops else it.flow, event)
    client.published.clear()


@reads()
def number(agent: Agent, of: int) -> int:
    """Give the number back."""
    return of


def test_a_plan_is_read_from_its_start_to_its_end(opened: Open, client: ApiClient) -> None:
    it = opened(planned(Drafts(Plan((step("s1", "number", of=7),))), number))
    run = client.post("/runs", {"goal": "Count"}).body["run"]
    assert client.get(run).status == 404
    sent(it, client)
    it.ended(run)
    answer = client.get(run)
    assert answer.status == 200
    assert (answer.body["id"], answer.body["state"], answer.body["goal"]) == (run, "done", "Count")
    (told,) = answer.body["steps"]
    assert (told["id"], told["state"], told["output"]) == ("s1", "done", "7")
    assert "- ✅ number s1" in answer.body["checklist"]
    assert answer.body["finished_at"] >= answer.body["started_at"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert it.said() == []


def test_another_tenants_run_is_not_there(opened: Open, client: ApiClient) -> None:
    it = opened(planned(Drafts(Plan((step("s1", "number", of=7),))), number))
    run = it.ask(ASK)
    it.ended(run)
    assert client.get(run).status == 200
    assert client.get(run, "guest's").status == 200
    assert client.get(run, "eve's") == client.get("f" * 20, "eve's")
    assert client.get(run, "eve's").status == 404
    assert client.get(run, "").status == 401
    assert client.get("'; select 1").status == 404


def test_an_approval_waits_is_read_and_is_given_for_exactly_its_digest(
    opened: Open, client: ApiClient
) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    run = client.post("/runs", ABOUT).body["run"]
    sent(it, client)
    it.asked(run)
    (asked,) = client.get(run).body["approvals"]
    assert (asked["state"], asked["steps"]) == ("asked", ["s2"])
    assert asked["asks"]["actions"][0]["target"] == "acme/shop#8"
    path = f"/runs/{run}/approvals/s2"
    wrong = client.post(path, {"answer": "approve", "digest": "0" * 64}).body["command"]
    other = client.post(path.replace("s2", "s1"), {"answer": "approve", "digest": asked["digest"]})
    sent(it, client)
    for command in (wrong, other.body["command"]):
        refused = client.get(command).body
        assert refused["state"] == "failed"
        assert "asks nothing of this digest" in refused["reason"]
    assert it.situation(run).state == "waiting"
    client.post(path, {"answer": "approve", "digest": asked["digest"]})
    sent(it, client)
    assert it.ended(run).state == "done"
    assert client.get(run).body["approvals"][0]["decided_by"] == "ada"
    assert it.said() == ["bug"]


def test_a_plan_from_github_is_answered_through_the_api(opened: Open, client: ApiClient) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    run = it.ask(ASK)
    it.asked(run)
    (asked,) = client.get(run).body["approvals"]
    body = {"answer": "reject", "digest": asked["digest"]}
    client.post(f"/runs/{run}/approvals/s2", body, "eve's")
    sent(it, client)
    assert it.situation(run).state == "waiting"
    client.post(f"/runs/{run}/approvals/s2", body)
    sent(it, client)
    assert it.ended(run).state == "failed"
    assert "Rejected by ada." in client.get(run).body["reason"]


def test_a_cancelled_plan_ends_and_cancelling_it_again_fails(
    opened: Open, client: ApiClient
) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    run = client.post("/runs", ABOUT).body["run"]
    sent(it, client)
    it.asked(run)
    client.post(f"/runs/{run}/cancel")
    sent(it, client)
    assert it.ended(run).state == "cancelled"
    again = client.post(f"/runs/{run}/cancel").body["command"]
    sent(it, client)
    assert "there is no open run" in client.get(again).body["reason"]


def test_an_expired_question_is_told_as_expired(opened: Open, client: ApiClient) -> None:
    it = opened(planned(Drafts(ELSEWHERE), limits=Limits(approval=1)))
    run = client.post("/runs", ABOUT).body["run"]
    sent(it, client)
    it.ended(run)
    assert client.get(run).body["approvals"][0]["state"] == "expired"


def test_a_failed_step_tells_why(opened: Open, client: ApiClient) -> None:
    unfit = Plan((step("s1", "number", of=7), step("s2", "comment", body=of("s1", "no"))))
    it = opened(planned(Drafts(unfit), number, reflector=gives_up))
    run = client.post("/runs", ABOUT).body["run"]
    sent(it, client)
    assert it.ended(run).state == "failed"
    told = client.get(run).body
    assert told["state"] == "failed"
    assert told["reason"]


def test_what_reads_can_write_nothing(client: ApiClient) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        client.reader.run("github:acme", [Statement("update plans set state = 'done'", {})])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        client.reader.run("github:acme", [Statement("select * from memories", {})])


def test_without_a_database_it_says_later() -> None:
    answer = ApiClient("postgresql://127.0.0.1:9/none").get("f" * 20)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert DatabaseUnavailable.__name__ not in str(answer.body)
