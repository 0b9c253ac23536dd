"""Sentences that mean a command, such as `what do you know about the login?`."""

import re
from collections.abc import Iterable

#: How a wish may begin, with a question mark at its end or not.
_PLEASE = r"(?:(?:can|could|would|will) you )?(?:please )?"
#: An issue or pull request as sentences name it.
_THING = r"(?:(?:issue|pr|pull request|pull|ticket) )?(?:[\w.-]+/[\w.-]+)?(?:#\d+|\b\d+)"
#: What is summed up, and since when; words that go on otherwise are no order.
_PLACE = (
    r"(?:(?:this|the|that|diese[nr]|den|das|die) )?(?:thread|channel|conversation|discussion|kanal"
    r"|unterhaltung|diskussion)|<?#(?!\d+\b)\S+|<?https?://\S+"
)
_SINCE = (
    r"(?:since|from|after|seit|ab)(?: \S+){1,5}|(?:(?:of|over|for|in|from) )?(?:the |den |der )?"
    r"(?:(?:last|past|letzte[nrs]?)(?: \w+){1,3}|(?:yesterday|today|gestern|heute|this week"
    r"|this morning|diese woche)"
    r"(?: (?:at|um|morning|evening|afternoon|früh|abend|\d\S*|[ap]m)){0,3})"
)
_SPAN = (
    rf"(?: (?:this|it|everything|all|here|alles))?((?: (?:(?:in|from|of|on) )?(?:{_PLACE}))?"
    rf"(?: (?:{_SINCE}))?)(?: please| bitte)?"
)
#: Sentences that are commands; the first group is the argument, and "me" where there is none.
_SENTENCES = (
    (r"what do you (?:know|remember) (?:about|of) (.+)", "know"),
    (r"forget (?:what|everything|all)(?: that)? you (?:know|remember) (?:about|of) (.+)", "forget"),
    (r"forget (?:everything|all) about (.+)", "forget"),
    (r"forget (?:what|everything|all)(?: that)? i(?:'ve| have)? (?:ever )?said", "forget"),
    (r"(?:please )?remember that (.+)", "remember"),
    (r"how do you know that|where do you know that from", "why"),
    (
        r"(?:please )?(?:stop|cancel|abort|halt)(?: (?:it|that|this|all|everything|now|please"
        r"|working|what you(?: are|'re) doing))*",
        "cancel",
    ),
    (
        r"(?:please )?(?:(?:undo|take back) (?:it|that|this"
        r"|what you(?:'ve| have)?(?: just)? (?:did|done))|take (?:it|that|this) back)",
        "undo",
    ),
    (
        rf"{_PLEASE}(?:open|create|file|write) an? (?:new )?(?:github )?issue"
        r"(?: (?:for|from|of|out of|about) (?:this|that|the)"
        r"(?: (?:thread|conversation|discussion|message))?)?((?:[ :,]+\S.*)?)",
        "issue",
    ),
    (rf"{_PLEASE}label ({_THING} ?\S.*)", "label"),
    (rf"{_PLEASE}comment (?:on )?({_THING} ?\S.*)", "comment"),
    (rf"{_PLEASE}(?:full )?review ({_THING})", "review"),
    (rf"{_PLEASE}remind (?!me (?:what|who|why|how|when|where|which)\b)(\S+ .+)", "remind"),
    (r"(?:bitte )?erinnere? (?!mich (?:was|wer|warum|wie|wann|wo|welche)\b)(\S+ .+)", "remind"),
    (r"((?!谢谢|感谢|多谢).{0,30}提醒(?:我|大家|<[@#]|@|#).+)", "remind"),
    (rf"{_PLEASE}(?:(?:show|list|what are)(?: me)? )?(?:my|all) reminders()", "reminders"),
    (rf"{_PLEASE}(?:summari[sz]e|sum up|recap|catch me up(?: on)?){_SPAN}", "summarize"),
    (rf"{_PLEASE}(?:give me )?a (?:summary|recap)(?: (?:of|for))?{_SPAN}", "summarize"),
    (rf"what (?:did i miss|happened)(?: here)?{_SPAN}", "summarize"),
    (rf"(?:bitte )?fass(?:e|t)?{_SPAN} zusammen", "summarize"),
    (r"(?:请)?(?:总结|概括)(?:一下)?(.{0,60}?)", "summarize"),
    (rf"{_PLEASE}(?:reminders? )?(cancel(?: (?:the|my))?(?: reminder)? r-\w+)", "reminders"),
)
#: The beginnings of the sentences, so that most messages are compared with none.
_OPENINGS = (
    *("what do you ", "forget ", "remember that ", "please ", "how ", "where "),
    *("stop", "cancel", "abort", "halt", "undo ", "take "),
    *("can you ", "could you ", "would you ", "will you ", "bitte ", "erinner"),
    *("open a", "create a", "file a", "write a", "label ", "comment ", "full", "review "),
    *("summari", "sum up", "recap", "catch me", "give me ", "a summary", "a recap", "what did i "),
    *("what happened ", "fass", "总结", "概括", "请总结", "请概括"),
    *("remind", "show ", "list ", "my reminders", "all reminders"),
)
#: Words of sentences that may begin otherwise.
_INSIDE = ("提醒",)
#: Words that make a command in a direct message when nothing else stands there.
ALONE = frozenset(
    {
        *("help", "export", "approve", "reject", "cancel", "pause", "resume", "undo"),
        *("reminders", "link", "unlink", "settings", "gaps", "learnings", "issue", "why"),
    }
)
#: Words that make a command only with a slash: `forget it` is no order.
_VAGUE = frozenset(
    {"it", "that", "this", "about", "all", "everything", "them", "him", "her", "anything"}
)
#: What goes on with a sentence about a setting: `settings mode is odd` is no order.
_SAYS = (
    r"\S+ (?:(?:is|are|was|were|does|do|did|has|had|could|would|should)(?:n['’]t)?"
    r"|can|will|have|looks|seems|needs)\b"
)
#: How what people say to each other goes on after the name of a command.
_TALK = (
    r"(?:to|when|if|how|why|who|what|where|me|us|you|is|was|are|were|isn['’]t|for|of|on|with|as|but|and"
    r"|or|looks?|sounds?|seems?|works?)\b"
)
#: Commands that change or delete something: in talk they need a slash, or an exact target.
_UNDOING = frozenset({"forget", "change"})
_TARGET = r"me|<@\w+[^>]*>|@[\w.-]+|[fm]-\w+|source:\S+|[\w.-]+/[\w.-]+(?:#\d+)?"


def meaning(text: str) -> tuple[str, str] | None:
    """Return the command that a sentence means, and its argument."""
    text = text.strip()
    if not text.lower().startswith(_OPENINGS) and not any(one in text for one in _INSIDE):
        return None
    politely = re.match(r"(?:can|could|would|will) you ", text, re.I) is not None
    for pattern, name in _SENTENCES:
        asks = politely or name in {"know", "why", "remind", "reminders", "summarize"}
        plain = text.rstrip(" ?.!…") if name != "remember" else text
        found = re.fullmatch(pattern, plain, re.IGNORECASE | re.DOTALL)
        if found and (asks or not text.endswith("?")):
            argument = found[1] if found.re.groups else "me" if name == "forget" else ""
            return name, argument.strip()
    return None


def is_vague(argument: str) -> bool:
    """Does it say nothing that a command could be about?"""
    words = set(re.findall(r"\w+", argument.lower()))
    return bool(words) and words <= _VAGUE


def is_talk(name: str, argument: str) -> bool:
    """May this be what people say to each other, as `remember to …`, `plan B is …`, `forget it`?"""
    if name in _UNDOING:
        return re.fullmatch(_TARGET, argument, re.I) is None
    return bool(re.match(_TALK, argument, re.I) or re.match(_SAYS, argument, re.I))


def is_setting(argument: str, options: Iterable[str]) -> bool:
    """Is it one of these keys, perhaps mistyped, and what may be its value?"""
    if argument.endswith("?") or re.match(_SAYS, argument, re.I):
        return False
    key = argument.lower().split()[0]
    if key in options:
        return True
    from shared.perception.spelling import wrong_letters  # which few texts need

    return any(wrong_letters(key, option) for option in options)
