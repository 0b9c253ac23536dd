"""Proposes what a plain sentence asks for: an issue, labels, a comment, a review, a plan, a
reminder. It takes a person's own words as they stand, and proposes nothing that they do not say."""

import re
from collections.abc import Iterable, Iterator

from shared.events import Json
from shared.models import ToolCall, ToolSpec
from shared.models.offline.parsed_request import ParsedRequest
from shared.patterns import lazily

#: Begins the names of the tools that propose.
PROPOSES = "propose_"
_SAID = lazily(r"\s+")
#: An issue or pull request, as sentences name it.
_NUMBER = r"(?:(?:issue|pr|pull request|ticket) )?(?:[\w.-]+/[\w.-]+)?#?(?P<number>\d{1,9})"
_SOMEBODY = (
    r"(?:(?:can|could|would|will) (?:you|somebody|someone|we) (?:please )?|please |let's "
    r"|(?:we|you|somebody|someone) (?:should|must|need to|have to|ought to) "
    r"|i(?:'d| would) like to )"
)
_WISH = (
    rf"(?:{_SOMEBODY}|(?:we|i) (?:need|want) |i(?:'d| would) like "
    r"|(?:there|this|that) (?:should be|deserves|needs) )"
)
_WHEN = r"(?P<when>(?:every|in|on|at|next|tomorrow|today|tonight)\b(?: [\w:.]+){0,6}?)"
_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        "reminder",
        rf"(?:please )?(?:don't|do not) let me forget (?:to |about )?(?P<text>.+?) {_WHEN}",
    ),
    ("reminder", rf"{_SOMEBODY}?(?:ping|nudge|wake) me {_WHEN} (?:to|about|that|for) (?P<text>.+)"),
    (
        "labels",
        rf"{_SOMEBODY}?(?:put|stick|add) (?:the |a )?(?:labels? )?(?P<labels>[\w-]+)(?: label)?"
        rf" (?:on|onto|to) {_NUMBER}",
    ),
    ("labels", rf"{_SOMEBODY}?(?:tag|mark) {_NUMBER} (?:as|with) (?:a )?(?P<labels>[\w-]+)"),
    (
        "labels",
        rf"{_NUMBER} (?:should|must|needs to) (?:get|have|carry) the (?:label )?(?P<labels>[\w-]+)"
        r"(?: label)?",
    ),
    (
        "comment",
        rf"{_SOMEBODY}?(?:say|write|tell them|mention|note|reply|answer) (?:on|in|under) {_NUMBER}"
        r"(?: that|[:,])? (?P<text>.+)",
    ),
    (
        "review",
        rf"{_SOMEBODY}?(?:look over|look at|have a look at|take a look at|check|go over) "
        r"(?:pr|pull request) #?(?P<number>\d{1,9})",
    ),
    (
        "issue",
        rf"{_WISH}(?:(?:open|file|create|write|make|have) )?(?:an?|one|this as an) "
        r"(?:new )?(?:github )?(?:issue|ticket)(?: (?:for|about|that|on|where)|[:,])?"
        r" (?P<title>.+)",
    ),
    ("plan", rf"{_SOMEBODY}(?P<goal>first .+? (?:and |, )?then .+)"),
    ("plan", rf"{_WISH}(?:a plan|make a plan|work out a plan) (?:for|to|how to) (?P<goal>.+)"),
)


def proposal(tools: Iterable[ToolSpec], parsed: ParsedRequest) -> ToolCall | None:
    """Return the call that proposes what the question asks for; None when it asks for nothing of
    the tools, or something was proposed before."""
    if any(name.startswith(PROPOSES) for name in parsed.called):
        return None
    offered = {tool.name for tool in tools}
    for name, arguments in _wanted(_SAID.sub(" ", parsed.question).strip()):
        if f"{PROPOSES}{name}" in offered:
            return ToolCall("offline_proposal", f"{PROPOSES}{name}", arguments)
    return None


def told(parsed: ParsedRequest) -> str:
    """Say what became of a proposal; '' when there was none."""
    found = [one for one in parsed.results if one.name.startswith(f"result of {PROPOSES}")]
    if not found:
        return ""
    reason = found[-1].text.removeprefix("error: ")
    if reason != found[-1].text:
        return f"{'[talk] ' if parsed.is_numbered else ''}I cannot propose that. {reason}"
    return "I propose that. Press `Do it` below; nothing is done yet."


def _wanted(said: str) -> Iterator[tuple[str, Json]]:
    plain = said.rstrip(" ?.!…")
    for name, pattern in _SENTENCES:
        if found := re.fullmatch(pattern, plain, re.I):
            yield name, _arguments(name, found.groupdict(), said)


def _arguments(name: str, given: dict[str, str], said: str) -> Json:
    arguments: Json = {key: value.strip(" :,") for key, value in given.items()}
    if name == "issue":
        title = arguments["title"]
        return {"title": title[:1].upper() + title[1:], "body": f"> {said}"}
    if "number" in arguments:
        arguments["number"] = int(arguments["number"])
    if "labels" in arguments:
        arguments["labels"] = [arguments["labels"]]
    return arguments
