"""“I don't know”: names what was searched, and whom people could ask. It notifies nobody and names
no source."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from shared.memory import Memory
from shared.memory.attribution import is_trusted, person
from shared.patterns import lazily

#: Names of people to ask.
_NAMES = 3
_HAN = lazily(r"[\u3400-\u9fff]")
_GERMAN = lazily(
    r"\b(?:wer|was|wann|wo|woher|warum|wieso|wie|welche[rsmn]?|ist|sind|wird|haben|hat|wir|der|die"
    r"|das|ein|eine|nicht|und|für|kann|können)\b",
    re.IGNORECASE,
)


class _Phrases(NamedTuple):
    unknown: str
    memory: str
    attached: str
    conversation: str
    github: str
    slack: str
    ask: str
    sources: str
    direct: str
    here: str
    between: str
    last: str
    proposed: str


_ENGLISH = _Phrases(
    "I don't know. I looked in {places}, and found nothing that answers this.",
    "what I remember",
    "what came along",
    "this conversation",
    "{} on GitHub",
    "the public channels here",
    " You could ask {names}.",
    "Sources",
    "our direct messages",
    "I am here. What would you like to know?",
    ", ",
    " and ",
    "What I propose stands below. Nothing is done yet.",
)
_GERMAN_PHRASES = _Phrases(
    "Das weiß ich nicht. Ich habe gesucht: {places}. Nichts davon beantwortet die Frage.",
    "was ich mir gemerkt habe",
    "was mitkam",
    "dieses Gespräch",
    "{} auf GitHub",
    "die öffentlichen Kanäle hier",
    " Fragen könntest du {names}.",
    "Quellen",
    "unsere Direktnachrichten",
    "Ich bin da. Was möchtest du wissen?",
    ", ",
    " oder ",
    "Was ich vorschlage, steht unten. Noch ist nichts getan.",
)
_CHINESE = _Phrases(
    "我不知道。我查找了{places}，没有找到答案。",
    "我的记忆",
    "附带的内容",
    "这段对话",
    "GitHub 上的 {}",
    "这里的公开频道",
    "你可以问问{names}。",
    "来源",
    "我们的私信",
    "我在。你想知道什么？",
    "、",
    "和",
    "我的提议在下面，还没有执行任何操作。",
)


def heading(question: str) -> str:
    """Return the heading of the sources, in the language of the question."""
    return _phrases(question).sources


def directly(question: str) -> str:
    """Name the direct messages in which the question is asked, in its language."""
    return _phrases(question).direct


def here(question: str) -> str:
    """Ask back, where the question names nothing that could be looked up."""
    return _phrases(question).here


def proposed(question: str) -> str:
    """Say that only a proposal is made, in the language of the question."""
    return _phrases(question).proposed


def unknown(question: str, searched: Collection[str], repository: str, names: Sequence[str]) -> str:
    """Say that nothing answers the question. `searched` holds memory, attached (files and
    links of the message), conversation, github, slack; `names` are those of people who may know."""
    phrases = _phrases(question)
    places = [
        text.format(repository)
        for place, text in (
            ("memory", phrases.memory),
            ("attached", phrases.attached),
            ("conversation", phrases.conversation),
            ("github", phrases.github),
            ("slack", phrases.slack),
        )
        if place in searched
    ]
    told = phrases.unknown.format(places=_joined(places, phrases))
    return told + (phrases.ask.format(names=_joined(names[:_NAMES], phrases)) if names else "")


def who_may_know(nearest: Collection[Memory]) -> list[str]:
    """Name the members who wrote what is nearest to the question, without a sign that notifies."""
    authors = (one.author for one in nearest if one.author and is_trusted(one.trust))
    return [person(author).removeprefix("@") for author in dict.fromkeys(authors)]


def _joined(parts: Sequence[str], phrases: _Phrases) -> str:
    *others, last = parts
    return phrases.last.join(filter(None, [phrases.between.join(others), last]))


def _phrases(question: str) -> _Phrases:
    if len(_HAN.findall(question)) * 3 > len(question):
        return _CHINESE
    words = re.findall(r"\w+", question)
    return _GERMAN_PHRASES if len(_GERMAN.findall(question)) * 4 >= len(words) > 0 else _ENGLISH
