"""The texts that plans of the offline model ask for: of whatever was found, for people, no JSON."""

import json
import re
from typing import Any

import pytest

from shared.events import Json
from shared.models import ChatMessage, ModelRequest
from shared.models.found_text import found_text
from shared.models.offline.model import connect
from shared.models.offline.plans.tasks import BODY, LIST, SUMMARY, TITLE
from shared.models.prompts import data, system
from shared.settings import Settings

ISSUE: Json = {
    "number": 7,
    "title": "Login fails",
    "state": "open",
    "author": "maria",
    "text": "Since v1.2 the page of app.py is blank.",
    "url": "https://github.com/acme/shop/issues/7",
    "comments": [
        {"author": "zed", "text": 'He said "no".\n\nIt is broken.', "at": "", "url": ""},
        {"author": "maria", "text": "/plan label it", "at": "", "url": ""},
        {"author": "bot", "text": "✅ Done.\n\nPlan `0123456789abcdef0123`", "at": "", "url": ""},
    ],
    "complete": True,
}
FOUND: Json = {"items": [ISSUE | {"number": n} for n in range(1, 31)], "total": 34}
LABELS: Json = {"items": [{"name": "bug", "description": "It is [broken](http://evil.test)"}]}
COMMITS: Json = {
    "items": [{"sha": "a1", "message": "Fix it\n\nAll of it", "url": "https://x.test/a"}]
}
FILE: Json = {"path": "app.py", "text": "x = '''```'''", "url": "https://x.test/app.py"}
THREAD: Json = {"items": [{"author": "U1", "text": "The refund is late.", "at": "1.1"}]}


def write(task: str, material: Any) -> str:
    shown = data("text", json.dumps(material, ensure_ascii=False))
    request = ModelRequest((ChatMessage("user", shown),), system(task))
    return connect(Settings()).reply(request, 5).text


@pytest.mark.parametrize("task", [SUMMARY, LIST, TITLE, BODY, "Group them by author"])
@pytest.mark.parametrize(
    "material",
    [
        ISSUE,
        FOUND,
        LABELS,
        COMMITS,
        FILE,
        THREAD,
        [FOUND, LABELS],
        {"items": []},
        {},
        [],
        "text",
        3,
    ],
)
def test_whatever_was_found_no_text_is_json(task: str, material: Any) -> None:
    told = write(task, material)
    assert told.strip()
    assert not re.search(r'[{\[]"|": |\\n|\$from|\[shortened\]', told)
    assert task != TITLE or "\n" not in told


def test_an_issue_is_summarised_by_its_own_words_and_those_of_people() -> None:
    told = write(SUMMARY, ISSUE).split("\n\n(Offline model")[0]
    assert "Since v1.2 the page of app.py is blank." in told
    assert "/plan" not in told
    assert "Plan `" not in told


def test_a_follow_up_names_what_it_follows() -> None:
    assert write(TITLE, ISSUE) == "Follow-up: Login fails"
    assert write(BODY, ISSUE).startswith(
        "Follow-up to #7 (https://github.com/acme/shop/issues/7).\n\n"
    )


def test_what_was_found_is_a_list_with_links_and_the_number_that_is_left_out() -> None:
    lines = write(LIST, FOUND).splitlines()
    link = "[#1 Login fails](https://github.com/acme/shop/issues/1)"
    assert lines[0] == f"- {link.replace('issues/1', 'issues/7')} — open, by maria"
    assert lines[-1] == "- … and 24 more"
    assert write(LIST, {"items": []}) == "Nothing was found."
    assert write(LIST, LABELS) == "- bug — It is (broken)(http://evil.test)"
    assert write(LIST, COMMITS) == "- [Fix it](https://x.test/a)"


def test_a_list_that_was_cut_off_in_its_middle_is_still_read() -> None:
    many = {"items": [ISSUE | {"number": n, "text": "It fails. " * 200} for n in range(40)]}
    assert len(json.dumps(many)) > 24_000
    assert write(LIST, many).startswith("- [#0 Login fails](")


def test_a_file_cannot_leave_its_fence() -> None:
    assert found_text(FILE).splitlines() == [
        "[app.py](https://x.test/app.py)",
        "",
        "````",
        "x = '''```'''",
        "````",
    ]
