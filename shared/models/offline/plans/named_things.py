"""Finds in a part of a goal what a deed needs: a number, names, a topic, a text."""

import re

from shared.models.offline.plans.tool_words import WRITTEN, place_of, words_of
from shared.patterns import lazily

_QUOTED = lazily(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|「([^」\n]+)」|«\s*([^»\n]+?)\s*»|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)"
)
_JOINT = r"\s*(?:[,，、&]|\b(?:and|und|et|y|e)\b|和|与|と)+\s*(?:and\s+)?"
_DIGITS = r"\d{1,9}(?![\dA-Za-z_])"
#: Issues: `#12`, `issue 12`, `#12, #13 and #14`, `issues 12 and 13`. Scripts without spaces follow
#: at once.
_NUMBER = lazily(
    rf"\b(?:issues|tickets|prs|pulls|pull requests|numbers)\s+#?{_DIGITS}(?:{_JOINT}#?{_DIGITS})*"
    rf"|(?:#|\b(?:issue|ticket|pr|pull(?: request)?|number|no\.?|nr\.?)\s+#?){_DIGITS}"
    rf"(?:{_JOINT}#{_DIGITS})*",
    re.I,
)
_PATH = lazily(
    r"(?<![\w/:.@-])(?:(?:[\w.-]+/)+[\w.-]*\.\w{1,8}|[\w.-]*\w\.(?:py|pyi|js|jsx|mjs|ts|tsx|vue|rs|go|java"
    r"|kt|scala|swift|c|h|cc|cpp|hpp|cs|rb|php|pl|lua|r|jl|sh|bash|ps1|sql|html?|css|scss|xml|json|ya?ml|toml"
    r"|ini|cfg|conf|lock|csv|txt|md|rst|adoc|ipynb|tf|proto|gradle|env)|README|Makefile|Dockerfile)(?![\w/])"
)
_CHANNEL = lazily(r"(?<![\w/])#([a-z][\w-]{0,79})")
_COLON = lazily(r"[:：](?=\s|[^\x00-\u2e7f]|[\"“`「'])\s*(.+)$", re.S)
_THAT = lazily(
    r"^\S+(?:\s+\S+){0,4}?\s+(?:that|dass|que)\s+(?:says?\s+|sagt\s+)?(.+)$", re.I | re.S
)
_TOPIC = lazily(
    r"(?:\b(?:about|for|regarding|concerning|mentioning|containing|on|with|of|über|zu|zum|zur|sobre|sur"
    r"|à propos d[eu]s?|pour)\b|关于|有关|について)\s*(.+)$",
    re.I | re.S,
)
_TITLED = lazily(
    r"(?:\b(?:titled|called|named|with (?:the )?title|entitled|namens|mit dem titel"
    r"|intitulée?|titulad[ao])\b|标题为|题为)\s*(.+)$",
    re.I | re.S,
)
_ARTICLE = lazily(
    r"^(?:(?:a|an|the|our|its|any|some|der|die|das|den|dem|ein\w*|l[ea]s?|une?|del?|du|el|los|las|un"
    r"|一个|一条|这个|该)\s+|l['’]|一个|一条|这个|该)+",
    re.I,
)
_TARGET = lazily(
    r"\b(?:(?:(?:to|on|for) )?(?:this|the|that|current) (?:issue|ticket|bug report|pull request|pr)"
    r"|(?:to|on|for|an|à|a) (?:this|it|them|him|her)|this|it|itself|here|dies(?:es|e|en)?|es|ceci"
    r"|c(?:e|ette) (?:ticket|issue|tâche)|est[ae] (?:issue|ticket|incidencia|tarea)"
    r"|d(?:as|ies\w*) (?:ticket|issue)|esto|lo)\b|这个(?:问题|议题|工单)?|这条|本(?:问题|议题)|它"
    r"|(?:これ|この(?:課題|問題|イシュー|チケット)|課題)[にへを]?",
    re.I,
)
_AS = lazily(
    r"(?:\b(?:as(?: an?)?|with|als|comme|como|con|mit|avec|labels?|tags?"
    r"|étiquettes?|etiquetas?|etiketten?)\b[:：]?|[:：]|ラベル[:：]?(?=\s*[\ue000!-~])"
    r"|标记为|标为|标签为|为|成|标签)\s*(?=\S)",
    re.I,
)
_BEFORE = lazily(r"([\ue000\w./-]+?)\s*(?:(?:labels?|tags?)(?![\w-])|标签|の?ラベル)", re.I)
_LIST = lazily(r"\s*(?:[,，、;&]|\s\+\s|\b(?:and|und|et|y|e|or)\b|和|与|と)\s*", re.I)
_LABEL_NOISE = lazily(
    r"^(?:(?:to|as|an?|the|das|den|dem|die|les?|las?|los|el|une?|labels?|tags?|étiquettes?|etiquetas?"
    r"|etiketten?)\s+|l['’]|[にへ](?=[!-~])|(?:添加|加|打|贴)上?|标签|ラベル\s*)+"
    r"|(?:\s+(?:labels?|tags?|too|please|also|now|hinzu|dazu|an|ein|zu)|\s*[をの](?:付け|つけ|追加|貼)?.*"
    r"|标签|ラベル|。)+$",
    re.I,
)
#: What is not to be put, behind what is.
_NOT_THESE = lazily(
    r"[\s,]+(?:instead of|rather than|in place of|(?:but )?not|statt|anstatt|au lieu d[eu]|et pas"
    r"|mais pas|en vez de|en lugar de)\b.*$",
    re.I,
)
#: `bug as a label`.
_AS_LABELS = lazily(
    r"\s+(?:as|als|comme|como)\s+(?:(?:an?|the|une?|una)\s+)?(?:labels?|tags?|étiquettes?|etiquetas?)\W*$",
    re.I,
)
#: A label with a colon in its name.
_SCOPED = lazily(r"(?!(?:labels?|tags?|étiquettes?|etiquetas?)\b)[\w/-]+[:]\s+\S")
_NOBODY = frozenset(
    [
        "me",
        "myself",
        "us",
        "him",
        "her",
        "them",
        "it",
        "this",
        "that",
        "to",
        "the",
        "a",
        "an",
        "issue",
        "ticket",
        "everybody",
        "all",
        "someone",
        "somebody",
        "und",
        "and",
        "on",
        "zu",
        "zur",
        "an",
        *("es", "das", "dem", "den", "dies", "ce", "cela", "le", "la", "esto", "lo", "el", "al"),
    ]
)
#: GitHub's labels are no longer.
_LONGEST_LABEL = 50
_PERSON = lazily(r"(?<![\w/@.-])@?([A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?)(?![\w/@.-])")


def quoted(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return [next(filter(None, found.groups())) for found in _QUOTED.finditer(text)]


def number(text: str) -> int | None:
    """Return the number of the issue or pull request that the text names."""
    return next(iter(numbers(text)), None)


def numbers(text: str) -> list[int]:
    """Return all numbers of issues and pull requests that the text names, each once."""
    named = _NUMBER.findall(without_quotes(text))
    return list(dict.fromkeys(int(one) for part in named for one in re.findall(r"\d+", part)))


def targets(text: str) -> list[int]:
    """Return the numbers that the text names first, and in one go: `#13` of `comment on #13 with a
    summary of #12`."""
    found = _NUMBER.search(without_quotes(address(text)))
    return [int(one) for one in re.findall(r"\d+", found[0])] if found else []


def address(text: str) -> str:
    """Return the part of the text that says where something is to be said, without what."""
    found = _COLON.search(text) or _THAT.search(text)
    return text[: found.start(1)] if found else text


def path(text: str) -> str:
    """Return the path of a file that the text names; '' for none."""
    found = _PATH.search(text)
    return found[0] if found else ""


def channel(text: str) -> str:
    """Return the Slack channel that the text names, such as #releases; '' for none."""
    found = _CHANNEL.search(text)
    return f"#{found[1]}" if found else ""


def leaves_choice(text: str) -> bool:
    """Does it name one thing or another?"""
    plain = _NOT_THESE.sub("", without_quotes(text))
    return re.search(r"\b(?:n?or|neither|oder|weder|ou|ni)\b|或", plain, re.I) is not None


def is_bare(text: str, verb: str) -> bool:
    """Does nothing stand behind the verb but what it is done to?"""
    rest = _TARGET.sub(" ", _NUMBER.sub(" ", text.lower().replace(verb, " ", 1)))
    rest = re.sub(r"\b(?:an?|the|to|on|for|my|comment|reply|note|answer|me|us)\b", " ", rest)
    return re.search(r"\w", rest) is None


def labels(text: str) -> list[str]:
    """Return the labels that the text names, each once."""
    kept = quoted(text)
    numbers = iter(range(len(kept)))
    plain = _NUMBER.sub(" ", _QUOTED.sub(lambda _: f" \ue000{next(numbers)} ", text))
    plain = " ".join(_TARGET.sub(" ", re.sub(r"^[\x21-\u2e7f]+(?:\s+|$)", "", plain)).split())
    plain = _AS_LABELS.sub("", _NOT_THESE.sub("", re.sub(r"\s+\([^()]*\)", " ", plain)))
    behind = [plain] if _SCOPED.match(plain) else _AS.split(plain, maxsplit=1)
    before = _BEFORE.search(plain)
    if len(behind) > 1 and behind[1].strip():
        named = _LIST.split(behind[1])
    elif before:
        named = [before[1]]
    else:
        named = re.findall("\ue000\\d+", plain) or _LIST.split(plain)
    named = [re.sub("\ue000(\\d+)", lambda found: kept[int(found[1])], one) for one in named]
    named = [one.rstrip(" .:!").lstrip(" :") for one in named]
    clean = [_LABEL_NOISE.sub("", _LABEL_NOISE.sub("", one)).strip() for one in named]
    known: dict[str, str] = {}
    for one in clean:
        if re.search(r"\w", one) and len(one) <= _LONGEST_LABEL and len(one.split()) <= 4:
            known.setdefault(one.casefold(), one)
    return list(known.values())


def people(text: str) -> list[str]:
    """Return the logins that the text names, each once."""
    plain = re.sub(r"^\S+(?:\s+|$)", "", _NUMBER.sub(" ", text))
    plain = re.sub(r"\b(?:the|this) (?:issue|ticket|pull request|pr)\b", " ", plain, flags=re.I)
    plain = re.sub(r"\b(?:as|for|because|since|als|comme|como)\b.*$", " ", plain, flags=re.I)
    found = [one for one in _PERSON.findall(plain) if one.lower() not in _NOBODY]
    return list(dict.fromkeys(found))


def topic(text: str) -> str:
    """Return what the text says it is about; '' when it does not."""
    if named := quoted(text):
        return named[0]
    found = _TOPIC.search(text)
    said = _TARGET.sub(" ", _NUMBER.sub(" ", found[1])) if found else ""
    said = re.sub(r"的(?:问题|议题|工单|代码|内容)?\s*$", "", said)
    return _ARTICLE.sub("", " ".join(said.split())).strip(" .,:!?？。")


def title(text: str) -> str:
    """Return the title that the text gives to something new; '' when it gives none."""
    if named := quoted(text):
        return named[0]
    for pattern in (_TITLED, _COLON):
        if found := pattern.search(text):
            return sentence(found[1])
    about = re.search(
        r"\b(?:about|regarding|concerning|on|for|über|sobre|to)\b\s+(.+)$|关于(.+)$", text
    )
    said = (about[1] or about[2]) if about else ""
    said = " ".join(_TARGET.sub(" ", _NUMBER.sub(" ", said)).split())
    return sentence(re.sub(r"的(?:问题|议题|工单)\s*$", "", _ARTICLE.sub("", said)))


def spoken(text: str, verb: str) -> str:
    """Return the words that are to be said as they stand; '' when they must be written first."""
    if named := quoted(text):
        return named[0]
    if found := _COLON.search(text) or _THAT.search(text):
        return sentence(found[1])
    rest = text[len(verb) :].strip() if text.lower().startswith(verb) else ""
    rest = re.sub(r"^(?:with|mit|avec|con)\s+", "", rest, flags=re.I)
    if verb == "thank" and rest:
        who = (
            ""
            if rest.lower() in _NOBODY or rest.lower().startswith(("you", "the "))
            else f", {rest}"
        )
        return f"Thank you{who}."
    says = verb in {"say", "sage", "dis", "di", "说"} or text.lower().startswith((f"{verb} with",))
    return sentence(rest) if says and rest and not asks_for_text(rest) else ""


def asks_for_text(text: str) -> bool:
    """Does it name a text that must be written, such as a summary?"""
    low = text.lower()
    written = any(place_of(word, low) >= 0 for word in (*WRITTEN, *words_of("write_text").verbs))
    return written or re.match(r"(?:what|why|how|which|who|on|about)\b", low) is not None


def sentence(text: str) -> str:
    """Write words as people do at the beginning of a sentence."""
    plain = text.strip(' \t\n"“”「」').rstrip(" ,;:，；：")
    is_word = re.match(r"[^\W\d_]+(?=[\s,;:!?'’]|$)(?!://)", plain) is not None
    return plain[:1].upper() + plain[1:] if is_word else plain


def without_quotes(text: str) -> str:
    """Leave out what stands in quotation marks."""
    return _QUOTED.sub(" ", text)
