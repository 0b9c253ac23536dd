"""Somebody makes an issue of a message, in a dialog."""

from infra.local.sandbox.slack.workspace import SUPPORT
from shared.database import Database
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
