"""Asks for JSON of a schema; used by every wire format."""

import json

from shared.events import Json

#: The tool whose arguments are the typed answer, where a provider has no better way.
ANSWER = "give_answer"

#: Holds an answer of another type than object: providers take objects only.
VALUE = "value"


def as_object(schema: Json) -> Json:
    """Return the schema of an object as it is, any other inside that of `{"value": …}`."""
    if schema.get("type") == "object":
        return schema
    return {
        "type": "object",
        "properties": {VALUE: schema},
        "required": [VALUE],
        "additionalProperties": False,
    }


def is_strict(schema: object) -> bool:
    """Tell whether `schema` fits OpenAI's strict mode: each object closed, each key required.

    https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return all(is_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(schema.get("properties", ())):
            return False
    return all(is_strict(part) for part in schema.values())


def json_instruction(schema: Json) -> str:
    """Return the sentences that ask for JSON of `schema` in words."""
    written = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. It must fit this JSON schema: {written}"
