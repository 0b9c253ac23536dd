"""A person and the sandbox page: what they type stays, what they do happens, all is shown."""

from typing import Any

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, GENERAL, SUPPORT, TEAM
from shared.actions import Mark
from shared.actions.slack.actions import Button, Card
from shared.events import Thread
from tests.actions.slack.sandbox_thread import connect
from tests.browser.chromium import absent
from tests.browser.looker import SHOP, Looker

HOSTILE = (
    "<img src=x onerror=alert(1)><script>document.title='taken'</script>"
    " [a](javascript:alert(1)) <a href='javascript:alert(1)'>b</a> <svg onload=alert(1)>"
    " </textarea></form><iframe srcdoc='<script>alert(1)</script>'></iframe>"
)
RUN = "1e788c0000000000abcd"
ISSUE = f'[id="{SHOP}/issues/1"]'
PULL = f'[id="{SHOP}/pull/1"]'
NEW_PULL = ".new details[data-key=pull]"


def test_hostile_text_is_shown_as_text_everywhere(looker: Looker) -> None:
    """The one that the default run has: the page draws, and nothing from outside runs."""
    looker.github.open_issue(SHOP, HOSTILE, HOSTILE, "visitor")
    looker.github.add_label(SHOP, HOSTILE[:50])
    looker.github.edit_issue(SHOP, 1, labels=[HOSTILE[:50]])
    looker.github.comment(SHOP, 1, f"```\n{HOSTILE}\n```\n\n<details><summary>{HOSTILE}</summary>x")
    files = {f"{HOSTILE}.md".replace("/", "|"): HOSTILE}
    looker.github.open_pull_request(SHOP, HOSTILE, HOSTILE, head="fix", files=files)
    looker.slack.say(GENERAL, HOSTILE)
    looker.slack.workspace.whisper(GENERAL, ALICE, text=HOSTILE)
    looker.has_run(RUN, "failed", HOSTILE)
    looker.open()
    looker.sees(ISSUE, "onerror")
    texts = looker.script("return document.body.innerText")
    assert texts.count("<img src=x onerror=alert(1)>") >= 7
    assert looker.driver.title == "Agent Flows · sandbox"
    assert looker.all("main img, main script, main svg, main iframe, a[href^=javascript]") == []


def test_a_machine_without_a_browser_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "./scripts/browser" in absent() or "apt install chromium" in absent()


@pytest.mark.usefixtures("whole")
def test_focus_and_text_stay_while_the_page_changes(looker: Looker) -> None:
    looker.github.open_issue(SHOP, "First", "It crashes.")
    looker.open()
    field = looker.type(f"{ISSUE} .composer textarea", "half a sent")
    looker.script("arguments[0].setSelectionRange(2, 5)", field)
    for number in range(3):  # above, below and beside what is being typed
        looker.github.open_issue(SHOP, f"Later {number}")
        looker.github.comment(SHOP, 1, f"Comment {number}", "li")
        looker.slack.say(GENERAL, f"Message {number}")
        looker.sees(f"{ISSUE} .said", f"Comment {number}")
        looker.sees(".channel .said", f"Message {number}")
    looker.github.edit_issue(SHOP, 1, title="First, renamed")
    looker.sees(f"{ISSUE} > summary", "First, renamed")
    now = looker.script(
        "const f = document.activeElement; return [f, f.value, f.selectionStart, f.selectionEnd]"
    )
    assert now == [field, "half a sent", 2, 5]


@pytest.mark.usefixtures("whole")
def test_a_refused_form_keeps_everything_and_says_why(looker: Looker) -> None:
    looker.expected = ("400 (BAD REQUEST)",)
    looker.open()
    looker.sees(NEW_PULL).click()
    fields = {"title": "Mend it", "branch": "two words", "path": "src/a.py", "content": "a = 1"}
    for name, words in fields.items():
        looker.type(f"{NEW_PULL} [name={name}]", words)
    looker.sees(f"{NEW_PULL} form > button:not(.plain)").click()
    looker.sees(f"{NEW_PULL} .refusal[role=alert]", "is no name of a branch")
    looker.github.open_issue(SHOP, "Meanwhile")
    looker.sees(ISSUE, "Meanwhile")

    def kept() -> dict[str, str]:
        return {n: looker.find(f"{NEW_PULL} [name={n}]").get_property("value") for n in fields}

    assert kept() == fields
    assert looker.find(f"{NEW_PULL} .refusal").text
    looker.type(f"{NEW_PULL} [name=branch]", "fix/words")
    assert looker.find(f"{NEW_PULL} .refusal").text == ""
    looker.sees(f"{NEW_PULL} form > button:not(.plain)").click()
    looker.sees(f'[id="{SHOP}/pull/2"]', "Mend it")
    looker.until(lambda: not any(kept().values()), "empty fields")


@pytest.mark.usefixtures("whole")
def test_text_stays_when_the_system_is_gone(looker: Looker) -> None:
    looker.expected = ("ERR_CONNECTION_REFUSED",)
    looker.open()
    field = looker.type(".channel .composer textarea", "Hello?")
    looker.server.stop()
    looker.sees("#link.off", "not running")
    field.send_keys("\n")
    looker.sees(".channel .refusal", "does not answer")
    assert field.get_property("value") == "Hello?"


@pytest.mark.usefixtures("whole")
def test_enter_sends_and_shift_enter_and_composing_do_not(looker: Looker) -> None:
    from selenium.webdriver.common.keys import Keys

    looker.open()
    field = looker.type(f"[data-key={GENERAL}] > .composer textarea", "@agent one")
    field.send_keys(Keys.SHIFT, Keys.ENTER, Keys.NULL, "two")
    compose = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true})"
    looker.script(f"arguments[0].dispatchEvent({compose})", field)
    assert looker.slack.messages(GENERAL) == []
    field.send_keys(Keys.ENTER)
    looker.sees(".channel .said", "two")
    assert looker.slack.messages(GENERAL)[0]["text"] == f"<@{BOT_USER}> one\ntwo"
    looker.until(lambda: field.get_property("value") == "", "an empty field")


@pytest.mark.usefixtures("whole")
def test_a_slash_command_and_its_whispered_answer_are_shown(looker: Looker) -> None:
    looker.expected = ("400 (BAD REQUEST)",)
    looker.open()
    looker.sees(".hints")
    looker.script("document.querySelector('.hints').open = true")
    looker.sees(".hint", "/remember").click()
    field = looker.driver.switch_to.active_element
    assert field.get_property("value") == "/remember we deploy on Tuesdays"
    field.send_keys("\n")
    looker.sees(".said.only", "/remember we deploy on Tuesdays")
    looker.slack.workspace.whisper(SUPPORT, ALICE, text="I keep it as a fact.")
    assert "only alice sees this" in looker.sees(".said.only.bot", "I keep it").text
    field.send_keys("/nope\n")
    looker.sees(".channel .refusal", "is no command")
    assert field.get_property("value") == "/nope"


@pytest.mark.usefixtures("whole")
def test_a_pull_request_is_opened_shown_and_pushed_to(looker: Looker) -> None:
    looker.open()
    looker.sees(NEW_PULL).click()
    for name, words in (("title", "Mend 购物车"), ("branch", "fix/cart"), ("body", "**Why**")):
        looker.type(f"{NEW_PULL} [name={name}]", words)
    looker.sees("[data-more]", "another file").click()
    for path, place in (("src/cart.py", 1), ("docs/说明.md", 2)):
        row = f"{NEW_PULL} .file-fields:nth-child({place})"
        looker.type(f"{row} [name=path]", path)
        looker.type(f"{row} [name=content]", f"line of {path}")
    looker.sees(f"{NEW_PULL} form > button:not(.plain)").click()
    shown = looker.sees(PULL, "Mend 购物车")
    assert "fix/cart → main" in shown.text
    assert "1 commit, +2 −0" in shown.text
    looker.sees(f'{PULL} .file[data-key="src/cart.py"] summary').click()
    assert looker.sees(f"{PULL} .diff .added").text == "+line of src/cart.py"
    looker.sees(f"{PULL} .push summary").click()
    path = looker.type(f"{PULL} .push [name=path]", "src/cart.py")
    looker.script("arguments[0].dispatchEvent(new Event('change', {bubbles: true}))", path)
    content = looker.sees(f"{PULL} .push [name=content]")
    looker.until(lambda: content.get_property("value") == "line of src/cart.py\n", "the file")
    content.send_keys("and one more\n")
    looker.sees(f"{PULL} .push form > button:not(.plain)").click()
    looker.sees(PULL, "2 commits, +3 −0")
    commits = looker.github.commits(SHOP, "fix/cart")
    assert [one["author"] for one in commits] == ["maria"] * 3


@pytest.mark.usefixtures("whole")
def test_a_failing_check_is_reported_and_asked_about(looker: Looker) -> None:
    looker.github.open_pull_request(SHOP, "Mend it", head="fix", files={"a.py": "a = 1\n"})
    looker.open()
    check = f"{PULL} details[data-key=check]"
    looker.sees(f"{check} summary").click()
    looker.type(f"{check} [name=name]", "unit tests")
    looker.type(f"{check} [name=log]", "ERROR: no")
    looker.sees(f"{check} form > button").click()
    looker.sees(f"{PULL} .check", "unit tests")
    looker.sees(f"{PULL} .orders button:last-of-type", "/why-red").click()
    looker.until(lambda: looker.github.issue(SHOP, 1)["comments"], "the order")
    [order] = looker.github.issue(SHOP, 1)["comments"]
    assert (order["body"], order["user"]["login"]) == ("/why-red", "maria")


@pytest.mark.usefixtures("whole")
def test_a_long_message_is_folded_until_it_is_wanted(looker: Looker) -> None:
    long = "\n".join(f"line {number}" for number in range(200))
    looker.github.open_issue(SHOP, "Long", f"{long}\n\nthe end")
    looker.github.comment(
        SHOP, 1, f"Short, <details><summary>but</summary>\n\n{long}\n\n</details>"
    )
    looker.open()
    fold = looker.sees(f"{ISSUE} .fold", "Show all of it (202 lines)")
    assert len(looker.all(f"{ISSUE} .fold")) == 1
    assert looker.find(f"{ISSUE} .said").size["height"] < 450
    assert "the end" not in looker.find(f"{ISSUE} .said").text
    fold.click()
    looker.sees(f"{ISSUE} .text", "the end")
    looker.github.comment(SHOP, 1, "Later")
    looker.sees(f"{ISSUE} .said", "Later")
    looker.sees(f"{ISSUE} .text", "the end")
    assert looker.find(f"{ISSUE} .fold").get_attribute("aria-expanded") == "true"
    looker.sees(f"{ISSUE} .fold", "Show less").click()
    looker.until(lambda: "the end" not in looker.find(f"{ISSUE} .said").text)


@pytest.mark.usefixtures("whole")
def test_details_open_and_stay_open(looker: Looker) -> None:
    body = (
        "<details><summary>OpenIssue on acme/shop</summary>\n\nbody:\n\n```\nx\n```\n\n</details>"
    )
    looker.github.open_issue(SHOP, "Ask", body)
    looker.open()
    inside = f"{ISSUE} details.folded pre"
    assert not looker.find(inside).is_displayed()
    looker.sees(f"{ISSUE} details.folded summary", "OpenIssue on acme/shop").click()
    looker.sees(inside, "x")
    looker.github.comment(SHOP, 1, "Later")
    looker.sees(f"{ISSUE} .said", "Later")
    assert looker.find(inside).is_displayed()


@pytest.mark.usefixtures("whole")
def test_approve_and_reject_look_different_and_act(looker: Looker) -> None:
    ts = looker.slack.say(GENERAL, "@agent plan")
    buttons = (
        Button("Approve", "a", "primary"),
        Button("Change", "c"),
        Button("Reject", "r", "danger"),
    )
    card = Card(Thread(TEAM, GENERAL, ts), "p1", "May I?", buttons)
    connect(looker.slack.api_url).perform(card, Mark("k", "plan", 1), None)
    looker.open()
    below = ".said.bot .body > div.buttons"  # not those of its menu
    looker.sees(f"{below} button", "Approve")
    shown = looker.all(f"{below} button")
    colours = {one.text: one.value_of_css_property("background-color") for one in shown}
    assert list(colours) == ["Approve", "Change", "Reject"]
    assert len(set(colours.values())) == 3
    looker.find(f"{below} .no").click()
    looker.until(lambda: looker.slack.settle() and looker.slack.attempts[-1].kind == "interaction")


@pytest.mark.usefixtures("whole")
def test_what_the_agent_says_is_announced(looker: Looker) -> None:
    looker.github.open_issue(SHOP, "Crash")
    looker.slack.say(GENERAL, "Hello")
    looker.open()
    region = looker.find("#said[role=status][aria-live=polite]")
    assert region.get_property("textContent") == ""
    looker.slack.workspace.post(GENERAL, BOT_USER, text="I looked into it.")
    looker.until(lambda: "agent in #general: I looked" in region.get_property("textContent"))
    looker.github.comment(SHOP, 1, "Labelled.", looker.github.bot_login)
    looker.until(lambda: "commented on acme/shop#1" in region.get_property("textContent"))
    looker.has_run(RUN, "failed", "the model is away")
    looker.until(lambda: "failed: the model is away" in region.get_property("textContent"))


@pytest.mark.usefixtures("whole")
def test_the_id_of_a_run_leads_to_its_steps(looker: Looker) -> None:
    from selenium.webdriver.common.keys import Keys

    looker.expected = ("404 (NOT FOUND)",)
    looker.has_run(RUN)
    looker.github.open_issue(SHOP, "Crash")
    looker.github.comment(SHOP, 1, f"Bug.\n\n<sub>triage · offline · run {RUN}</sub>", "li")
    looker.open()
    looker.sees(f"{ISSUE} .run-link", RUN[:8]).click()
    shown = looker.sees("dialog[open]", "AddLabels")
    assert "250 ms · small · 9 → 1 tokens · price unknown" in shown.text
    looker.sees(".steps summary", "ask").click()
    looker.sees(".steps pre", '"prompt": "<b>Why?</b>"')
    assert looker.driver.current_url.endswith(f"/run/{RUN}")
    looker.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    looker.sees_no("dialog[open]")
    looker.open(f"/run/{RUN[:6]}")
    looker.sees("dialog[open]", "AddLabels")
    looker.sees("dialog [data-close]").click()
    looker.until(lambda: looker.driver.current_url.endswith(":" + looker.server.url[-5:] + "/"))
    looker.sees(".run", "triage").click()
    looker.sees("dialog[open]", "AddLabels")
    looker.driver.back()
    looker.sees_no("dialog[open]")
    looker.open("/run/ffff")
    looker.sees("dialog[open] .cause", "no such run")


@pytest.mark.usefixtures("whole")
def test_the_address_of_an_issue_leads_to_it(looker: Looker) -> None:
    for number in range(12):
        looker.github.open_issue(SHOP, f"Issue {number + 1}", "text\n\n" * 8)
    looker.slack.say(GENERAL, f"see {looker.server.url}/acme/shop/issues/2")
    looker.open(f"/{SHOP}/issues/1")
    looker.until(lambda: looker.script(_IN_SIGHT, looker.find(ISSUE)), "the issue in sight")
    looker.script("arguments[0].click()", looker.find(".channel .text a"))
    second = looker.find(f'[id="{SHOP}/issues/2"]')
    looker.until(lambda: looker.script(_IN_SIGHT, second), "the other issue in sight")
    assert second.get_attribute("open") is not None
    comments = [looker.github.comment(SHOP, 2, f"{n}\n\n" * 12) for n in range(9)]
    looker.github.comment(
        SHOP, 2, f"see {looker.server.url}/{SHOP}/issues/2#issuecomment-{comments[4]}"
    )
    looker.sees(f'[id="{SHOP}/issues/2"] .text a', "issuecomment")
    looker.script("document.querySelector('.issue .text a').click()")
    meant = looker.find(f'[data-key$=" {comments[4]}"]')
    looker.until(lambda: looker.script(_IN_SIGHT, meant), "the comment in sight")
    assert looker.find("main").get_attribute("data-part") == "github"
    looker.open("/%E0/x/issues/1")  # no UTF-8, and nothing is there
    looker.github.open_issue(SHOP, "It goes on")
    looker.sees(".issue", "It goes on")


@pytest.mark.usefixtures("whole")
def test_dead_letters_are_shown_and_brought_back(looker: Looker) -> None:
    looker.has_run(RUN, "failed", "the model is away")
    body = {"id": f"e{RUN}", "type": "github.issues.opened", "conversation": "github:acme/shop#1"}
    looker.letters.append(
        {"id": "m", "queue": "agent-flows-triage.fifo", "receives": 6, "body": body}
    )
    looker.open()
    dead = looker.sees(".dead", "gave up on github.issues.opened after 6 tries")
    assert "the model is away" in dead.text
    looker.sees(".dead button").click()
    looker.sees_no(".dead")
    assert looker.brought == ["agent-flows-triage.fifo"]


@pytest.mark.usefixtures("whole")
def test_a_command_in_an_answer_fills_the_field(looker: Looker) -> None:
    looker.github.open_issue(SHOP, "Ask", "People's `/reject 1` stays text.")
    looker.github.comment(SHOP, 1, "Answer `/approve 9fe9e7d7`.", looker.github.bot_login)
    looker.open()
    looker.sees(f"{ISSUE} .command", "/approve 9fe9e7d7").click()
    field: Any = looker.driver.switch_to.active_element
    assert field.get_property("value") == "/approve 9fe9e7d7"
    assert len(looker.all(".command")) == 1
    field.send_keys("\n")
    looker.until(lambda: len(looker.github.issue(SHOP, 1)["comments"]) == 2)


_IN_SIGHT = """
const box = arguments[0].getBoundingClientRect();
return box.top >= 0 && box.top < innerHeight / 2;
"""


@pytest.mark.usefixtures("whole")
def test_a_review_is_answered_resolved_reacted_to_and_dismissed(looker: Looker) -> None:
    github = looker.github
    github.push(SHOP, {"a.py": "1\n2\n3\n"})
    number = github.open_pull_request(
        SHOP, "Mend", author="li", head="fix", files={"a.py": "1\nx\n3\n"}
    )
    comments = [{"path": "a.py", "line": 2, "body": HOSTILE}]
    fields: dict[str, Any] = {"event": "REQUEST_CHANGES", "comments": comments}
    github.review(SHOP, number, "No", github.bot_login, **fields)
    looker.open(f"/{SHOP}/pull/{number}")
    thread = f"{PULL} .remarks"
    looker.sees(f"{PULL} .diff + .remarks .said", "onerror")  # below its line, as text
    assert looker.all("main img, main script") == []
    looker.type(f"{thread} .composer textarea", "Why?")
    looker.sees(f"{thread} .composer button").click()
    looker.sees(f"{thread} .said + .said", "Why?")
    looker.sees(f"{thread} .react summary").click()
    looker.sees(f'{thread} .react button[aria-label="-1"]').click()
    looker.sees(f"{thread} .reactions", "👎")
    looker.sees(f"{thread} .turns button", "Resolve").click()
    looker.sees(f"{thread} > summary", "resolved by maria")
    assert not looker.find(f"{thread} .said").is_displayed()  # it folds
    looker.sees(f"{thread} > summary").click()
    looker.sees(f"{thread} .turns button", "Unresolve").click()
    looker.sees(f"{thread} .turns button", "Resolve")
    looker.sees(f"{PULL} .dismiss summary").click()
    looker.type(f"{PULL} .dismiss input", "It is right")
    looker.sees(f"{PULL} .dismiss form button").click()
    looker.sees(f"{PULL} .said .meta", "dismissed: It is right")
    looker.sees(f"{PULL} .push summary").click()
    content = looker.sees(f"{PULL} .push [name=content]")
    looker.until(lambda: content.get_property("value") == "1\nx\n3\n", "the file as it is")
    looker.type(f"{PULL} .push [name=content]", "1\ny\n3\n")
    looker.sees(f"{PULL} .push form > button:not(.plain)").click()
    looker.sees(f"{thread} > summary", "outdated")
    assert looker.find(f"{thread} > .diff").text.endswith("+x")
    looker.sees(f"{PULL} .file > .answer summary").click()
    looker.type(f"{PULL} .file > .answer [name=line]", "3")
    looker.type(f"{PULL} .file > .answer textarea", "And this?")
    looker.sees(f"{PULL} .file > .answer form button").click()
    looker.sees(f"{PULL} .diff + .remarks .said", "And this?")
