"""Checks what an app wants to show as Slack does: blocks, texts and metadata, with their limits."""

import json
from typing import Any

from infra.local.sandbox.slack.workspace import Refusal
from shared.events import Json

#: Longer texts are cut. https://api.slack.com/changelog/2018-04-truncating-really-long-messages
TEXT = 40_000
#: The most characters in all markdown blocks of a message, and in `markdown_text`.
MARKDOWN = 12_000
#: The most characters in `text` of chat.update.
UPDATED_TEXT = 4_000
#: Measured by others, not documented: https://github.com/slackapi/bolt-js/issues/2509
_SERIALISED = 13_200
_METADATA = 16_000
_BLOCKS = 50
_KINDS = {
    "actions", "alert", "call", "card", "carousel", "context", "context_actions", "data_table",
    "divider", "file", "header", "image", "input", "markdown", "plan", "rich_text", "section",
    "table", "task_card", "video",
}  # fmt: skip
#: The most characters in the `text` of a block.
_TEXTS = {"section": 3_000, "header": 150}
#: The most elements of an actions block, and characters of a button's text and value.
_ELEMENTS, _LABEL, _VALUE = 25, 75, 2_000


def parsed(value: Any, error: str) -> Any:
    """A nested argument: JSON in a form's field, or already JSON; refused with `error`."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refusal(error) from None


def checked_blocks(value: Any) -> list[Json]:
    """The blocks of a message; raises Refusal where Slack would."""
    blocks = parsed(value, "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    complaints = [c for n, block in enumerate(blocks) if (c := _complaint(n, block))]
    if len(blocks) > _BLOCKS:
        complaints.append("no more than 50 items allowed [json-pointer:/blocks]")
    if sum(map(_markdown_length, blocks)) > MARKDOWN:
        complaints.append(f"must be less than {MARKDOWN + 1} characters [json-pointer:/blocks]")
    if complaints:
        raise Refusal("invalid_blocks", response_metadata={"messages": complaints})
    if len(json.dumps(blocks, ensure_ascii=False)) > _SERIALISED:
        raise Refusal("msg_blocks_too_long")
    return [{"block_id": f"b{n}", **block} for n, block in enumerate(blocks)]


def checked_metadata(value: Any) -> Json:
    """The metadata of a message; raises Refusal where Slack would."""
    metadata = parsed(value, "invalid_metadata_format")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    if not metadata.get("event_type"):
        raise Refusal("invalid_metadata_schema")
    if len(json.dumps(metadata)) > _METADATA:
        raise Refusal("metadata_too_large")
    return metadata


def _complaint(number: int, block: Any) -> str:
    """What is wrong with one block, in Slack's words, or the empty string."""
    at = f"[json-pointer:/blocks/{number}"
    if not isinstance(block, dict) or block.get("type") not in _KINDS:
        return f"unsupported type {at}/type]"
    kind, text = block["type"], block.get("text")
    if kind == "markdown":
        return (
            "" if isinstance(text, str) and text.strip() else f"missing required field {at}/text]"
        )
    if kind in _TEXTS and (kind == "header" or "fields" not in block):
        if not isinstance(text, dict) or not text.get("text"):
            return f"missing required field {at}/text]"
        if len(text["text"]) > _TEXTS[kind]:
            return f"must be less than {_TEXTS[kind] + 1} characters {at}/text]"
    return _complaint_of_buttons(block, at) if kind == "actions" else ""


def _complaint_of_buttons(block: Json, at: str) -> str:
    """https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return f"missing required field {at}/elements]"
    if len(elements) > _ELEMENTS:
        return f"no more than {_ELEMENTS} items allowed {at}/elements]"
    for number, element in enumerate(elements):
        if element.get("type") == "button":
            label = element.get("text", {}).get("text", "")
            if not 0 < len(label) <= _LABEL or len(element.get("value", "")) > _VALUE:
                return f"must be less than {_VALUE + 1} characters {at}/elements/{number}]"
    return ""


def _markdown_length(block: Any) -> int:
    if not isinstance(block, dict) or block.get("type") != "markdown":
        return 0
    return len(block["text"]) if isinstance(block.get("text"), str) else 0
