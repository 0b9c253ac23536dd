"""Each key has the value of the nearest file that says it well, and everything else is a problem
with its line."""

import json

import jsonschema
import pytest
import yaml

from infra.project import ROOT
from shared.reviewing.finding import SEVERITIES
from shared.team_settings.keys import SECTIONS, keys_of, schema
from shared.team_settings.resolving import Resolved, resolve

SCHEMA = ROOT / "docs" / "agent-flows.schema.json"


def file(text: str, problem: str = "") -> dict[str, str]:
    return {"text": text, "problem": problem}


def resolved(repository: str | None, organisation: str | None = None) -> Resolved:
    files = [None if one is None else file(one) for one in (organisation, repository)]
    found = resolve(*files)
    assert Resolved.of_json(json.loads(json.dumps(found.to_json()))) == found
    return found


def test_without_a_file_all_is_as_it_was() -> None:
    found = resolved(None)
    assert not found.problems
    assert {one.source for one in found.sections["review"].values()} == {"default"}
    assert found.sections["review"]["max_findings"].value == 3


def test_the_repository_goes_before_the_organisation_key_by_key() -> None:
    found = resolved(
        "# ours\nreview:\n  max_findings: 5\n",
        "review:\n  max_findings: 1\n  mode: preview\n",
    )
    review = found.sections["review"]
    assert review["max_findings"] == (5, "repository", 3)
    assert review["mode"] == ("preview", "organisation", 3)
    assert review["wait"] == (60, "default", 0)


def test_what_is_wrong_counts_as_not_said() -> None:
    found = resolved("review:\n  mode: loud\n  wait: 5\n", "review: {mode: off}\n")
    assert found.sections["review"]["mode"] == ("off", "organisation", 1)
    assert found.sections["review"]["wait"] == (5, "repository", 3)
    [problem] = found.problems
    assert problem == ("repository", 2, "`review.mode` must be one of on, preview, off")


@pytest.mark.parametrize("broken", ["review: [", "a: *x", "\x00", "review: {a: 1, a: 2}"])
def test_a_broken_file_leaves_what_the_organisation_says(broken: str) -> None:
    found = resolved(broken, "review: {max_findings: 0}\n")
    assert found.sections["review"]["max_findings"].value == 0
    assert [one.source for one in found.problems] == ["repository"]


def test_a_file_that_could_not_be_read_is_a_problem() -> None:
    found = resolve(None, file("", "it is not text in UTF-8"))
    assert found.problems == (("repository", 0, "it is not text in UTF-8"),)
    assert "larger" in resolve(None, file("#" * 70_000)).problems[0].what


#: Files with what both the code and the schema say of each: is it right?
FILES = {
    "": True,
    "review:\n": True,
    "review: {}\n": True,
    "review: {mode: 'off'}\n": True,
    "review: {mode: preview, ignore: ['docs/', '*.snap'], max_findings: 20}\n": True,
    "review: {language: German, instructions: 'Look for races.', wait: 0}\n": True,
    "review: {minimum_severity: critical}\n": True,
    f"review: {{instructions: {'x' * 2_000}}}\n": True,
    f"review: {{instructions: {'x' * 2_001}}}\n": False,
    f"review: {{language: {'x' * 41}}}\n": False,
    "review: {max_findings: 21}\n": False,
    "review: {max_findings: -1}\n": False,
    "review: {max_findings: '3'}\n": False,
    "review: {max_findings: 2.5}\n": False,
    "review: {max_findings: true}\n": False,
    "review: {max_findings: [3]}\n": False,
    "review: {wait: 3601}\n": False,
    "review: {mode: loud}\n": False,
    "review: {mode: 1}\n": False,
    "review: {mode: }\n": False,
    "review: {ignore: docs/}\n": False,
    "review: {ignore: [1]}\n": False,
    "review: {ignore: [[a]]}\n": False,
    f"review: {{ignore: [{', '.join(['a'] * 101)}]}}\n": False,
    "review: {instructions: {a: b}}\n": False,
    "review: {minimum_severity: CRITICAL}\n": False,
    "review: [mode]\n": False,
    "review: preview\n": False,
    "- review\n": False,
    "review\n": False,
    # What would widen what the deployment allows has no key.
    "review: {model: large}\n": False,
    "review: {budget: 1000}\n": False,
    "review: {may: [CloseIssue]}\n": False,
    "permissions: {contents: write}\n": False,
    "models: {large: gpt}\n": False,
    "tenant: other\n": False,
}


@pytest.mark.parametrize("text", FILES)
def test_code_and_schema_agree(text: str) -> None:
    try:
        jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))
        is_right = True
    except jsonschema.ValidationError:
        is_right = False
    assert is_right is FILES[text]
    assert bool(resolved(text).problems) is not FILES[text]


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(schema())), (
        "run: python -m shared.team_settings.keys > docs/agent-flows.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_default_fits_its_own_key() -> None:
    for section in SECTIONS:
        for name, key in keys_of(section).items():
            assert not key.kind.problem(key.default), name


def test_the_severities_are_those_of_findings() -> None:
    shown = schema()["properties"]["review"]["properties"]["minimum_severity"]["enum"]
    assert shown == [*reversed(SEVERITIES)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("review: {max_findigns: 1}\n", "did you mean `max_findings`?"),
        ("reviews: {}\n", "did you mean `review`?"),
        ("review: {zzz: 1}\n", "known are mode, ignore"),
        ("review: {'`@everyone` \u202e': 1}\n", "`review.@everyone ` is no key"),
    ],
)
def test_a_key_that_is_none_is_told_with_what_was_meant(text: str, says: str) -> None:
    [problem] = resolved(text).problems
    assert says in problem.what
