"""The console in a browser: by mouse and by keyboard, and no text of the journal runs."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.aws.gateway import Gateway, Route
from infra.local.http_server import HttpServer
from tests.web.console.visits import RUN, Visits, write_journal

_ANY = "X-AMAZON-APIGATEWAY-ANY-METHOD"
EVIL = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
#: What reaches beyond the screen, by its tag and its class.
_WIDER = """
const wide = document.documentElement.scrollWidth > innerWidth;
return wide ? [...document.body.querySelectorAll("*")]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.tagName + "." + one.className) : [];
"""


@pytest.fixture
def console(driver: Any, database_url: str) -> Iterator[str]:
    """The address of a console on this machine, whose journal is full of HTML."""
    write_journal(database_url, EVIL)
    server = HttpServer()
    visits = Visits(database_url, local=True, front_door_url=server.url)
    routes = [Route(_ANY, path, "console", ()) for path in ("/console", "/console/{page+}")]
    server.start(Gateway(routes, lambda _, event: visits.app(event, None), None))
    yield f"{server.url}/console"
    driver.get("about:blank")
    server.stop()
    visits.database.close()


def _errors(driver: Any) -> list[str]:
    return [row["message"] for row in driver.get_log("browser") if row["level"] == "SEVERE"]


def test_pages_work_and_nothing_of_the_journal_runs(driver: Any, console: str) -> None:
    for path in ("runs", f"runs/{RUN}", f"why?q={RUN}", "costs", "dead-letters", "plans",
                 "reviews", "memory?q=document", "settings"):  # fmt: skip
        driver.get(f"{console}/{path}")
        assert "Agent Flows" in driver.title, path
        assert driver.find_elements("css selector", "main h1"), path
        for width in (390, 1280):
            driver.set_window_size(width, 900)
            assert driver.execute_script(_WIDER) == [], (path, width)
    assert _errors(driver) == []


def test_the_skip_link_is_first_and_the_filters_have_labels(driver: Any, console: str) -> None:
    driver.get(f"{console}/runs")
    from selenium.webdriver.common.keys import Keys  # of .venv-selenium

    driver.switch_to.active_element.send_keys(Keys.TAB)
    assert driver.switch_to.active_element.text == "Skip to the content"
    unnamed = [
        field.get_attribute("name")
        for field in driver.find_elements("css selector", "input:not([type=hidden]), select")
        if not field.accessible_name
    ]
    assert unnamed == []


def test_a_dead_letter_starts_again_by_a_click(driver: Any, console: str) -> None:
    driver.get(f"{console}/dead-letters")
    buttons = driver.find_elements("css selector", "main button")
    assert buttons[0].text == "Start all again"
    buttons[0].click()
    assert "Nothing was given up" in driver.find_element("css selector", "main").text
