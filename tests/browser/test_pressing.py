"""A person in front of Slack: a shortcut, a dialog with a mistake in it, the app's home."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.http_server import HttpServer
from infra.local.sandbox.page.site import Page
from infra.local.sandbox.slack.workspace import DM, SUPPORT
from shared.database import Database
from tests.actions.github.sandbox_issue import SHOP
from tests.browser.looker import Looker
from tests.press.front_door import Pressing, pressing
from tests.press.test_settings import offered

pytestmark = pytest.mark.usefixtures("whole")

TITLE = "#slack-dialog [name=title]"


@pytest.fixture
def seated(driver: Any, database: Database, database_url: str) -> Iterator[tuple[Looker, Pressing]]:
    """Somebody at the page of two sandboxes, behind which the flow `press` works."""
    server = HttpServer()
    with pressing(database) as world:
        looker = Looker(driver, server, world.github, world.slack, database_url, [])
        server.start(Page(world.github, world.slack, database_url, lambda _: 0))
        looker.screen(1280, 900)
        yield looker, world
        driver.get("about:blank")
        server.stop()
        looker.check_console()


def test_a_shortcut_opens_a_dialog_that_says_at_the_field_what_is_wrong(
    seated: tuple[Looker, Pressing],
) -> None:
    looker, world = seated
    ts = world.slack.say(SUPPORT, "The checkout crashes when the cart is empty")
    world.settle()
    looker.open()
    looker.sees(f'[data-key="menu {ts}"] > summary').click()
    looker.sees(f'[data-key="menu {ts}"] [data-fields*="open-issue"]').click()
    looker.sees("#slack-dialog[open]", "Loading")
    world.settle()
    looker.type(TITLE, "no")
    looker.sees("#slack-dialog form button:not(.plain)").click()
    looker.sees("#slack-dialog .field.wrong [role=alert]", "At least 3 characters.")
    assert looker.find(TITLE).get_attribute("value") == "no"
    looker.type(TITLE, "Checkout crashes")
    looker.sees("#slack-dialog form button:not(.plain)").click()
    looker.sees("#slack-dialog", "Opening the issue")
    world.settle()
    looker.sees("#slack-dialog", "Opened acme/shop#1")
    looker.sees("#slack-dialog button[aria-label=Close]").click()
    looker.sees_no("#slack-dialog[open]")
    assert [one["title"] for one in world.github.issues(SHOP)] == ["Checkout crashes"]


def test_the_home_shows_what_is_known_and_forgets_it(seated: tuple[Looker, Pressing]) -> None:
    looker, world = seated
    ts = world.slack.say(DM, "We deploy on Tuesdays")
    world.slack.views.shortcut_on("remember-this", DM, ts)
    world.settle()
    looker.open()
    looker.sees(f'[data-key="{DM}"] [data-tab=home]').click()
    looker.until(lambda: any(one.type == "slack.home" for one in world.published), "a look")
    world.settle()
    looker.sees(".view.home", "acme/shop")
    looker.type(".view.home form.search input", "deploy")
    looker.sees(".view.home form.search button").click()
    looker.until(lambda: any("home-search" in str(one) for one in world.published), "the search")
    world.settle()
    looker.sees(".view.home", "We deploy on Tuesdays")
    looker.sees(".view.home button.no").click()
    looker.until(lambda: any("home-forget" in str(one) for one in world.published), "a press")
    world.settle()
    looker.sees(".view.home", "Forgotten: 1 memory")


def test_a_person_drops_a_draft_that_they_alone_see(seated: tuple[Looker, Pressing]) -> None:
    looker, world = seated
    _, shown = offered(world)
    looker.open()
    draft = f'.only[data-key="{shown}"]'
    looker.sees(draft, "Nobody else sees this yet")
    looker.sees(f'{draft} [data-fields*="draft-drop"]').click()
    looker.until(lambda: any("draft-drop" in one.type for one in world.published), "a press")
    world.settle()
    looker.sees_no(draft)


def test_a_link_to_a_file_shows_the_lines_that_it_names(seated: tuple[Looker, Pressing]) -> None:
    looker, world = seated
    sha = world.github.push(SHOP, {"a.py": "one\ntwo\nthree\n"})
    looker.driver.get(f"{looker.server.url}/{SHOP}/blob/{sha}/a.py#L2-L3")
    looker.sees(".lines .named", "two")
    assert [one.text for one in looker.all(".lines .named")] == ["two", "three"]
