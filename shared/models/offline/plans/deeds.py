"""Makes the steps for one deed: a call of its tool, behind the steps that read and write for it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.events import Json
from shared.models.offline.plans import tasks
from shared.models.offline.plans.draft import PlannedDeed
from shared.models.offline.plans.named_things import (
    asks_for_text,
    channel,
    is_bare,
    labels,
    leaves_choice,
    number,
    numbers,
    path,
    people,
    quoted,
    sentence,
    spoken,
    title,
    topic,
    without_quotes,
)
from shared.models.offline.plans.search_words import (
    names_issues,
    names_many,
    search_words,
    topic_of,
)
from shared.models.offline.plans.tool_words import place_of
from shared.models.offline.word_lists import listed
from shared.patterns import lazily

#: Makes the steps for a deed; returns why it cannot, or ''.
Maker = Callable[[PlannedDeed], str]

_SUMMARY = listed(
    "summary, summarise, summarize, overview, recap, digest, sum up, zusammenfassung, fasse, "
    "résumé, résume, resumen, resume, 总结, 摘要, 概括, 要約, まとめ"
)
_FINDINGS = listed("list, result, findings, outcome, found, find, 结果, 列表, 結果")
_ASKED = "Asked for in these words: "
_WITH_LABELS = lazily(
    r"\b(?:with|and|mit|und|avec|et|con|y) (?:(?:the|an?|dem|den|les?|las?|el|los|une?) |l['’])?"
    r"(?:labels?|tags?|étiquettes?|etiquetas?|etiketten?)\b.*$|\blabel(?:l)?ed\b.*$",
    re.I,
)
_ONE = lazily(r"(?:(?:an?|another|the) )?(?:new )?\b(?:issue|ticket)", re.I)
_FOLLOW_UP = lazily(
    r"follow[- ]?up|folge|nachfolge|suivi|seguimiento|后续|跟进|フォローアップ", re.I
)


def _label(deed: PlannedDeed) -> str:
    if re.search(r"\s(?:if|unless|falls|wenn)\s", deed.text, re.I):
        return f"I cannot judge a condition: {deed.text}"
    if not deed.means_new and not numbers(deed.text) and names_many(deed.text):
        return f"It means several issues; name their numbers: {deed.text}"
    named = labels(deed.text)
    if not named or leaves_choice(deed.text):
        return f"It does not say which label: {deed.text}"
    opened = deed.draft.opened() if deed.means_new else None
    if opened is None:
        if len(numbers(deed.text)) > 1 and len(re.findall(r"\bas\b", deed.text)) > 1:
            return f"It names several issues, which I take one by one: {deed.text}"
        return deed.do(labels=named)
    put = opened["arguments"].setdefault("labels", [])
    put += [label for label in named if label not in put]
    return ""


def _assign(deed: PlannedDeed) -> str:
    if deed.means_new:
        return f"The number of a new issue is not known before: {deed.text}"
    named = people(deed.text)
    return deed.do(people=named) if named else f"It does not name a login: {deed.text}"


def _close(deed: PlannedDeed) -> str:
    """Close what it names, as completed where it gives no other reason."""
    reason = re.search(r"\b(not[ _]planned|duplicate)", deed.text, re.I)
    return _turn(deed, {"reason": reason[1].lower().replace(" ", "_")} if reason else {})


def _turn(deed: PlannedDeed, about: Json | None = None) -> str:
    if deed.means_new:
        return f"The number of a new issue is not known before: {deed.text}"
    if not numbers(deed.text) and names_many(deed.text):
        return f"It means several issues; name their numbers: {deed.text}"
    return deed.do(**(about or {}))


def _unlabel(deed: PlannedDeed) -> str:
    named = labels(re.split(r"\s(?:from|off?)\s", deed.text)[0])
    return deed.do(labels=named) if named else f"It does not say which label: {deed.text}"


def _set_milestone(deed: PlannedDeed) -> str:
    after = re.search(r"\bmilestone\s+(?:to\s+)?(\S+)", without_quotes(deed.text), re.I)
    named = quoted(deed.text) or ([after[1].strip(".,;")] if after else [])
    if not named:
        return f"It does not say which milestone: {deed.text}"
    return deed.do(milestone=named[0])


def _say(deed: PlannedDeed) -> str:
    """Say a text: as the goal has it, or as a step writes it."""
    (name,) = (key for key in deed.tool.required if key != "channel")
    where = {"channel": channel(deed.text)} if "channel" in deed.tool.required else {}
    words = spoken(deed.text, deed.part.verb)
    if not words and is_bare(deed.text, deed.part.verb):
        last = deed.draft.steps[-1] if deed.draft.steps else None
        if last and last["tool"] == "write_text":
            return deed.do(**where, **{name: {"$from": last["id"], "path": "text"}})
        if not deed.draft.newest_readings():
            return f"It does not say what to write: {deed.text}"
        return deed.do(**where, **{name: deed.written(tasks.LIST, "List what was found")})
    if words and not quoted(deed.text) and deed.part.details:
        words = f"{words.rstrip('.')}. {deed.part.details}"
    if words:
        return deed.do(**where, **{name: words})
    if not deed.has("write_text"):
        return f"It does not say what to write: {deed.text}"
    return deed.do(**where, **{name: deed.written(_task(deed), _goal(deed))})


def _task(deed: PlannedDeed) -> str:
    low = deed.text.lower()
    if any(place_of(word, low) >= 0 for word in _SUMMARY):
        return tasks.SUMMARY
    if any(place_of(word, low) >= 0 for word in _FINDINGS):
        return tasks.LIST
    return sentence(_rest(deed)) if asks_for_text(_rest(deed)) else tasks.SUMMARY


def _goal(deed: PlannedDeed) -> str:
    goals = {tasks.SUMMARY: "Write a summary", tasks.LIST: "List what was found"}
    return goals.get(_task(deed), f"Write: {_rest(deed)}"[:120])


def _rest(deed: PlannedDeed) -> str:
    return re.sub(rf"^{re.escape(deed.part.verb)}\s*", "", deed.text, count=1, flags=re.I)


def _open_issue(deed: PlannedDeed) -> str:
    plain, labelled = _labelled(deed.text)
    named = quoted(plain)
    if len(named) > 1 and (names_issues(plain) or len(_ONE.findall(without_quotes(plain))) > 1):
        for name in named:
            deed.do(title=name, body=f"{_ASKED}{deed.text}", **labelled)
        return ""
    is_follow_up = _FOLLOW_UP.search(plain) is not None
    plain = re.sub(r"\s+assigned to\b.*$", "", plain, flags=re.I)
    words: Any = title(re.sub(rf"(?:{_FOLLOW_UP.pattern})[- ]*(?=\w)", "", plain, flags=re.I))
    readings = deed.draft.newest_readings()
    body: Any = deed.part.details or (named[1] if len(named) > 1 else "")
    if deed.has("write_text") and (is_follow_up or readings):
        task = tasks.BODY if is_follow_up else tasks.LIST
        body = body or deed.written(task, "Write the text of the issue")
        if is_follow_up and not words:
            words = deed.written(tasks.TITLE, "Write the title of the issue")
    if readings and not words:
        words = sentence(readings[-1]["goal"])
    words = words or _named_issue(deed)
    if not words and not deed.part.details:
        return f"It does not say what the issue is about: {deed.text}"
    words = words or sentence(deed.part.details)[:100]
    return deed.do(title=words, body=body or f"{_ASKED}{deed.text}", **labelled)


def _labelled(text: str) -> tuple[str, Json]:
    """Split off the labels that something new is to have."""
    behind = _WITH_LABELS.search(text)
    put = labels(behind[0]) if behind and not quoted(behind[0]) else []
    return (text[: behind.start()].strip(" ,"), {"labels": put}) if behind and put else (text, {})


def _named_issue(deed: PlannedDeed) -> str:
    """Make a title of the words before the noun: `open a login issue`."""
    before = re.search(
        r"(?:an?|the)\s+(?:new\s+)?(.+?)\s+(?:issue|ticket|bug|task)\b", deed.text, re.I
    )
    rest = "" if _ONE.fullmatch(_rest(deed).strip(" .!")) else _rest(deed)
    return sentence(before[1]) if before else sentence(rest)[:100]


def _draft_pull(deed: PlannedDeed) -> str:
    named, file = quoted(deed.text), path(deed.text)
    content = [text for text in named if text != file]
    if not file or not content:
        return f"It does not give the path and the whole content of a file: {deed.text}"
    return deed.do(title=f"Write {file}", body=deed.text, path=file, content=content[-1])


def _search(deed: PlannedDeed) -> str:
    if deed.tool.name == "search_issues" and number(deed.text) is not None:
        return "It names one issue."
    name = deed.tool.name
    words = search_words(deed.text) if name == "search_issues" else topic_of(deed.text, name)
    return deed.do(words=words) if words else f"It does not say what to search for: {deed.text}"


def _recall(deed: PlannedDeed) -> str:
    words = topic_of(deed.text, "recall") or deed.text
    return deed.do(query=words)


def _read_issue(deed: PlannedDeed) -> str:
    return deed.do()


def _read_numbered(deed: PlannedDeed) -> str:
    here = number(deed.text)
    return deed.do(number=here) if here is not None else f"It does not name a number: {deed.text}"


def _read_file(deed: PlannedDeed) -> str:
    file = path(deed.text) or next(iter(quoted(deed.text)), "")
    file = "README.md" if file == "README" else file
    return deed.do(path=file) if file else f"It does not name a file: {deed.text}"


def _list(deed: PlannedDeed) -> str:
    more: Json = {}
    if "path" in deed.tool.optional and (file := path(deed.text)):
        more["path"] = file
    state = re.search(r"\b(open|closed|merged)\b", deed.text, re.I)
    if "state" in deed.tool.optional and state:
        more["state"] = state[1].lower()
    return deed.do(**more)


def _write(deed: PlannedDeed) -> str:
    deed.written(_task(deed), deed.text)
    return ""


def unknown_tool(deed: PlannedDeed) -> str:
    """Call a tool of an author: take each required argument from the words of the part."""
    found: Json = {}
    for name, kind in deed.tool.required.items():
        value = _argument(name, kind, deed)
        if value is None:
            return f"It does not say {name}: {deed.text}"
        found[name] = value
    return deed.do(**found)


def _argument(name: str, kind: str, deed: PlannedDeed) -> Any:
    text = deed.text
    if kind in {"integer", "number"}:
        digits = re.search(r"\d{1,9}", text)
        return int(digits[0]) if digits else None
    if kind == "[string]":
        return labels(text) or None
    if kind != "string":
        return None
    if named := quoted(text):
        return named[0]
    if name in {"path", "file"} and path(text):
        return path(text)
    if name in {"query", "task", "topic", "question", "words"}:
        return topic(text) or text
    if deed.tool.writes and deed.has("write_text"):
        return deed.written(_task(deed), _goal(deed))
    return topic(text) or None


DEEDS: Mapping[str, Maker] = {
    "add_labels": _label,
    "assign": _assign,
    "remove_labels": _unlabel,
    "set_milestone": _set_milestone,
    "close_issue": _close,
    "reopen_issue": _turn,
    "lock_issue": _read_numbered,
    "comment": _say,
    "reply": _say,
    "post": _say,
    "open_issue": _open_issue,
    "open_draft_pull": _draft_pull,
    "search_issues": _search,
    "search_code": _search,
    "recall": _recall,
    "read_issue": _read_issue,
    "read_pull": _read_numbered,
    "read_file": _read_file,
    "list_commits": _list,
    "list_pulls": _list,
    "list_labels": _list,
    "read_thread": _list,
    "read_files": _list,
    "write_text": _write,
}
