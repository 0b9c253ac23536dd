"""What was learnt from dismissals: anybody may list it, and it can be taken back."""

from typing import Any

import pytest

from flows.memory import memory
from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database, Statement
from shared.events import Workplace
from shared.testing import FlowRunner, slack_event
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_replies import REMARK, Thread
from tests.flows.test_review import FAULTY
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]


class Shop(Thread):
    """A thread, and what the repository learnt."""

    def dismiss(self, by: str = "maria") -> str:
        self.hears(self.say("won't fix", by), REMARK)
        return self.rows("select id from findings where state = 'dismissed'")[0]

    def forgets(self, what: str, by: str = "maria") -> str:
        return self.asks("forget", what, by)

    def lists(self, page: str = "") -> str:
        return self.asks("learnings", page, "stranger")

    def asks(self, command: str, text: str, by: str) -> str:
        delivery = f"asked-{len(self.pull.sticky)}"
        event = self.pull.event(f"command.{command}", body=text, by=by, delivery=delivery)
        actor = event.actor._replace(id=str(self.sandbox.account_id(by)))
        self.pull.runner.run(memory, event._replace(actor=actor))
        return self.pull.sticky[-1]

    def told_in_another(self) -> list[int]:
        self.sandbox.push(SHOP, {"a.py": "a = 1\n"}, branch="second")
        number = self.sandbox.open_pull_request(
            SHOP, "Again", head="second", files={"a.py": FAULTY}
        )
        self.pull.number = number
        self.pull.review()
        return sorted(row["line"] for row in self.pull.get("comments"))

    def rows(self, query: str) -> list[str]:
        [rows] = self.database.run("github:acme", [Statement(query, {})])
        return [str(row["id"]) for row in rows]


@pytest.fixture
def shop(sandbox: GitHubSandbox, database: Database) -> Shop:
    return Shop(sandbox, database)


def test_it_says_that_nothing_was_learnt(shop: Shop) -> None:
    assert "No finding stays away" in shop.lists()


def test_what_was_dismissed_is_listed_with_who_when_why_and_how_far_it_counts(shop: Shop) -> None:
    id_ = shop.dismiss()
    listed = shop.lists()
    assert f"`{id_}` medium `a.py`:1 in #{shop.pull.number}: The default value" in listed
    assert "dismissed by `maria`, 20" in listed and ": in a reply; counts " in listed
    assert "1 finding stays away" in listed and "Page" not in listed


def test_what_is_forgotten_is_told_again(shop: Shop) -> None:
    id_ = shop.dismiss()
    assert shop.forgets(id_).startswith("Forgotten: 1 finding of a review. A review may tell it")
    assert "No finding stays away" in shop.lists()
    assert shop.told_in_another() == [1, 2]


@pytest.mark.parametrize("what", ["f-000000000000", "f-xyz", "f-00000000"])
def test_what_is_not_there_is_not_forgotten(shop: Shop, what: str) -> None:
    id_ = shop.dismiss()
    assert "nothing" in shop.forgets(what)
    assert id_ in shop.lists()


def test_strangers_bring_nothing_back(shop: Shop) -> None:
    id_ = shop.dismiss()
    assert "nothing" in shop.forgets(id_, by="stranger")
    assert shop.told_in_another() == [2]


def test_nobody_brings_back_what_was_dismissed_in_another_repository(shop: Shop) -> None:
    id_ = shop.dismiss()
    move = "update findings set repository = 'acme/other' where id = %(id)s returning id"
    shop.database.run("github:acme", [Statement(move, {"id": id_})])
    assert "nothing" in shop.forgets(id_)
    assert "nothing" in shop.forgets(f"acme/other#{shop.pull.number}")
    assert id_ in shop.rows("select id from findings")


def test_a_finding_that_is_open_is_not_forgotten(shop: Shop) -> None:
    open_ = shop.rows("select id from findings where state = 'posted'")
    assert "nothing" in shop.forgets(open_[0])
    assert shop.rows("select id from findings where state = 'posted'") == open_


def test_a_long_list_has_pages(shop: Shop) -> None:
    insert = """insert into findings (tenant, id, repository, number, head, run_id, path, line,
      severity, category, claim, shape, state, reason, decided_by, decided_at)
      select 'github:acme', 'f-' || lpad(n::text, 12, '0'), 'Acme/Shop', 1, 'h', 'r', 'a<b`.py', n,
        'low', 'bug', 'It says <b> to @maria', 'x', 'withdrawn', 'objection', '',
        now() - n * interval '1 day'
      from generate_series(1, 45) as n returning id"""
    shop.database.run("github:acme", [Statement(insert, {})])
    for page, first, last in (
        ("", 1, 20),
        ("2", 21, 40),
        ("3", 41, 45),
        ("99", 41, 45),
        ("x", 1, 20),
    ):
        listed = shop.lists(page)
        assert f"`f-{first:012}`" in listed and f"`f-{last:012}`" in listed
        assert listed.count("`f-0") == last - first + 1
        assert "counts in the whole repository" in listed
        assert "<b>" not in listed and "@maria" not in listed


INSERT = """insert into findings (tenant, id, repository, number, head, run_id, path, line,
  severity, category, claim, shape, state, reason, decided_by, decided_at)
  values (%(tenant)s, %(id)s, %(repository)s, 1, 'h', 'r', 'a.py', 1, 'low', 'bug', 'It is wrong',
    'x', 'dismissed', 'in a reply', 'maria', now())"""
ONE, OTHER = "f-00000000000a", "f-00000000000b"


class InSlack:
    """A channel to which a repository may belong, and two repositories that learnt something."""

    def __init__(self, database: Database) -> None:
        self.runner = FlowRunner(database)
        self.tenant = slack_event("app_mention", "hello").tenant
        rows = ({"id": ONE, "repository": "Acme/Shop"}, {"id": OTHER, "repository": "acme/web"})
        database.run(
            self.tenant, [Statement(INSERT, {"tenant": self.tenant} | row) for row in rows]
        )

    def asks(self, command: str, text: str = "", **about: Any) -> str:
        number = len(self.runner.effects)
        event = slack_event("app_mention", "x", ts=f"17000000{number:02}.000100")
        about = {"workplace": Workplace(SHOP, self.tenant)} | about
        event = event._replace(type=f"slack.command.{command}", text=text)
        self.runner.run(memory, event._replace(**about))
        return str(self.runner.effects[-1].arguments["text"])


@pytest.fixture
def in_slack(database: Database) -> InSlack:
    return InSlack(database)


def test_a_channel_lists_what_its_repository_learnt(in_slack: InSlack) -> None:
    listed = in_slack.asks("learnings")
    assert f"1 finding stays away in `{SHOP}`" in listed
    assert ONE in listed and OTHER not in listed


@pytest.mark.parametrize(
    "about",
    [
        {"workplace": None},
        {"workplace": Workplace(SHOP, "github:other")},
        {"unshared_audience": "team:T1"},
    ],
    ids=["none", "of another tenant", "another company reads along"],
)
def test_a_channel_without_a_repository_learns_and_forgets_none(
    in_slack: InSlack, about: dict[str, Any]
) -> None:
    in_slack.runner.platform.shared |= {"C1"} if "unshared_audience" in about else set()
    assert "No repository belongs to this channel" in in_slack.asks("learnings", **about)
    in_slack.asks("forget", ONE, **about)
    assert ONE in in_slack.asks("learnings")


def test_what_the_repository_of_a_channel_learnt_is_forgotten_there(in_slack: InSlack) -> None:
    assert "nothing" in in_slack.asks("forget", OTHER)
    assert in_slack.asks("forget", ONE).startswith("Forgotten: 1 finding of a review.")
    assert "No finding stays away" in in_slack.asks("learnings")
