"""`--returns` names a type that answers must fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.bench.schemas import from_schema, returned
from infra.bench.tasks import plain
from shared.errors import AnswerInvalid, SettingsError
from shared.models.answers import typed

VERDICT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "label": {"$ref": "#/$defs/Label"},
        "sure": {"type": "number", "minimum": 0, "maximum": 1, "description": "how sure you are"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "is-spam": {"type": "boolean"},
        "duplicate": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "note": {"type": ["string", "null"], "maxLength": 5},
    },
    "required": ["label", "sure", "tags", "is-spam", "duplicate"],
    "additionalProperties": False,
    "$defs": {"Label": {"enum": ["bug", "feature"]}},
}
ANSWER = {"label": "bug", "sure": 0.5, "tags": ["a"], "is-spam": False, "duplicate": None}


def test_an_answer_that_fits_the_schema_is_read_as_it_is() -> None:
    kind = from_schema(VERDICT)
    assert plain(typed.parse(kind, json.dumps(ANSWER))) == ANSWER
    assert typed.schema_of(kind)["properties"]["sure"]["description"] == "how sure you are"


@pytest.mark.parametrize(
    "change",
    [
        {"label": "other"},
        {"sure": 2},
        {"tags": ["a", "b", "c"]},
        {"is-spam": "no"},
        {"duplicate": 1},
        {"note": "longer"},
    ],
)
def test_an_answer_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AnswerInvalid):
        typed.parse(from_schema(VERDICT), json.dumps(ANSWER | change))


def test_a_schema_need_not_be_an_objects() -> None:
    kind = from_schema({"enum": ["bug", "feature"]})
    assert typed.parse(kind, '{"value": "bug"}') == "bug"
    assert typed.parse(from_schema({"const": 3}), "3") == 3


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^x"},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": ["string", "integer"]},
        {"type": "array"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"enum": [1.5]},
        {},
    ],
)
def test_a_schema_that_answers_cannot_be_held_to_is_refused(
    schema: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    with pytest.raises(SettingsError, match="--returns"):
        returned("schema.json", file)


def test_a_type_is_named_by_its_module(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert returned("flows.triage:TriageVerdict", missing).__name__ == "TriageVerdict"
    for wrong in ("flows.triage:Nothing", "no.such.module:Type", "schema.json", "os:path"):
        with pytest.raises(SettingsError, match="--returns"):
            returned(wrong, missing)


def test_no_name_is_plain_text(tmp_path: Path) -> None:
    assert returned("", tmp_path) is str
