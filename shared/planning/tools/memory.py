"""Tools for what is remembered, and for writing texts from what other steps found."""

import json
from dataclasses import dataclass

from shared.agent.agent import Agent
from shared.planning.declaration import reads


@dataclass(frozen=True)
class Remembered:
    text: str
    ref: str
    url: str


@dataclass(frozen=True)
class Memories:
    items: tuple[Remembered, ...]


@dataclass(frozen=True)
class Text:
    text: str


@reads()
def recall(agent: Agent, query: str) -> Memories:
    """Find what is remembered about a topic: past issues, documents, facts."""
    found = agent.recall(query, limit=10)
    return Memories(tuple(Remembered(m.text, m.ref, m.url) for m in found))


@reads()
def write_text(agent: Agent, task: str, material: object = None) -> Text:
    """Write a text from material, such as a step's output: summarise it, group it, draft it."""
    shown = agent.event if material is None else json.dumps(material, ensure_ascii=False)
    return Text(agent.ask(task, shown, returns=str, model="large"))
