"""Memory follows its sources through the front door of the whole system: what people rename, make
private, edit and delete on GitHub and in Slack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.slack.workspace import BOT_USER, DM, GENERAL
from infra.local.system import System
from tests.system.conftest import Rows, query
from tests.system.quick import shipped_template
from tests.waiting import wait_for

SHOP = "acme/shop"


@pytest.fixture(scope="module")
def system(data_directory: Path) -> Iterator[System]:
    with System(
        data=data_directory,
        environment={"MODEL_EMBED": "hashing"},
        template=shipped_template(data_directory),
    ) as system:
        yield system


def comes(system: System, sql: str, rows: Rows) -> None:
    wait_for(lambda: query(system, sql) == rows, log=f"{rows}")


def test_issues_and_their_repository(system: System) -> None:
    assert system.github
    github, places = system.github, system.github.relocations
    issues = "select ref, source, audience from memories where kind = 'issue' order by ref"
    texts = "select text from memories where kind = 'issue' order by ref"
    github.add_repository("acme/vault", {"maria": "admin"}, private=True)
    first = github.open_issue(SHOP, "Staging", "The password is hunter2-zebra.")
    second = github.open_issue(SHOP, "Checkout", "It is slow.")
    checkout = ("Checkout\n\nIt is slow.",)
    comes(system, texts, [("Staging\n\nThe password is hunter2-zebra.",), checkout])
    github.edit_issue(SHOP, first, body="(removed)")
    comes(system, texts, [("Staging\n\n(removed)",), checkout])
    places.delete_issue(SHOP, first)
    places.rename(SHOP, "store")
    here = (f"acme/store#{second}", "github:acme/store", "public")
    comes(system, issues, [here])
    github.set_private("acme/store", private=True)
    comes(system, issues, [(*here[:2], "repo:acme/store")])
    number = places.transfer_issue("acme/store", second, "acme/vault")
    comes(system, issues, [(f"acme/vault#{number}", "github:acme/vault", "repo:acme/vault")])
    places.transfer("acme/vault", "globex", name="ledger")
    comes(system, issues, [])
    bad = "select state from runs where flow = 'uninstall' and state <> 'done'"
    comes(system, bad, [])


def test_messages_and_mentions(system: System) -> None:
    assert system.slack
    slack = system.slack

    def answers(channel: str, ts: str) -> list[str]:
        return [m["text"] for m in slack.thread(channel, ts) if m["user"] == BOT_USER]

    ts = slack.say(GENERAL, "how long does a refund take?")
    slack.settle()
    slack.edit(GENERAL, ts, f"<@{BOT_USER}> how long does a refund take?")
    wait_for(lambda: len(answers(GENERAL, ts)) == 1)
    forward = {"is_share": True, "author_name": "Bo", "text": "The checkout is down since 9:00."}
    ts = slack.say(DM, "", attachments=[forward])
    wait_for(lambda: len(answers(DM, ts)) == 1)
    said = f"select text from turns where role = 'user' and url like '%{ts}'"
    comes(system, said, [("[forwarded from Bo]\n> The checkout is down since 9:00.",)])
    slack.delete(DM, ts)
    comes(system, said, [])
