"""Answers in free text: quotes from the given texts, with their sources."""

import re
from collections import Counter
from typing import NamedTuple

from shared.models.offline.parsed_request import ParsedRequest, SourceText
from shared.models.offline.similarity import coverage, is_chinese, joined, rarity, sentences, terms
from shared.models.offline.word_lists import QUESTION, SMALL_TALK
from shared.patterns import lazily

#: The share of the question that an answer must cover, and that a close match must cover.
_SURE, _CLOSE = 0.6, 0.34
#: The share of the best coverage from which a trusted source answers as well.
_GOOD_PART = 0.6
_MOST = 3
_ADDRESS = lazily(r"https?://\S+")
_QUESTION = lazily(QUESTION, re.I)
_SUMMARY = lazily(r"\b(summar|digest|overview|recap|tl;?dr)|总结|摘要|概括", re.I)


class _Phrases(NamedTuple):
    unknown: str
    read: str
    close: str
    source: str
    nothing: str
    somebody: str
    wrote: str
    at: str
    signature: str


_ENGLISH = _Phrases(
    "I don't know. Nothing that I was given answers this.",
    "I read that, and I found nothing to add.",
    "I am not sure. The closest that I was given: ",
    "from",
    "I was given nothing to answer.",
    "Somebody",
    "wrote",
    "in",
    "(Offline model: I only quote. Set MODEL_SMALL and MODEL_LARGE for a real one.)",
)
_CHINESE = _Phrases(
    "我不知道。给我的内容里没有答案。",
    "已阅读，没有找到可补充的内容。",
    "我不确定。给我的内容里最接近的是：",
    "来自",
    "没有收到要回答的内容。",
    "有人",
    "写道",
    "于",
    "（离线模型：我只引用原文。设置 MODEL_SMALL 和 MODEL_LARGE 可使用真正的模型。）",
)


class Quote(NamedTuple):
    """Sentences of one source that may answer the question, and the share of it that they cover."""

    text: str
    source: SourceText
    covered: float


def answer(parsed: ParsedRequest) -> str:
    """Return the whole answer, signed."""
    phrases = _phrases(parsed.question)
    return f"{_body(parsed, phrases)}\n\n{phrases.signature}"


def signature(text: str) -> str:
    """Return the line that says whose words these are, in the language of `text`."""
    return _phrases(text).signature


def _phrases(text: str) -> _Phrases:
    return _CHINESE if is_chinese(text) else _ENGLISH


def known_answer(parsed: ParsedRequest) -> str | None:
    """Return the answer, signed, or None when no text answers the question."""
    found = find(parsed)
    return answer(parsed) if found and found.covered >= _CLOSE else None


def _body(parsed: ParsedRequest, phrases: _Phrases) -> str:
    talks = "[talk] " if parsed.is_numbered else ""
    if not parsed.question:
        return f"{talks}{phrases.nothing}"
    if talk := _small_talk(parsed.question):
        return f"{talks}{talk}"
    if parsed.results and not parsed.is_numbered:
        return "\n".join(_from_result(parsed, result, phrases) for result in parsed.results)
    if _SUMMARY.search(parsed.task.partition("<data")[0]):
        return summary(parsed)
    found = find(parsed)
    if found is None or found.covered < _CLOSE:
        if parsed.results:
            return _from_result(parsed, parsed.results[0], phrases)
        if _QUESTION.search(parsed.question):
            return f"{'[unknown] ' if parsed.is_numbered else ''}{phrases.unknown}"
        return f"{talks}{phrases.read}"
    hedge = "" if found.covered >= _SURE else phrases.close
    return f"{hedge}{_told(found.text, found.source, phrases)}"


def _told(text: str, source: SourceText, phrases: _Phrases) -> str:
    """Tell what a source says: as a quotation of its author, unless it may be relied on."""
    if source.is_trusted:
        return f"{text}{_cited(source, phrases)}"
    who = source.author or phrases.somebody
    plain = re.sub("[“”„‟＂″]", '"', text)
    where = f" {phrases.at} {source.where}" if source.where else ""
    link = _ADDRESS.search(source.place)
    address = f" [{source.cite}]" if source.cite else f" ({link[0]})" if link else ""
    return f"{who} {phrases.wrote}{where}: “{plain}”{address}"


def _cited(source: SourceText, phrases: _Phrases) -> str:
    if source.cite:
        return f" [{source.cite}]"
    return f" ({phrases.source} {source.cited})" if source.cited else ""


def _from_result(parsed: ParsedRequest, result: SourceText, phrases: _Phrases) -> str:
    """Quote the part of a tool's result that fits the question, or its beginning."""
    found = find(ParsedRequest(parsed.task, parsed.question, (result,), (), frozenset()))
    text = found.text if found and found.covered >= _CLOSE else " ".join(result.text.split())[:600]
    return _told(text, result, phrases)


def copied_words(parsed: ParsedRequest) -> list[dict[str, object]]:
    """Quote the first sentence that answers, with the number of its text."""
    quote = find(parsed)
    if quote is None or quote.covered < _SURE or not quote.source.cite.isdigit():
        return []
    words = next((one for one in sentences(quote.text) if one in quote.source.text), "")[:300]
    return [{"text": words, "number": int(quote.source.cite), "words": words}] if words else []


def find(parsed: ParsedRequest) -> Quote | None:
    """Return the sentences that cover most of the question; of what may be relied on, if those
    cover a good part of it.

    A question or a heading in a source is not an answer, but the sentence after it may be.
    """
    wanted = terms(" ".join(parsed.lines))
    read = parsed.results if parsed.is_numbered else ()
    split = [(source, sentences(source.text)) for source in (*read, *parsed.sources)]
    bags = {line: terms(line) for _, lines in split for line in lines}
    rare = rarity(bags.values())
    ranked: list[Quote] = []
    for source, lines in split:
        covered = [coverage(wanted, bags[line], rare) for line in lines]
        opens = [line.rstrip().endswith(("?", "？", ":", "：")) for line in lines]
        scores = [
            0.0 if opens[i] else max(own, 0.9 * covered[i - 1] if i and opens[i - 1] else 0.0)
            for i, own in enumerate(covered)
        ]
        top = max(scores, default=0.0)
        if top > 0:
            order = sorted(range(len(lines)), key=lambda i: -scores[i])[:_MOST]
            kept = sorted(i for i in order if scores[i] >= 0.75 * top)
            ranked.append(Quote(joined([lines[i] for i in kept]), source, top))
    best = max(ranked, key=lambda found: found.covered, default=None)
    trusted = [found for found in ranked if found.source.is_trusted and found.covered >= _CLOSE]
    surest = max(trusted, key=lambda found: found.covered, default=None)
    return surest if best and surest and surest.covered >= _GOOD_PART * best.covered else best


def summary(parsed: ParsedRequest, most: int = _MOST, characters: int = 10_000) -> str:
    """Return the sentences that share most words with the others, as many as fit."""
    texts = [parsed.question, *(source.text for source in parsed.sources)]
    lines = list(dict.fromkeys(line for text in texts for line in sentences(text)))
    bags = [set(terms(line)) for line in lines]
    shared = Counter(term for bag in bags for term in bag)
    weight = [sum(shared[term] for term in bag) for bag in bags]
    order = sorted(range(len(lines)), key=lambda i: (-weight[i], i))[:most]
    while len(order) > 1 and sum(len(lines[i]) + 2 for i in order) > characters:
        order.pop()
    return joined([lines[i] for i in sorted(order)])


def _small_talk(question: str) -> str:
    said = re.sub(r"[^\w\s]+", "", question.lower()).strip()
    return next((reply for phrases, reply in SMALL_TALK if said in phrases), "")
