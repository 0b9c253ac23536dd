"""Checks views against Slack's limits. Slack answers `invalid_arguments` with the places.

https://docs.slack.dev/reference/views/modal-views
https://docs.slack.dev/reference/methods/views.open
"""

import json
from collections.abc import Iterator
from typing import Any

from infra.local.sandbox.slack.blocks import parsed
from infra.local.sandbox.slack.workspace import Refusal
from shared.events import Json

#: Bytes of a view, its blocks, and characters of its texts.
_SIZE, _BLOCKS, _TITLE, _METADATA, _ID = 250_000, 100, 24, 3_000, 255
#: Blocks that views take. https://docs.slack.dev/reference/block-kit/blocks
_KINDS = {
    *("actions", "alert", "card", "carousel", "context", "divider", "header", "image", "input"),
    *("rich_text", "section", "table", "video"),
}
#: The most characters of a text, by where it stands.
_TEXTS = {"section": 3_000, "header": 150, "label": 2_000, "hint": 2_000}
_OPTION, _VALUE, _OPTIONS, _CHECKS, _INPUT = 75, 150, 100, 10, 3_000


def checked_view(value: Any, kinds: tuple[str, ...]) -> Json:
    """Return a view; raises Refusal where Slack would."""
    view = parsed(value, "invalid_arguments")
    if not isinstance(view, dict):
        raise Refusal("invalid_arguments")
    if len(json.dumps(view, ensure_ascii=False).encode()) > _SIZE:
        raise Refusal("view_too_large")
    complaints = [f"[ERROR] {said}" for said in _complaints(view, kinds)]
    if complaints:
        raise Refusal("invalid_arguments", response_metadata={"messages": complaints})
    blocks = [{"block_id": f"b{n}", **block} for n, block in enumerate(view["blocks"])]
    return {**view, "blocks": blocks}


def _complaints(view: Json, kinds: tuple[str, ...]) -> Iterator[str]:
    blocks = view.get("blocks")
    if view.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)} [json-pointer:/view/type]"
    if not isinstance(blocks, list):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    if len(blocks) > _BLOCKS:
        yield f"no more than {_BLOCKS} items allowed [json-pointer:/view/blocks]"
    if view.get("type") == "modal":
        yield from _of_modal(view, blocks)
    for name, most in (("private_metadata", _METADATA), ("callback_id", _ID), ("external_id", _ID)):
        if len(view.get(name) or "") > most:
            yield f"must be less than {most + 1} characters [json-pointer:/view/{name}]"
    seen = [b["block_id"] for b in blocks if isinstance(b, dict) and "block_id" in b]
    if len(seen) != len({*seen}):
        yield "block_id values must be unique [json-pointer:/view/blocks]"
    for number, block in enumerate(blocks):
        for said in _of_block(block):
            yield f"{said} [json-pointer:/view/blocks/{number}]"


def _of_modal(view: Json, blocks: list[Json]) -> Iterator[str]:
    for name in ("title", "submit", "close"):
        text = view.get(name)
        if text is None and name != "title":
            continue
        if not isinstance(text, dict) or text.get("type") != "plain_text" or not text.get("text"):
            yield f"missing required field: {name} [json-pointer:/view]"
        elif len(text["text"]) > _TITLE:
            yield f"must be less than {_TITLE + 1} characters [json-pointer:/view/{name}/text]"
    has_input = any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
    if has_input and not view.get("submit"):
        yield "missing required field: submit [json-pointer:/view]"


def _of_block(block: Any) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _KINDS:
        yield f"unsupported type: {kind}"
        return
    texts = {"section": block.get("text"), "header": block.get("text")} if kind != "input" else {}
    named = {name: text for name, text in texts.items() if name == kind}
    if kind == "input":
        named = {name: block[name] for name in ("label", "hint") if name in block}
        if "label" not in block or not isinstance(block.get("element"), dict):
            yield "missing required field: label or element"
            return
    for name, text in named.items():
        words = text.get("text") if isinstance(text, dict) else None
        if not words and not (name == "section" and block.get("fields")):
            yield f"missing required field: {name}"
        elif words and len(words) > _TEXTS[name]:
            yield f"must be less than {_TEXTS[name] + 1} characters"
    elements = [*(block.get("elements") or ()), block.get("element"), block.get("accessory")]
    for element in elements:
        yield from _of_element(element) if isinstance(element, dict) else ()


def _of_element(element: Json) -> Iterator[str]:
    kind = element.get("type")
    if kind in {"static_select", "checkboxes", "overflow", "radio_buttons"}:
        options = element.get("options")
        most = _CHECKS if kind == "checkboxes" else _OPTIONS
        if not isinstance(options, list) or not 0 < len(options) <= most:
            yield f"options must have 1 to {most} items"
            return
        for option in options:
            if not 0 < len(option["text"]["text"]) <= _OPTION:
                yield f"an option's text must have 1 to {_OPTION} characters"
            if not 0 < len(option.get("value", "")) <= _VALUE:
                yield f"an option's value must have 1 to {_VALUE} characters"
        if element.get("initial_option") not in (None, *options):
            yield "initial_option must be one of the options"
    if kind == "plain_text_input" and len(element.get("initial_value") or "") > min(
        _INPUT, element.get("max_length", _INPUT)
    ):
        yield "initial_value is longer than max_length"
    if kind == "button" and not 0 < len(element["text"]["text"]) <= _OPTION:
        yield f"must be less than {_OPTION + 1} characters"
    if kind == "button" and len(element.get("value", "")) > 2_000:
        yield "must be less than 2001 characters"
