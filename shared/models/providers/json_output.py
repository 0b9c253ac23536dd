"""Asking for JSON: what every wire format shares."""

import json

from shared.models import Json

#: The tool through which an answer of a schema comes back, where that is how to get one.
ANSWER = "give_answer"

#: Where an answer that is no object is put: providers take objects only.
VALUE = "value"


def as_object(schema: Json) -> Json:
    """Return `schema` itself when it is an object's, else the schema of `{"value": …}`."""
    if schema.get("type") == "object":
        return schema
    return {
        "type": "object",
        "properties": {VALUE: schema},
        "required": [VALUE],
        "additionalProperties": False,
    }


def is_strict(schema: object) -> bool:
    """Does `schema` meet what OpenAI's strict mode asks: every object closed, every key required?

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
    """Return the sentence that asks for JSON of `schema` where only words can."""
    written = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. It must fit this JSON schema: {written}"
