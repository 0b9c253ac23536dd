"""A deployment whose functions could hold more connections than the database has is refused."""

from typing import Any

import pytest

from infra.deploy import database
from infra.deploy.connections import Sum, connections, read_template, too_many
from infra.local.aws.template import read
from infra.project import ROOT
from shared.settings import Settings

Json = dict[str, Any]
BACKGROUND = {"Ingest", "Retention", "Batches", "Upkeep", "Sweep", "Uninstall"}


@pytest.fixture(scope="module")
def template() -> Json:
    return read_template()


def test_background_flows_hold_two_and_the_others_what_the_settings_say(template: Json) -> None:
    found = connections(template, {"MaxConcurrency": "7", "PlanConcurrency": "9"})
    assert {name: found.by_function[name] for name in BACKGROUND} == dict.fromkeys(BACKGROUND, 2)
    assert found.by_function["Chat"] == found.by_function["Triage"] == 7
    assert (found.by_function["Plan"], found.by_function["Runs"]) == (9, 3)
    assert "Ingress" not in found.by_function
    assert found.unbounded == ()
    assert found.total == sum(found.by_function.values())


def test_the_template_is_read_as_sam_reads_it(template: Json) -> None:
    assert connections(read(ROOT / "template.yaml"), {}) == connections(template, {})


def test_the_defaults_fit_into_a_postgres_of_a_hundred_connections(template: Json) -> None:
    assert connections(template, {}).total <= 97


def test_what_nothing_bounds_is_counted_by_its_map_and_said(template: Json) -> None:
    found = connections(template, {"PlanConcurrency": "0", "RunsConcurrency": "0"})
    assert set(found.unbounded) == {"Plan", "Runs"}
    assert found.by_function["Plan"] == 10 + 4 * 5  # its queue, and maps of five in four plans
    assert all("nothing bounds" in note for note in database.notes({"notes": []}, found))


def test_too_many_are_refused_with_the_sum(template: Json) -> None:
    held = connections(template, {"MaxConcurrency": "100"})
    word = too_many(held, 97, "the database")
    assert word.startswith(f"the functions may hold {held.total} (Chat 100 + Triage 100 + ")
    assert "leaves them 97: lower MAX_CONCURRENCY" in word


@pytest.mark.parametrize(
    ("facts", "setting", "stops"),
    [
        ({"connections": 97}, "", ""),
        ({"connections": 10}, "", "the database leaves them 10"),
        ({"connections": 10}, "500", ""),
        ({"connections": 500}, "11", "DATABASE_CONNECTIONS leaves them 11"),
        ({}, "", ""),
    ],
)
def test_a_poolers_limit_is_said_by_a_setting(facts: Json, setting: str, stops: str) -> None:
    settings = Settings(database_connections=setting)
    found = database.problems({"problems": [], **facts}, Sum({"Chat": 12}), settings)
    assert [stops in one for one in found] == ([True] if stops else [])
