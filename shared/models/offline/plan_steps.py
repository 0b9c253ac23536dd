"""Makes the steps of a plan: each part of the goal becomes a call of the tool that it names."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shared.events import Json
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import stem
from shared.models.offline.word_lists import listed

#: The keys of a step, whoever asks for a plan.
_STEP = frozenset({"id", "tool", "arguments", "depends_on"})
_TOOL = re.compile(r"^- (\w+)\(([^)]*)\)( \[writes\])?: (.*)$", re.M)
_CLAUSE = re.compile(r"\s*(?:[,;.\n]|\band\b|\bthen\b|，|；|。|然后|并且?)\s*", re.I)
_QUOTED = re.compile(r"[\"“`「]([^\"”`」]+)[\"”`」]")
_ABOUT = re.compile(r"\b(?:about|for|with|on)\s+(?:(?:the|a|an)\s+)?(.+)$", re.I)
#: Synonyms of the words in the names of tools.
_SAME = {
    "add": listed("label, tag, mark, put, 加上"),
    "list": listed("find, show, get, which, all, 列出, 查找"),
    "search": listed("find, look, which, 搜索, 查找"),
    "recall": listed("find, remember, know, 回忆"),
    "write": listed("summarise, summarize, summary, group, draft, explain, describe, 总结, 写"),
    "comment": listed("say, tell, post, answer, 评论"),
    "reply": listed("say, tell, post, answer, 回复"),
    "labels": listed("标签"),
}


class _Tool(NamedTuple):
    name: str
    required: tuple[tuple[str, str], ...]
    optional: tuple[str, ...]
    writes: bool
    about: str


class _Step(NamedTuple):
    tool: _Tool
    clause: str
    arguments: Json


def is_step(schema: Json) -> bool:
    return schema.get("type") == "object" and set(schema.get("properties", {})) >= _STEP


def steps(parsed: ParsedRequest, schema: Json) -> list[Json]:
    """Return the steps for the goal; a text about it when it names no tool."""
    tools = list(_tools(parsed.task))
    clauses = [clause for clause in _CLAUSE.split(parsed.question) if clause.strip()]
    made: list[_Step] = []
    for clause in clauses:
        tried = (_steps(tool, clause, made, tools) for tool in _named(clause, tools))
        made += next((found for found in tried if found), [])
    if not made and (tool := _of(tools, "write_text")):
        made = [_Step(tool, parsed.question, {"task": parsed.question})]
    return [_filled(schema, number, step) for number, step in enumerate(made, 1)]


def _tools(task: str) -> Iterator[_Tool]:
    """Read the tools of the prompt, one in each line."""
    for name, parameters, writes, about in _TOOL.findall(task):
        parts = [part.partition(": ") for part in parameters.split(", ") if part]
        required = tuple((key, kind) for key, _, kind in parts if not key.endswith("?"))
        optional = tuple(key.rstrip("?") for key, _, _ in parts if key.endswith("?"))
        yield _Tool(name, required, optional, bool(writes), about)


def _named(clause: str, tools: Sequence[_Tool]) -> list[_Tool]:
    """Return the tools that the clause names, best match first. The first word weighs most: it is
    most often the verb."""
    words = [stem(word) for word in re.findall(r"\w+", clause.lower())]
    said, first = set(words), set(words[:1])

    def score(tool: _Tool) -> tuple[int, bool]:
        verb, *rest = tool.name.split("_")
        named = sum(2 * (stem(word) in said) for word in (verb, *rest))
        meant = sum(
            _means(same, said, clause) for word in (verb, *rest) for same in _SAME.get(word, ())
        )
        begins = stem(verb) in first or any(_means(same, first, "") for same in _SAME.get(verb, ()))
        return (named + meant + 3 * begins if named + meant else 0), tool.writes

    return sorted((tool for tool in tools if score(tool)[0]), key=score, reverse=True)


def _means(word: str, said: set[str], clause: str) -> bool:
    return stem(word) in said if word.isascii() else word in clause


def _steps(tool: _Tool, clause: str, made: Sequence[_Step], tools: Sequence[_Tool]) -> list[_Step]:
    """Return the step for a clause, after one that writes the text that it needs."""
    before: list[_Step] = []
    arguments: Json = {}
    for name, kind in tool.required:
        value = _argument(name, kind, clause)
        if value is None and kind == "string" and (writer := _of(tools, "write_text")):
            before = [_Step(writer, clause, {"task": clause, **_material(made)})]
            value = {"$from": f"s{len(made) + 1}", "path": "text"}
        if value is None:
            return []
        arguments[name] = value
    if tool.name == "write_text":
        arguments |= _material(made)
    number = re.search(r"#(\d{1,9})\b", clause)
    if number and "number" in tool.optional:
        arguments["number"] = int(number[1])
    return [*before, _Step(tool, clause, arguments)]


def _argument(name: str, kind: str, clause: str) -> Any:
    """Return the parameter's value in the clause, or None."""
    quoted = _QUOTED.findall(clause)
    if kind == "integer":
        digits = re.search(r"\d{1,9}", clause)
        return int(digits[0]) if digits else None
    if kind == "[string]":
        named = re.search(r"\b(?:as|with|labels?)\s+([\w-]+)\s*$", clause, re.I)
        return quoted or ([named[1]] if named else None)
    if kind != "string":
        return None
    if quoted:
        return quoted[0]
    if name == "words":
        about = _ABOUT.search(clause)
        return about[1] if about else None
    return clause if name in {"query", "task", "topic", "question"} else None


def _material(made: Sequence[_Step]) -> Json:
    """Refer to the newest step that reads."""
    place = next((n for n in range(len(made), 0, -1) if not made[n - 1].tool.writes), 0)
    return {"material": {"$from": f"s{place}", "path": ""}} if place else {}


def _of(tools: Sequence[_Tool], name: str) -> _Tool | None:
    return next((tool for tool in tools if tool.name == name), None)


def _filled(schema: Json, number: int, step: _Step) -> Json:
    blank = {"string": "", "array": [], "boolean": False}
    fields = {key: blank.get(part.get("type", "")) for key, part in schema["properties"].items()}
    said = {
        "id": f"s{number}",
        "goal": step.clause,
        "tool": step.tool.name,
        "arguments": json.dumps(step.arguments, ensure_ascii=False),
    }
    return {**fields, **said}
