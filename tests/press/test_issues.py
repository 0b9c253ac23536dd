"""Somebody makes an issue of a message, in a dialog."""

import json

from infra.local.sandbox.slack.workspace import ALICE, SUPPORT, TEAM
from shared.actions.authority import RecentAnswers
from shared.database import Database
from shared.people.store import LinkedPerson, PeopleTable
from tests.actions.github.sandbox_issue import SHOP
from tests.press.front_door import pressing


def test_an_issue_from_a_message(database: Database) -> None:
    with pressing(database) as world:
        ts = world.slack.say(SUPPORT, "The checkout crashes\nwhen the cart is empty")
        world.settle()
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        assert world.slack.settle()
        loading = world.slack.views.dialog()
        assert loading and "Loading" in str(loading["blocks"]) and loading["submit"] is None
        world.settle()
        shown = world.slack.views.dialog()
        assert shown and shown["submit"]
        begun = {b["block_id"]: b["element"] for b in shown["blocks"] if b["type"] == "input"}
        assert begun["repository"]["initial_option"]["value"] == SHOP
        assert "checkout crashes" in begun["title"]["initial_value"]
        world.slack.views.submit({"title": ""})
        assert world.slack.settle()
        dialog = world.slack.views.dialog()
        assert dialog and dialog["errors"] == {"title": "Fill this in."}
        world.slack.views.submit({"title": "Checkout crashes"})
        world.settle()
        told = world.slack.views.dialog()
        assert told and "Opened acme/shop#1" in str(told["blocks"])
        [issue] = world.github.issues(SHOP)
        assert issue["title"] == "Checkout crashes"
        assert "checkout crashes" in issue["body"]
        said = world.slack.thread(SUPPORT, ts)
        assert len(said) == 2 and "acme/shop#1" in str(said[1]["blocks"])
        world.again(20)
        assert len(world.github.issues(SHOP)) == 1
        assert len(world.slack.thread(SUPPORT, ts)) == 2


def test_a_linked_account_needs_the_right_in_whatever_repository_is_chosen(
    database: Database,
) -> None:
    with pressing(database, github_client_id="Iv1") as world:
        ts = world.slack.say(SUPPORT, "The checkout crashes")
        world.settle()
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        assert world.slack.settle()
        world.settle()
        for permission, opened in (("triage", 0), ("write", 1)):
            world.github.set_permission(SHOP, "tess", permission)
            world.github.person_token("tess")
            account = str(world.github.account_id("tess"))
            person = LinkedPerson(TEAM, ALICE, account, "tess")
            assert PeopleTable(database).link("acme", person)
            world.runner.can.services.get(RecentAnswers, RecentAnswers)._kept.clear()
            world.slack.views.submit({"title": "Checkout crashes"})
            world.settle()
            assert len(world.github.issues(SHOP)) == opened
            if not opened:
                assert "write access on GitHub" in str(world.slack.views.dialog())


def test_the_dialog_offers_what_everybody_here_sees_and_the_person_may_write_to(
    database: Database,
) -> None:
    web, docs, secret = "acme/web", "acme/docs", "acme/secret"
    places = {f"team:{TEAM}": SHOP, "channel:C1": web, "channel:C2": docs, "channel:C3": secret}
    changes = {"github_client_id": "Iv1", "repositories": json.dumps(places)}
    with pressing(database, **changes) as world:
        for name in (web, docs, secret):
            world.github.add_repository(name, {}, private=name == secret)
        world.github.person_token("tess")
        for name, permission in ((SHOP, "write"), (web, "write"), (docs, "read")):
            world.github.set_permission(name, "tess", permission)
        account = str(world.github.account_id("tess"))
        assert PeopleTable(database).link("acme", LinkedPerson(TEAM, ALICE, account, "tess"))
        ts = world.slack.say(SUPPORT, "The checkout crashes")
        world.settle()
        world.slack.views.shortcut_on("open-issue", SUPPORT, ts)
        world.settle()
        shown = world.slack.views.dialog()
        assert shown
        [field] = [b["element"] for b in shown["blocks"] if b.get("block_id") == "repository"]
        assert [one["value"] for one in field["options"]] == [SHOP, web]
        for name, opened in ((secret, 0), (docs, 0), (web, 1)):
            world.slack.views.submit({"repository": name, "title": "Checkout crashes"})
            world.settle()
            assert len(world.github.issues(name)) == opened
