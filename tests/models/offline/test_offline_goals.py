"""Goals as people write them: several issues, other languages, labels in many forms."""

from typing import Any

import pytest

from tests.models.offline.test_offline_planning import SUMMARY, deeds


def put(*labels: str, **where: Any) -> tuple[str, Any]:
    return ("add_labels", {"labels": [*labels], **where})


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("label issues 12, 13 and 14 as ui", [put("ui", number=n) for n in (12, 13, 14)]),
        ("label #12 and 3 others as ui", [put("ui", number=12)]),
        (
            "Comment on #12, #13 and #14: fixed in v2.0.1",
            [("comment", {"body": "Fixed in v2.0.1", "number": n}) for n in (12, 13, 14)],
        ),
        ("comment on #13 with a summary of #12", [("comment", SUMMARY | {"number": 13})]),
        ("assign ada to #1 and #2", [("assign", {"people": ["ada"], "number": n}) for n in (1, 2)]),
        ("给#12加上bug标签", [put("bug", number=12)]),
        ("#12にbugラベルを付けて", [put("bug", number=12)]),
    ],
)
def test_each_issue_that_a_goal_names_gets_its_own_step(goal: str, expected: Any) -> None:
    assert deeds(goal) == expected


@pytest.mark.parametrize(
    "goal",
    [
        "Füge das Label bug hinzu",
        "Étiquette ce ticket « bug », ne commente pas",
        "Ajoute l'étiquette bug",
        "Étiquetez ce ticket comme bug",
        "Añade la etiqueta bug",
        "Etiquete esto como bug, no comente nada",
        "これにbugラベルを付けて",
        "ラベル bug を付けて",
        'Please add "bug" as a label.',
        "add bug as a label",
        "label it as bug instead of question",
        "label it as bug rather than question or docs",
    ],
)
def test_a_label_is_put_in_any_words(goal: str) -> None:
    assert deeds(goal) == [put("bug")]


@pytest.mark.parametrize(
    ("goal", "labels"),
    [
        ("label this priority: high", ["priority: high"]),
        ("label this as type: bug", ["type: bug"]),
        ("add labels: bug, area/api", ["bug", "area/api"]),
        ("label this: bug, v1.2.3", ["bug", "v1.2.3"]),
    ],
)
def test_a_colon_may_stand_in_a_label(goal: str, labels: list[str]) -> None:
    assert deeds(goal) == [put(*labels)]


def test_what_is_opened_has_its_labels_in_other_languages_too() -> None:
    for goal in (
        'Erstelle ein Ticket namens "Absturz" mit dem Label bug',
        'Crée un ticket "Absturz" avec l\'étiquette bug',
    ):
        [(tool, arguments)] = deeds(goal)
        assert (tool, arguments["title"], arguments["labels"]) == ("open_issue", "Absturz", ["bug"])


def test_a_text_that_is_written_as_a_comment_is_said() -> None:
    for goal in ("read a/b.py and summarise it in a comment", "Résumez ceci dans un commentaire"):
        assert deeds(goal) == [("comment", SUMMARY)], goal


def test_a_search_keeps_the_label_that_it_names() -> None:
    for goal in ("show me the open issues with label bug", "find open issues labeled as `bug`"):
        assert deeds(goal) == [("search_issues", {"words": "is:open label:bug"})], goal


def test_an_address_stays_as_it_is() -> None:
    [(_, arguments)] = deeds("open an issue about https://example.com/a.b?c=d")
    assert arguments["title"] == "https://example.com/a.b?c=d"


def test_what_is_to_be_asked_is_not_left_out_in_silence() -> None:
    *_, (tool, arguments) = deeds("thank the author and ask for logs")
    assert tool == "write_text" and "ask for logs" in arguments["task"]


@pytest.mark.parametrize(
    "goal",
    [
        "label all open issues about login as auth",
        "label every issue as bug",
        "label neither bug nor question",
        "label",
        "assign",
        "open an issue",
    ],
)
def test_what_names_nothing_or_too_much_is_asked_about(goal: str) -> None:
    [(tool, arguments)] = deeds(goal)
    assert tool == "write_text" and arguments["task"].startswith("Ask what to do")


def test_names_of_labels_keep_their_signs() -> None:
    assert deeds("label this as c++, .net and c#") == [put("c++", ".net", "c#")]
    assert deeds("label as bug (not as question)") == [put("bug")]


def test_people_are_no_pronouns() -> None:
    for goal in ("Weise das ada zu", "Assigne ada à ce ticket", "Asigna esto a ada"):
        assert deeds(goal) == [("assign", {"people": ["ada"]})], goal


def test_what_is_said_goes_on_with_the_next_sentence() -> None:
    assert deeds("Comment: v2.0.0 fixes it. See CHANGELOG.md. Label it as fixed.") == [
        ("comment", {"body": "v2.0.0 fixes it. See CHANGELOG.md"}),
        put("fixed"),
    ]


def test_two_issues_are_opened_for_two_titles() -> None:
    opened = deeds('open an issue "A. B. C" and an issue "D"')
    assert [arguments["title"] for _, arguments in opened] == ["A. B. C", "D"]


def test_a_list_in_a_comment_is_one_comment() -> None:
    goal = "find all open issues on payments v2.3.1 and list them in a comment"
    assert deeds(goal) == [("comment", {"body": "List what was found."})]


@pytest.mark.parametrize(
    ("goal", "tool", "arguments"),
    [
        ("close the issue", "close_issue", {}),
        ("close #5 as not planned", "close_issue", {"number": 5, "reason": "not_planned"}),
        ("close it as a duplicate", "close_issue", {"reason": "duplicate"}),
        ("reopen issue #5", "reopen_issue", {"number": 5}),
        ("lock issue #5", "lock_issue", {"number": 5}),
        ("remove the label bug", "remove_labels", {"labels": ["bug"]}),
        (
            "remove labels bug and ui from #7",
            "remove_labels",
            {"labels": ["bug", "ui"], "number": 7},
        ),
        ("move #3 to the milestone 2.0.", "set_milestone", {"milestone": "2.0", "number": 3}),
        ('set the milestone "Next year"', "set_milestone", {"milestone": "Next year"}),
    ],
)
def test_what_an_issue_is_turned_to_is_done(
    goal: str, tool: str, arguments: dict[str, object]
) -> None:
    assert deeds(goal) == [(tool, arguments)]


@pytest.mark.parametrize(
    "goal",
    [
        "close all open issues",
        "reopen all closed issues",
        "don't close it",
        "lock this",
        "remove it",
    ],
)
def test_what_is_not_said_exactly_is_not_done(goal: str) -> None:
    assert [name for name, _ in deeds(goal)] == ["write_text"]
