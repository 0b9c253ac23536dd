"""Help shows what a person may, where they are; a refusal changes nothing that others read."""

import pytest

from flows.memory import memory
from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database
from shared.events import Event
from shared.perception.commands import COMMANDS, event_types
from shared.perception.helping import help_for
from tests.authority.test_matrix import NEEDS_WRITING
from tests.events.made import an_event
from tests.flows.test_review import FAULTY, PullRequest
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

OF_PULLS = {"review", "describe", "improve", "why-red"}
ALL = ",".join(event_types(*COMMANDS))
ISSUE = an_event(type="github.command.help", text="", payload={"issue": {"number": 7}})
PULL = ISSUE._replace(payload={"issue": {"pull_request": {"url": "…"}}})
PUSHED = ISSUE._replace(payload={"pull_request": {"number": 7}})
SLACK = an_event(type="slack.command.help", source="slack", text="", payload={})


def listed(event: Event, *, writes: bool, taken: str = ALL) -> set[str]:
    lines = help_for(event, lambda type_: type_ in taken.split(","), writes=writes).splitlines()
    return {line.split("`")[1].split(",")[0].split(" ")[0] for line in lines[1:]}


@pytest.mark.parametrize("writes", [True, False])
def test_it_lists_what_this_person_may_give_in_this_place(writes: bool) -> None:
    may = {name for name, needed in NEEDS_WRITING.items() if writes or not needed}
    there = may - {"settings"}  # which only channels have
    assert listed(ISSUE, writes=writes) == there - OF_PULLS
    assert listed(PULL, writes=writes) == listed(PUSHED, writes=writes) == there - {"triage"}
    assert listed(SLACK, writes=writes) == may
    review = "- `review #12` — review a pull request, and link the result here"
    assert (review in help_for(SLACK, lambda _: True, writes=writes)) == writes


def test_it_lists_only_what_some_flow_takes_there() -> None:
    taken = "github.command.review,slack.command.plan,github.command.help"
    assert listed(PULL, writes=True, taken=taken) == {"review", "help"}
    assert listed(ISSUE, writes=True, taken=taken) == {"help"}
    assert listed(SLACK, writes=True, taken=taken) == {"plan"}


@pytest.mark.parametrize(
    ("text", "writes", "said"),
    [
        ("/reveiw", True, "No command `reveiw`. Did you mean `review`?"),
        ("/reveiw", False, ""),  # which they may not give
        ("/frget", False, "No command `frget`. Did you mean `forget`?"),
        ("/ignroe", True, "No command `ignroe`. Did you mean `ignore`?"),
        ("/traige", True, ""),  # which is for issues
    ],
)
def test_a_mistyped_command_is_told_to_who_may_give_it(text: str, writes: bool, said: str) -> None:
    assert help_for(PULL._replace(text=text), lambda _: True, writes=writes) == said


@pytest.mark.parametrize("text", ["review", "/review", "full review"])
def test_help_with_a_command_says_what_that_does(text: str) -> None:
    said = help_for(PULL._replace(text=text), lambda _: True, writes=True)
    assert said.splitlines()[1:] == [
        "- `review, or full review` — review what is new in this pull request, or all of it"
    ]


def test_who_is_refused_changes_nothing_that_stands_there(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    pull.review()
    [summary] = pull.sticky
    for number in range(3):
        pull.runner.deliver(review, pull.event("command.review", delivery=f"{number}", by="eve"))
    kept, refused = pull.sticky
    assert kept == summary
    assert "it needs write permission" in refused
    assert len(pull.get("reviews")) == 1


def test_only_who_may_give_the_command_hears_which_one_they_meant(
    sandbox: GitHubSandbox, database: Database
) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"}, database)
    pull.runner.deliver(memory, pull.event("command.help", body="/reveiw", by="eve"))
    assert pull.sticky == []
    pull.runner.deliver(memory, pull.event("command.help", body="/reveiw"))
    [said] = pull.sticky
    assert said.startswith("No command `reveiw`. Did you mean `review`?")
    pull.runner.deliver(memory, pull.event("command.help", delivery="2", by="eve"))
    assert "`review" not in pull.sticky[1]
    assert "`know SUBJECT`" in pull.sticky[1]
