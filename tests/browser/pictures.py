"""./scripts/browser --pictures: run the whole system, do what a newcomer does, take the pictures of
the page for docs/."""

import base64
import sys
import tempfile
from pathlib import Path
from typing import Any

import urllib3

from infra.local.samples import REPOSITORY, show_samples
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, SUPPORT
from infra.local.system import System
from infra.project import ROOT
from tests.browser.chromium import absent, chromium
from tests.waiting import wait_for

#: There is something in it to find.
FILES = {
    "src/checkout.py": (
        "def total(cart: list[Item] = []):\n"
        "    if cart == None:\n"
        "        return Decimal(0)\n"
        "    return sum(item.price for item in cart)\n"
    )
}
WHY = "Closes #1.\n\n- [x] An empty cart costs nothing\n- [ ] A test for it"
GOAL = "open an issue in acme/shop: The empty cart needs a test"


def main() -> int:
    if reason := absent():
        print(reason, file=sys.stderr)
        return 1
    (ROOT / ".data").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".data") as data:
        Path(data).chmod(0o711)  # the user of Postgres must reach it
        with System(data=Path(data), environment={}, say=print) as system:
            _fill(system)
            with chromium() as driver:
                _take(driver, system.url)
                assert system.slack
                _take_slack(driver, system.url, system.slack)
    return 0


def _fill(system: System) -> None:
    assert system.github and system.slack
    github, slack = system.github, system.slack
    assert show_samples(system, print)
    title, branch = "Charge nothing for an empty cart", "fix/empty-cart"
    number = github.open_pull_request(REPOSITORY, title, WHY, "li", head=branch, files=FILES)
    wait_for(lambda: github.reviews(REPOSITORY, number))
    _discuss(github, 2)
    slack.say("#support", f"<@U0AGENT> plan {GOAL}")
    wait_for(lambda: any(_asks(message) for message in slack.messages("#support")))


def _discuss(github: GitHubSandbox, number: int) -> None:
    """Resolve what the first comment of a review says, and ask about the second."""
    begun = [thread["comments"][0]["id"] for thread in github.threads(REPOSITORY, number)]
    github.resolve(begun[0])
    github.answer(begun[1], "Why does that matter?")
    wait_for(lambda: len(github.threads(REPOSITORY, number)[1]["comments"]) == 3)


def _asks(message: dict[str, Any]) -> bool:
    return any(block["type"] == "actions" for block in message.get("blocks", []))


def _take(driver: Any, url: str) -> None:
    runs = urllib3.request("GET", f"{url}/state").json()["runs"]
    chat = next(run["id"] for run in runs if run["flow"] == "chat")
    shots = (
        ("sandbox", 1280, 900, False, "/"),
        ("sandbox-phone", 390, 844, True, f"/{REPOSITORY}/pull/2"),
        ("sandbox-run", 1280, 480, False, f"/run/{chat}"),
        ("sandbox-review", 700, 1000, False, f"/{REPOSITORY}/pull/2"),
    )
    for name, width, height, dark, path in shots:
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.get(url + path)
        wait_for(lambda: driver.find_elements("css selector", ".run"))
        driver.execute_script("document.querySelectorAll('.file').forEach((f) => (f.open = true))")
        driver.execute_script("document.querySelector('.hints').open = false")
        driver.execute_async_script("setTimeout(arguments[0], 2500)")  # what moves has moved
        driver.save_screenshot(str(ROOT / f"docs/{name}.png"))
        print(f"docs/{name}.png")


def _take_slack(driver: Any, url: str, slack: SlackSandbox) -> None:
    """Take a cited answer in its thread, the dialog of a shortcut, and the app's home."""
    shape = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    slack.say(ALICE, "remember we deploy on Tuesdays, after the standup")
    wait_for(lambda: len(slack.messages(ALICE)) == 2)
    wish = slack.say(
        SUPPORT, "Guests cannot pay since Monday: error 500 after the release", "U0BOB"
    )
    driver.get(url)
    card = f"[data-key='{SUPPORT}']"
    wait_for(lambda: driver.find_elements("css selector", f"{card} .thread"))
    driver.execute_script("document.querySelector('header').style.position = 'static'")
    driver.execute_script("document.querySelectorAll('.log').forEach((l) => l.scrollTop = 0)")
    _clip(driver, "slack-answer", f"{card} .thread", 450)
    slack.views.shortcut_on("open-issue", SUPPORT, wish)
    wait_for(lambda: driver.find_elements("css selector", "#slack-dialog textarea"))
    _clip(driver, "slack-dialog", "#slack-dialog", 700)
    slack.views.close()
    wait_for(lambda: not driver.find_elements("css selector", "#slack-dialog[open]"))
    driver.find_element("css selector", "[data-tab=home]").click()
    search = ".view.home form.search"
    wait_for(lambda: driver.find_elements("css selector", f"{search} input"))
    driver.find_element("css selector", f"{search} input").send_keys("deploy")
    driver.find_element("css selector", f"{search} button").click()
    wait_for(lambda: driver.find_elements("css selector", ".view.home button.no"))
    _clip(driver, "slack-home", ".view.home", 560)


def _clip(driver: Any, name: str, selector: str, most: int) -> None:
    """Take a picture of one element, of its first `most` pixels."""
    driver.execute_async_script("setTimeout(arguments[0], 1500)")
    box = driver.execute_script(
        "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'});"
        "const b = e.getBoundingClientRect();"
        "return [b.x + scrollX, b.y + scrollY, b.width, b.height]",
        selector,
    )
    x, y, width, height = box
    clip = {"x": x, "y": y, "width": width, "height": min(height, most), "scale": 1}
    asked = {"format": "png", "clip": clip, "captureBeyondViewport": True}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]
    (ROOT / f"docs/{name}.png").write_bytes(base64.b64decode(taken))
    print(f"docs/{name}.png")


if __name__ == "__main__":
    sys.exit(main())
