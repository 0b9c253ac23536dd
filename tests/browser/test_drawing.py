"""The modules of the page: Markdown as nodes, one tree of nodes turned into another, all on every
screen."""

import json
from pathlib import Path

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, GENERAL
from shared.actions import Mark
from shared.actions.slack.actions import Button, Card
from shared.events import Thread
from tests.actions.slack.sandbox_thread import connect
from tests.browser.looker import SHOP, Looker

pytestmark = pytest.mark.usefixtures("whole")

HERE = Path(__file__).parent
#: What is written on each platform with the HTML that is shown for it; and what makes careless
#: patterns `slow`, when it is repeated.
MARKDOWN = json.loads((HERE / "markdown.json").read_text("utf-8"))


def test_markdown_is_shown_as_nodes(looker: Looker) -> None:
    looker.open()
    show = """
        const [cases, how] = given;
        const bare = (node) => {
          for (const one of node.querySelectorAll("*"))
            for (const { name } of [...one.attributes]) one.removeAttribute(name);
          return node.getHTML();
        };
        return cases.map((text) => bare(dom.make("div", {}, ...markdown.written(text, how))));
    """
    for platform in ("GitHub", "Slack"):
        cases = MARKDOWN[platform]
        how = {"slack": platform == "Slack"}
        shown = looker.module(show, [text for text, _ in cases], how)
        assert shown == [html for _, html in cases]


def test_no_text_makes_the_page_slow(looker: Looker) -> None:
    looker.open()
    measure = """
        return given[0].map((text) => {
          const start = performance.now();
          markdown.written(text.repeat(60000 / text.length));
          return [text, Math.round(performance.now() - start)];
        });
    """
    looker.driver.set_script_timeout(120)
    times = looker.module(measure, MARKDOWN["slow"])
    assert [one for one in times if one[1] > 3000] == []


def test_one_tree_becomes_any_other_and_keeps_what_has_its_key(looker: Looker) -> None:
    looker.open()
    problems = looker.module((HERE / "trees.js").read_text("utf-8"))
    assert problems == []


def _busy(looker: Looker) -> None:
    """Fill the page with everything that it can show, in words too long for a phone."""
    long = "a_very_long_word_" * 20
    looker.github.open_issue(
        SHOP, f"登录失败 {long[:240]}", f"`{long}`\n\n```\n{long}\n```\n{long}"
    )
    looker.github.edit_issue(SHOP, 1, labels=["bug", "question", "enhancement", long[:50]])
    looker.github.comment(SHOP, 1, f"|{long}|b|\n|-|-|\n|1|2|", looker.github.bot_login)
    looker.github.open_pull_request(SHOP, long[:200], head=long[:99], files={f"{long}.py": long})
    ts = looker.slack.say(GENERAL, f"@agent {long} 很{'长' * 200}")
    looker.slack.workspace.react(GENERAL, ts, BOT_USER, "eyes", add=True)
    looker.slack.workspace.whisper(GENERAL, ALICE, text=long)
    buttons = (Button("Approve", "a", "primary"), Button("Reject", "r", "danger"))
    card = Card(Thread("T0SANDBOX", GENERAL, ts), "p1", long, buttons)
    connect(looker.slack.api_url).perform(card, Mark("k", "plan", 1), None)
    looker.has_run("1e788c0000000000abcd", "failed", long)
    looker.has_run("2e788c0000000000abcd", "done")
    looker.letters.append(
        {"id": "m", "queue": f"{long}.fifo", "receives": 6, "body": {"conversation": long}}
    )


def test_a_phone_shows_all_of_it_one_part_at_a_time(looker: Looker) -> None:
    _busy(looker)
    for width in (320, 390, 800, 1100, 1280, 2000):
        looker.screen(width, 800)
        looker.open()
        looker.sees("#github .card")
        looker.script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        phone = width < 700
        for part in ("github", "slack", "runs"):
            if phone:
                looker.sees(f"nav a[href='#{part}']").click()
            seen = [
                one for one in ("github", "slack", "runs") if looker.find(f"#{one}").is_displayed()
            ]
            assert seen == ([part] if phone else ["github", "slack", "runs"])
            wide = looker.script(_WIDER)
            assert not wide, (width, part, wide)
        looker.open("/run/1e788c")
        looker.sees("dialog[open]")
        assert looker.script("return document.documentElement.scrollWidth") == width
        assert looker.script(
            "const d = document.querySelector('dialog'); return d.scrollWidth <= d.clientWidth"
        )


@pytest.mark.parametrize("dark", [False, True])
def test_all_can_be_read_and_has_a_name(looker: Looker, dark: bool) -> None:
    """The contrast that WCAG 2.2 asks for, 4.5 to 1, and a name for whatever can be used.

    https://www.w3.org/TR/WCAG22/#contrast-minimum
    """
    _busy(looker)
    looker.screen(1280, 900, dark=dark)
    looker.open()
    looker.sees("#github .card")
    looker.script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    poor = looker.script(_CONTRAST)
    assert not poor, poor
    nameless = looker.script("""
        return [...document.querySelectorAll("button, input, textarea, select, a[href], summary")]
          .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
          .map((one) => one.outerHTML);
    """)
    assert nameless == []
    looker.open("/run/1e788c")
    looker.sees("dialog[open]")
    poor = looker.script(_CONTRAST)
    assert not poor, poor


_WIDER = """
if (document.documentElement.scrollWidth <= innerWidth) return [];
return [...document.querySelectorAll("main *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
  .map((one) => `${one.tagName}.${one.className}`).slice(0, 9);
"""
_CONTRAST = (HERE / "contrast.js").read_text("utf-8")
