"""Files and links that came with a question, or earlier in its conversation: they are read again
before a sentence cites them, and follow-ups see them."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from flows.memory import memory
from infra.local.sandbox.slack.workspace import GENERAL
from shared.database import Row, Statement
from tests.evidence.team import SHOP, TENANT, Team, after, steps
from tests.hearing.made_files import PNG, pdf

SECRET = "ghp_" + "aB3dE5gH7jK9" * 3
NOTES = ("notes.txt", b"The bell rings at ten.")


class Changed(NamedTuple):
    """What may happen to a source while the model answers, and what is then said."""

    change: Callable[[Team], object]
    told: bool


def file_of(team: Team) -> str:
    return next(iter(team.slack.files._rows))


@pytest.mark.parametrize(
    "case",
    [
        Changed(lambda team: None, True),
        Changed(lambda team: team.slack.files.delete(file_of(team)), False),
        Changed(lambda team: team.slack.files.replace(file_of(team), b"At nine."), False),
        Changed(lambda team: team.slack.fail_next("files.info", "file_deleted"), False),
        Changed(lambda team: team.slack.fail_next("files.info", status=503), False),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_a_file_is_read_again_before_it_is_cited(team: Team, case: Changed, later: bool) -> None:
    event = team.sends("When does the bell ring?", NOTES)
    if later:
        team.says("[talk] I see.")
        team.hears(event)
        event = team.follows_up(event, "So when does it ring?")
    number = 2 if later else 1
    team.says(after(lambda: case.change(team), f"It rings at ten [{number}]. So wait."))
    reply = team.hears(event)
    assert reply.startswith("It rings at ten [1]. So wait.\n" if case.told else "I don't know."), (
        reply
    )


def link_to_issue(team: Team) -> str:
    number = team.github.open_issue(SHOP, "The bell", "It rings at ten.")
    return f"https://github.com/{SHOP}/issues/{number}"


@pytest.mark.parametrize(
    "case",
    [
        Changed(lambda team: None, True),
        Changed(lambda team: team.github.edit_issue(SHOP, 1, body="At nine."), False),
        Changed(lambda team: team.github.set_private(SHOP, private=True), False),
    ],
)
def test_a_link_to_github_is_read_again_before_it_is_cited(team: Team, case: Changed) -> None:
    url = link_to_issue(team)
    team.says(after(lambda: case.change(team), "It rings at ten [1]."))
    reply = team.hears(team.asks(f"When does the bell ring? {url}"))
    assert reply.startswith("It rings at ten [1].\n" if case.told else "I don't know."), reply
    team.github.set_private(SHOP, private=False)


@pytest.mark.parametrize("how", ["stays", "is edited", "is deleted"])
def test_a_link_to_a_message_is_read_again_before_it_is_cited(team: Team, how: str) -> None:
    ts = team.slack.say(GENERAL, "The bell rings at ten.")
    url = f"https://acme.slack.com/archives/{GENERAL}/p{ts.replace('.', '')}"
    change = {
        "stays": lambda: None,
        "is edited": lambda: team.slack.edit(GENERAL, ts, "At nine."),
        "is deleted": lambda: team.slack.delete(GENERAL, ts),
    }[how]
    team.says(after(change, "It rings at ten [1]."))
    reply = team.hears(team.asks(f"When does the bell ring? {url}"))
    assert reply.startswith("It rings at ten [1].\n" if how == "stays" else "I don't know."), reply


def test_follow_ups_see_the_files_and_fetch_no_text_again(team: Team) -> None:
    pytest.importorskip("pypdf")
    files = [NOTES, ("a.csv", b"day,count\nMonday,3\n"), ("b.py", b"def ring():\n    return 10\n")]
    first = team.sends("Look:", *files, ("c.pdf", pdf("The key is under the mat.")))
    team.says("[talk] I see.", "[talk] Yes.")
    team.hears(first)
    fetched = len(team.slack.downloads)
    team.hears(team.follows_up(first, "And now?"))
    shown = team.asked().messages[-1].text
    for text in ("The bell rings at ten.", "| Monday | 3 |", "def ring():", "under the mat"):
        assert text in shown, text
    assert 'source="file notes.txt (sent earlier)" author="@alice" trust="member"' in shown
    assert len(team.slack.downloads) == fetched
    assert team.slack.calls("files.info") == []


def test_other_conversations_do_not_see_them(team: Team) -> None:
    team.says("[talk] I see.", "[talk] Yes.")
    team.hears(team.sends("Look:", NOTES))
    team.hears(team.asks("And now?"))
    assert "The bell" not in team.asked().messages[-1].text


def test_long_and_many_files_are_shown_in_part(team: Team) -> None:
    team.says("[talk] I see.", "[talk] Yes.")
    files = [(f"{n}.txt", f"word{n} {'x' * 9_000}".encode()) for n in range(8)]
    first = team.sends("Look:", *files)
    team.hears(first)
    team.hears(team.follows_up(first, "And now?"))
    shown = team.asked().messages[-1].text
    assert "word0" in shown and "word2" in shown and "word7" not in shown
    assert "the rest is left out" in shown
    assert shown.count("xxx" * 100) <= 24_000 // 300


def test_pictures_are_shown_again_to_models_that_see(team: Team) -> None:
    team.start(model_sees="*")
    team.says("[talk] I see.", "[talk] Yes.")
    first = team.sends("What is this?", ("red.png", PNG))
    team.hears(first)
    assert len(team.asked().messages[-1].images) == 1
    team.hears(team.follows_up(first, "And its colour?"))
    asked = team.asked().messages[-1]
    assert [image.name for image in asked.images] == ["red.png"]
    assert "red.png (png image)" in asked.text


def test_what_is_kept_goes_with_the_conversation(team: Team) -> None:
    team.says("[talk] I see.", "[talk] Yes.")
    first = team.sends("Look:", ("notes.txt", f"The bell rings: token {SECRET}".encode()))
    team.hears(first)
    [kept] = rows(team, "select attached::text as text from turns where role = 'user'")
    assert "The bell rings" in kept["text"] and SECRET not in kept["text"]
    forget = team.asks("me", type="slack.command.forget")
    team.runner.deliver(memory, forget)
    assert rows(team, "select 1 as n from turns") == []
    assert "The bell rings" not in str(steps(team.database, "turns"))
    team.hears(team.follows_up(first, "And now?"))
    assert "The bell rings" not in team.asked().messages[-1].text


def test_forgetting_a_subject_takes_the_files_that_name_it(team: Team) -> None:
    team.says("[talk] I see.")
    team.hears(team.sends("Look:", ("notes.txt", b"Zanzibar is the code name.")))
    team.runner.deliver(memory, team.asks("Zanzibar", type="slack.command.forget"))
    assert rows(team, "select 1 as n from turns where role = 'user'") == []


def rows(team: Team, sql: str) -> list[Row]:
    return team.database.run(TENANT, [Statement(sql, {})])[0]
