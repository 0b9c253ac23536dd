"""Tools that recall memories, and write texts from the outputs of other steps."""

import json

from shared.agent.agent import Agent
from shared.frozen import frozen
from shared.memory import Memory
from shared.memory.attribution import place, quoted, speaker, standing
from shared.planning.declaration import reads


@frozen
class RecalledMemory:
    """`text` says whose words it holds, unless they are a member's or a document's."""

    text: str
    ref: str
    url: str
    author: str
    trust: str
    place: str


@frozen
class RecalledMemories:
    items: tuple[RecalledMemory, ...]


@frozen
class WrittenText:
    text: str


@reads()
def recall(agent: Agent, query: str) -> RecalledMemories:
    """Find what is remembered about a topic: past issues, documents, facts."""
    found = agent.recall(query, limit=10)
    return RecalledMemories(tuple(map(_recalled, found)))


def _recalled(one: Memory) -> RecalledMemory:
    who, trust, where = speaker(one), standing(one), place(one)
    return RecalledMemory(quoted(one), one.ref, one.url, who, trust, where)


@reads()
def write_text(agent: Agent, task: str, material: object = None) -> WrittenText:
    """Write a text from material, such as a step's output: summarise it, group it, draft it."""
    shown = agent.event if material is None else json.dumps(material, ensure_ascii=False)
    return WrittenText(agent.ask(task, shown, returns=str, model="large"))
