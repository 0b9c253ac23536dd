"""Masks the secrets of texts, and of values that hold texts. Equal texts get equal masks."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, TypeVar

from shared.patterns import lazily
from shared.redaction.assigned import assigned
from shared.redaction.formats import FORMATS, Found
from shared.redaction.shapes import shaped
from shared.redaction.unwrapped import ascii_parts, is_broken_up, unwrapped

T = TypeVar("T")

_MASK = "[secret removed: "
#: What the formats begin with, and their numbers.
_STARTS = [(start, number) for number, one in enumerate(FORMATS) for start in one.starts]
#: What a token of 20 characters is in base64, and longer.
_SHORTEST_ENCODED = 27
_BASE64 = lazily(rf"[A-Za-z0-9+/]{{{_SHORTEST_ENCODED},}}={{0,2}}")
#: A hash of a lock file, by its exact form. It holds no token, and there are many.
_HASH = lazily(
    r"(?:--hash=|integrity=)?[\"']?(?:sha256:[0-9a-f]{64}|sha256-[A-Za-z0-9+/]{43}="
    r"|sha512-[A-Za-z0-9+/]{86}==|sha1-[A-Za-z0-9+/]{27}=)[\"',;]{0,2}\\?"
)
_DIGIT = lazily(r"[0-9]")
#: The shortest token that has a format of its own, in characters.
_TOKEN = 13
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def redacted(text: str) -> str:
    """Return the text with a mask in place of each secret, which names its kind."""
    parts, at = [], 0
    for found in found_secrets(text):
        parts += [text[at : found.start], f"{_MASK}{found.kind}]"]
        at = found.end
    return "".join([*parts, text[at:]]) if parts else text


def kinds_of(text: str) -> list[str]:
    """Return the kinds of the secrets that a text holds, in their order."""
    return [found.kind for found in found_secrets(text)]


def is_masked(text: str) -> bool:
    """Does the text hold a mask?"""
    return _MASK in text


def found_secrets(text: str) -> list[Found]:
    """Return the secrets of a text in their order; none overlaps another."""
    words = _Words.of(text)
    if not is_broken_up(text, " ".join(words.long), words.foreign):
        return _apart(list(_seen(text, words)))
    plain = unwrapped(text)
    seen = _seen(plain.text, _Words.of(plain.text))
    return _apart([Found(*plain.span(one.start, one.end), one.kind) for one in seen])


def without_secrets(value: T) -> T:
    """Return the value with the secrets of all its texts masked: of strings, lists, mappings, named
    tuples and dataclasses. Keys stay, unless they hold one themselves. A value without secrets is
    returned as it is."""
    try:
        if not isinstance(value, str) and _holds_none(list(_texts(value))):
            return value
        masked: T = _masked(value)
    except RecursionError:
        # JSON that nests deeper than Python's stack: it is masked as one text.
        masked = json.loads(redacted(json.dumps(value, ensure_ascii=False)))
    return masked


#: Texts that hold no secret, as one border after the other sees the same ones, and their length.
_clean: set[str] = set()
_MOST_CLEAN, _LONGEST_CLEAN = 2_000, 20_000


def _holds_none(texts: Sequence[str]) -> bool:
    new = [text for text in texts if text not in _clean]
    if new and found_secrets("\n".join(new)):
        return False
    if len(_clean) > _MOST_CLEAN:
        _clean.clear()
    _clean.update(text for text in new if len(text) <= _LONGEST_CLEAN)
    return True


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {_masked(key): _masked_field(key, item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_masked, value))
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(map(_masked, value))
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return replace(value, **{name: _masked(part) for name, part in parts.items()})
    return value


def _masked_field(name: object, value: Any) -> Any:
    """Mask the value of a field, whose name may be what says that it is a secret."""
    if not isinstance(value, str):
        return _masked(value)
    head = f"{name}: "
    line = redacted(head + value)
    return line[len(head) :] if line.startswith(head) else redacted(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str):
                yield f"{name}: {item}"
            else:
                if len(label := str(name)) >= _TOKEN and _may_be_random(label):
                    yield label
                yield from _texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))


def _may_be_random(word: str) -> bool:
    """Small letters alone are no token; most words of code are that."""
    return not word.islower() or bool(_DIGIT.search(word))


class _Words(NamedTuple):
    """The words of a text that are long enough for a token, without hashes; and in one text those
    that are not all ASCII."""

    long: list[str]
    foreign: str = ""

    @classmethod
    def of(cls, text: str) -> "_Words":
        words = text.split()
        long = [word for word in words if len(word) >= _TOKEN]
        if "sha" in text:
            long = [word for word in long if not _HASH.fullmatch(word)]
        if text.isascii():
            return cls(long)
        parts = [
            part for word in long for part in ([word] if word.isascii() else ascii_parts(word))
        ]
        return cls(parts, "|".join([word for word in words if not word.isascii()]))


def _seen(text: str, words: _Words) -> Iterator[Found]:
    """Find the secrets of a text with these words. Exact formats come first."""
    low = text.lower()
    if len(low) != len(text):
        low = text.translate(_LOWER)
    random = list(filter(_may_be_random, words.long))
    long = " ".join(random).lower()
    for number in sorted({number for start, number in _STARTS if start in long} if long else ()):
        yield from FORMATS[number].find(text, low)
    yield from _encoded(text, random)
    yield from shaped(text, low)
    yield from assigned(text, low, long.split(), words.foreign.lower())


def _encoded(text: str, words: Sequence[str]) -> Iterator[Found]:
    """Find the words that hold a secret in base64."""
    at = 0
    for word in words:
        part = _BASE64.search(word) if len(word) >= _SHORTEST_ENCODED else None
        if part is None or not _plain(part[0][:12]).isprintable():
            continue
        inner = _plain(part[0][: len(part[0]) // 4 * 4])
        low, begin = inner.lower(), text.find(word, at)
        if begin < 0 or not inner[:60].isascii():
            continue
        at = begin
        kinds = ["private key"] if " private key" in low[:60] else []
        for number in sorted({number for start, number in _STARTS if start in low}):
            kinds += [found.kind for found in FORMATS[number].find(inner, low)]
        if kinds:
            yield Found(begin + part.start(), begin + part.end(), kinds[0])


def _plain(encoded: str) -> str:
    return b64decode(encoded).decode("latin-1")


def _apart(found: list[Found]) -> list[Found]:
    """Return them in their order, each that overlaps another as one with it. The first that was
    found names the kind: it is the most exact."""
    apart: list[Found] = []
    rank = {id(one): number for number, one in enumerate(found)}
    best = 0
    for one in sorted(found, key=lambda one: one.start):
        if apart and one.start < apart[-1].end:
            last = apart[-1]
            kind = one.kind if rank[id(one)] < best else last.kind
            best = min(best, rank[id(one)])
            apart[-1] = Found(last.start, max(last.end, one.end), kind)
        else:
            apart.append(one)
            best = rank[id(one)]
    return apart
