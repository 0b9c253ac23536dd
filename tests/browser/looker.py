"""Somebody in front of the page: sees, types, clicks and waits, through Selenium."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from shared.events import Json
from tests.waiting import wait_for

SHOP = "acme/shop"
#: The page asks once a second; a busy machine takes its time.
PATIENCE = 20.0


@dataclass
class Looker:
    driver: Any
    server: HttpServer
    github: GitHubSandbox
    slack: SlackSandbox
    database_url: str
    #: The queues whose dead letters were brought back.
    brought: list[str]
    letters: list[Json] = field(default_factory=list)
    #: What the console may say, since the test wants it.
    expected: tuple[str, ...] = ()

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, path: str = "/") -> None:
        """Go to a page and wait until it shows what there is."""
        self.driver.get(self.server.url + path)
        self.sees("#link.on, #link.busy")

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def sees(self, selector: str, words: str = "") -> Any:
        """Wait for an element that is shown and has these words; return it."""
        return self.until(
            lambda: next(
                (e for e in self.all(selector) if e.is_displayed() and words in e.text), None
            ),
            f"{selector} {words}",
        )

    def sees_no(self, selector: str) -> None:
        self.until(lambda: not self.all(selector), f"no {selector}")

    def until(self, holds: Callable[[], Any], what: str = "") -> Any:
        """Wait until it holds; the page may be drawing anew meanwhile."""
        from selenium.common.exceptions import StaleElementReferenceException

        def tried() -> Any:
            try:
                return holds()
            except StaleElementReferenceException:
                return None

        found = wait_for(tried, PATIENCE)
        assert found, f"the page never showed {what}: {self.find('body').text[:3000]}"
        return found

    def type(self, selector: str, words: str) -> Any:
        element = self.sees(selector)
        element.clear()
        element.send_keys(words)
        return element

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def module(self, text: str, *arguments: Any) -> Any:
        """Run `text` with the page's own modules as `dom`, `markdown` and `draw`."""
        body = f"""
            const done = arguments[arguments.length - 1], given = [...arguments];
            Promise.all(["dom", "markdown", "draw"].map((name) => import(`/page/${{name}}.js`)))
              .then(([dom, markdown, draw]) => {{ {text} }})
              .then(done, (error) => done("error: " + error + error.stack));
        """
        return self.driver.execute_async_script(body, *arguments)

    def has_run(self, run: str, state: str = "done", reason: str = "") -> None:
        """Let the journal have a run of triage with a step and an effect."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(
                "insert into events values ('t', %s, 'github.issues.opened', 'github:acme/shop#1',"
                " '{}')",
                (f"e{run}",),
            )
            connection.execute(
                "insert into runs (tenant, id, event_id, flow, state, reason, finished_at)"
                " values ('t', %s, %s, 'triage', %s, %s, now() + interval '2 s')",
                (run, f"e{run}", state, reason),
            )
            connection.execute(
                "insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt,"
                " input, output, model, input_tokens, output_tokens, cost, started_at, duration_ms)"
                " values ('t', %s, 'k', 'ask', '', 1, 1, '{\"prompt\": \"<b>Why?</b>\"}',"
                " '\"bug\"', 'small', 9, 1, null, now(), 250)",
                (run,),
            )
            connection.execute(
                "insert into effects (tenant, key, run_id, flow, tool, target, slot, arguments,"
                " state) values ('t', %s, %s, 'triage', 'AddLabels', 'acme/shop#1', '', '{}',"
                " 'committed')",
                (run, run),
            )

    def check_console(self) -> None:
        """Fail for every error of the page, such as something that its policy forbids."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        wrong = [one for one in said if not any(word in one for word in self.expected)]
        assert not wrong, wrong
