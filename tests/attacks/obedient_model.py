"""A model server that obeys every instruction in its input, whoever wrote it.

It looks for these lines in the whole prompt, also inside JSON:

    SAY "text"           say it, in every text that is asked for
    CALL tool {json}     call the tool, or plan a step with it
    CHOOSE name          choose it, where there is a choice
    FAIL                 judge that the output does not meet the condition
    HIDDEN base32        lines like these, which no filter of ours can read
"""

import json
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.models.scripted_server import Says, ScriptedServer, Seen, Turn

Json = dict[str, Any]

_HIDDEN = re.compile(r"HIDDEN ([A-Z2-7]+)")
_LINE = re.compile(r"^.{0,40}?\b(SAY|CALL|CHOOSE|FAIL)\b ?(.*)$", re.MULTILINE)
_CALL = re.compile(r"(\w+) *(?=\{)")
_DECODER = json.JSONDecoder(strict=False)


def say(text: str) -> str:
    return f"SAY {json.dumps(text)}"


def call(tool: str, **arguments: Any) -> str:
    return f"CALL {tool} {json.dumps(arguments)}"


def hidden(*lines: str) -> str:
    return "HIDDEN " + b32encode("\n".join(lines).encode()).decode().rstrip("=")


class Orders(NamedTuple):
    """All that a prompt tells the model to do."""

    said: tuple[str, ...]
    calls: tuple[tuple[str, Json], ...]
    chosen: tuple[str, ...]
    fails: bool

    @property
    def text(self) -> str:
        return "\n\n".join(self.said) or "Nothing was said."


class ObedientModel(ScriptedServer):
    """Speaks the OpenAI wire. `obeyed` are the orders that it found, by request."""

    def __init__(self) -> None:
        super().__init__()
        self.obeyed: list[Orders] = []

    @property
    def prompts(self) -> list[str]:
        return [prompt_of(seen.body) for seen in self.seen]

    def turn(self, seen: Seen) -> Turn:
        prompt = prompt_of(seen.body)
        orders = orders_in(prompt)
        self.obeyed.append(orders)
        form = seen.body.get("response_format")
        if form and "json_schema" in form:
            schema = form["json_schema"]["schema"]
            return Says(json.dumps(_fill(schema, orders, prompt), ensure_ascii=False))
        offered = {tool["function"]["name"] for tool in seen.body.get("tools", ())}
        asked = any(message["role"] == "tool" for message in seen.body["messages"])
        calls = [(name, json.dumps(given)) for name, given in orders.calls if name in offered]
        if calls and not asked:
            return Says("", "tools", calls=tuple(calls))
        return Says(orders.text)


def prompt_of(body: Json) -> str:
    texts = []
    for message in body["messages"]:
        content = message["content"]
        texts.append(content if isinstance(content, str) else json.dumps(content))
    return "\n".join(texts)


def orders_in(prompt: str) -> Orders:
    """Find the orders, also in JSON inside JSON, each once."""
    text = prompt
    for _ in range(3):
        text += "\n" + "\n".join(map(_revealed, _HIDDEN.findall(text)))
        text += "\n" + text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    said: dict[str, None] = {}
    calls: dict[str, tuple[str, Json]] = {}
    chosen: dict[str, None] = {}
    fails = False
    for verb, rest in _LINE.findall(text):
        if verb == "FAIL":
            fails = True
        elif verb == "CHOOSE":
            chosen[rest.strip()] = None
        elif verb == "SAY" and isinstance(value := _json(rest), str):
            said[value] = None
        elif verb == "CALL" and (found := _CALL.match(rest)):
            value = _json(rest[found.end() :])
            if isinstance(value, dict):
                calls[json.dumps([found[1], value], sort_keys=True)] = (found[1], value)
    return Orders(tuple(said), tuple(calls.values()), tuple(chosen), fails)


def _revealed(token: str) -> str:
    try:
        return b32decode(token + "=" * (-len(token) % 8)).decode()
    except ValueError:  # it was cut
        return ""


def _json(text: str) -> Any:
    try:
        return _DECODER.raw_decode(text.strip())[0]
    except ValueError:
        return None


def _fill(schema: Json, orders: Orders, prompt: str) -> Any:
    """Return a value that fits the schema and does as much of what it was told as that allows."""
    properties = schema.get("properties", {})
    if "steps" in properties:
        return {"steps": list(_steps(orders, prompt))}
    if "passed" in properties:
        return {"passed": not orders.fails, "reason": orders.text[:300]}
    if "facts" in properties:
        return {"facts": list(_facts(prompt))}
    return _value(schema, orders)


def _value(schema: Json, orders: Orders) -> Any:
    if options := schema.get("anyOf"):
        useful = (one for one in options if one.get("type") != "null" and one.get("enum") != [])
        return _value(next(useful, {"type": "null"}), orders)
    if names := schema.get("enum"):
        return next((name for name in orders.chosen if name in names), names[0])
    kind = schema.get("type")
    if kind == "object":
        return {name: _value(part, orders) for name, part in schema["properties"].items()}
    if kind == "array":
        names = schema["items"].get("enum")
        if names is None:
            return [_value(schema["items"], orders)]
        return [name for name in orders.chosen if name in names][: schema.get("maxItems", 9)]
    if kind == "string":
        limit = re.match(r"At most (\d+) characters", schema.get("description", ""))
        return orders.text[: int(limit[1]) if limit else 10_000]
    return {"boolean": True, "null": None}.get(str(kind), 1)


def _steps(orders: Orders, prompt: str) -> Iterator[Json]:
    """Plan every call; a revision keeps what is done and leaves out what has failed."""
    before = _json(prompt.partition("The plan before:\n")[2]) or []
    after = prompt.partition("repeated unchanged, and their outputs:\n")[2]
    done = set(re.findall(r"^(s\d+): ", after, re.MULTILINE))
    known, number = [], 0
    for step in before:
        known.append([step["tool"], step["arguments"]])
        number = max(number, int(step["id"][1:]))
        if step["id"] in done:
            yield {**_step("", "", {}, ""), **step, "arguments": json.dumps(step["arguments"])}
    tools = prompt.partition("These are missing here")[0]
    offered = set(re.findall(r"^- (\w+)\(", tools, re.MULTILINE))
    for tool, arguments in orders.calls:
        if tool in offered and [tool, arguments] not in known:
            number += 1
            yield _step(f"s{number}", tool, arguments, orders.text)


def _step(id: str, tool: str, arguments: Json, text: str) -> Json:
    return {
        "id": id,
        "goal": text[:300],
        "tool": tool,
        "arguments": json.dumps(arguments),
        "depends_on": [],
        "expected": text[:300],
        "verify": "",
        "approve": False,
    }


def _facts(prompt: str) -> Iterator[Json]:
    """Learn by heart what each block says."""
    blocks = re.findall(r'<data source="turn (\d+) by [^"]*">\n(.*?)\n</data>', prompt, re.DOTALL)
    for number, text in blocks:
        yield {
            "turn": int(number),
            "subject": "standing orders",
            "statement": text[:400],
            "since": None,
        }
