"""Commands: what a person tells the agent to do by name, in Slack and on GitHub.

A command stands at the start of a message. With a slash its name alone makes it one:

    /forget the login bug            a comment, a direct message, or after the mention
    /agent forget the login bug      Slack's slash commands; also /forget …

After a mention, the rest must be what the command takes: `@agent why 3` is a command, `@agent why
is the build red?` a question. Some sentences mean a command (`what do you know about …`). In a
direct message only these, a slash, and a few single words count. Code and quotes never do.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from shared.perception.sentences import ALONE, is_setting, is_talk, is_vague, meaning


class Command(NamedTuple):
    """One row of the table. It `takes` a text (`remember`), at most a reference or one of the
    `options`, or a `setting`: one of the options and its value.

    `writers` means that only people with write permission may give it, in any form: the worker asks
    the platform before any flow takes it.
    """

    name: str
    usage: str
    summary: str
    takes: Literal["text", "reference", "setting"]
    writers: bool = False
    #: All lines of the message belong to the command, not only the first.
    whole: bool = False
    #: Where it makes sense on GitHub: `issue`, `pull request`, or both.
    on: str = "issue, pull request"
    options: tuple[str, ...] = ()
    #: A label may give it, because it needs no further word and asks for nobody's consent.
    by_label: bool = False


def _on_pulls(name: str, summary: str, usage: str = "") -> Command:
    """A command about a pull request, of people with write permission."""
    return Command(
        name, usage or name, summary, "reference", True, on="pull request", by_label=True
    )


COMMANDS = {
    command.name: command
    for command in (
        Command("help", "help", "say what you may ask for", "reference"),
        Command(
            "remember",
            "remember TEXT, or remember rule: TEXT",
            "keep a fact; a rule needs write permission",
            "text",
            whole=True,
        ),
        Command(
            "forget",
            "forget SUBJECT, me, @PERSON, OWNER/REPO#1, f-ID or source:PLACE",
            "delete what I know about it; what others said needs write permission",
            "text",
        ),
        Command("know", "know SUBJECT", "list what I know about it, with sources", "text"),
        Command(
            "why", "why [ID]", "show where my last answer, or a memory, came from", "reference"
        ),
        Command(
            "learnings",
            "learnings [PAGE], or learnings [accept] r-ID",
            "list the rules and findings that I learnt here, and why; accept, edit, widen, disable"
            " and delete rules, which needs write permission",
            "reference",
        ),
        Command("link", "link", "prove which GitHub account is yours", "reference"),
        Command("unlink", "unlink", "let me forget which account is yours", "reference"),
        Command(
            "gaps", "gaps [DAYS]", "list the questions that I could not answer", "reference"
        )._replace(options=("weekly", "off")),
        Command("export", "export", "say how to get all memories as JSON lines", "reference", True),
        Command("plan", "plan GOAL", "work towards a goal in steps", "text", True, whole=True),
        Command("approve", "approve [STEP]", "let a step act", "reference", True),
        Command("reject", "reject [STEP]", "keep a step from acting", "reference", True),
        Command(
            "change", "change TEXT", "say what a plan should do instead", "text", True, whole=True
        ),
        Command("cancel", "cancel [RUN]", "stop what I am doing here", "reference", True),
        Command("undo", "undo [RUN]", "take back what I did here", "reference"),
        _on_pulls(
            "review",
            "review what is new in this pull request, or all of it",
            "review, or full review",
        )._replace(options=("full",)),
        Command(
            "config", "config", "show my settings here, and where each comes from", "reference"
        ),
        Command(
            "settings",
            "settings [KEY VALUE]",
            "show or change how this channel wants me; `settings help` names the keys",
            "setting",
            on="",
            options=("mode", "language", "audience", "drafts", "quiet", "flows", "reset", "help"),
        ),
        _on_pulls("describe", "say what this pull request changes"),
        _on_pulls("improve", "suggest what could be better here"),
        _on_pulls("why-red", "explain why checks fail here"),
        Command(
            "triage", "triage", "triage this issue", "reference", True, on="issue", by_label=True
        ),
        Command(
            "pause",
            "pause, or ignore",
            "stop here, and do nothing by myself until `resume`; commands still work",
            "reference",
            True,
            by_label=True,
        ),
        Command("resume", "resume", "act by myself again", "reference", True, by_label=True),
        Command(
            "issue",
            "issue, or issue TITLE",
            "write an issue from this thread, for you to confirm",
            "reference",
            True,
            whole=True,
        ),
        Command("label", "label #12 NAME", "label an issue once you confirm it", "reference", True),
        Command(
            "comment",
            "comment #12 TEXT",
            "comment on an issue once you confirm it",
            "reference",
            True,
            whole=True,
        ),
        Command(
            "remind",
            "remind me|@PERSON|#CHANNEL WHEN to TEXT",
            "say something again at a time, once or regularly",
            "reference",
            whole=True,
        ),
        Command(
            "summarize", "summarize [PLACE] [since WHEN]", "sum up what was said", "setting", on=""
        ),
        Command("reminders", "reminders [cancel ID]", "list your reminders", "reference"),
    )
}


class Order(NamedTuple):
    """A command that somebody gave."""

    name: str
    argument: str


#: Other names of commands, with the option that they stand for.
_ALIASES = {
    "stop": Order("cancel", ""),
    "summarise": Order("summarize", ""),
    "ignore": Order("pause", ""),
    "full-review": Order("review", "full"),
}
#: Commands of two words; the first is an option of the second.
_PAIRS = {"full": "review"}


class Said(NamedTuple):
    """What a text may mean: a command, a flow's claim, or a command that does not exist."""

    order: Order | None = None
    claim: Order | None = None
    mistaken: Order | None = None


#: Tells if a flow wants an event type; a command that none takes stays a message.
Takes = Callable[[str], bool]

#: Emoji that tell the agent to stop, by their names in Slack.
STOP_SIGNS = frozenset(
    {"x", "octagonal_sign", "no_entry", "no_entry_sign", "negative_squared_cross_mark"}
)
_REFERENCE = r"(?=\S*\d)\S+"
_SLASHED = r"(?:[^\S\n]*\n)*[ ]{0,3}/([a-zA-Z][\w-]{0,19})(?!\S)"
_NAMED = r"\s*/?([a-zA-Z][\w-]{0,19})(?!\S)"


def any_type(_: str) -> bool:
    return True


def no_type(_: str) -> bool:
    return False


def claimed(said: str) -> Order | None:
    """Read the first word after a mention, by which a flow may claim it."""
    found = re.match(r"\s*(\w{2,20})(?!\w)[\s,:]*", said)
    return Order(found[1].lower(), said[found.end() :].strip()) if found else None


def claim_type(source: str, claim: Order) -> str:
    return f"{source}.mention.{claim.name}"


def event_type(source: str, order: Order) -> str:
    return f"{source}.command.{order.name}"


def event_types(*names: str) -> tuple[str, ...]:
    """Return the event types of these commands, on all platforms; for `@flow`."""
    return tuple(f"{source}.command.{name}" for source in ("github", "slack") for name in names)


def command_of(type_: str) -> str:
    """Return the name of the command that an event type stands for, or the empty string."""
    _, found, name = type_.partition(".command.")
    return name if found else ""


def slashed(text: str) -> Order | None:
    """Read `/name argument` at the start of the first line that is not blank."""
    found = re.match(_SLASHED, text)
    return _order(found[1], text[found.end() :]) if found else None


def named(text: str) -> Order | None:
    """Read `name argument`, as it follows a slash command such as /agent."""
    found = re.match(_NAMED, text)
    return _order(found[1], text[found.end() :]) if found else None


def mistaken(text: str, *, mentioned: bool = False) -> Order | None:
    """Read what has the form of a command: a word after a slash, or alone after a mention."""
    found = re.match(_SLASHED, text)
    if not found and mentioned:
        found = re.fullmatch(_NAMED + r"\s*", text)
    return (
        Order(found[1].lower(), text[found.end() :].partition("\n")[0].strip()) if found else None
    )


def labelled(label: str, prefix: str) -> Order | None:
    """Read a command that a label gives, such as `agent: review`."""
    name = label.strip().lower()
    if not prefix or not name.startswith(prefix.strip().lower()):
        return None
    order = named(name[len(prefix.strip()) :])
    return order if order and COMMANDS[order.name].by_label and _fits(order) else None


def wanted(source: str, said: Said, takes: Takes, claims: Takes) -> tuple[str, str] | None:
    """Return the type and the text of the event that somebody wants: of a command, of a claim, or
    of a request for help with a name that is nearly that of a command."""
    order, claim = said.order, said.claim
    if order and takes(event_type(source, order)):
        return event_type(source, order), order.argument
    if claim and claims(claim_type(source, claim)):
        return claim_type(source, claim), claim.argument
    asked = Order("help", f"/{said.mistaken.name}") if said.mistaken and not order else None
    if asked and said.mistaken and takes(event_type(source, asked)):
        taken = (name for name in COMMANDS if takes(event_type(source, Order(name, ""))))
        if meant(said.mistaken, taken):
            return event_type(source, asked), asked.argument
    return None


def meant(order: Order, names: Iterable[str]) -> str:
    """Return the command of these `names` that somebody meant, as far as one can tell; '' else.

    Another name counts as a command of its own.
    """
    if order.name in COMMANDS or order.name in _ALIASES:
        return ""
    allowed = {*names}
    shown = {name: name for name in allowed}
    shown |= {alias: of.name for alias, of in _ALIASES.items() if of.name in allowed}
    from shared.perception.spelling import wrong_letters  # which few texts need

    near = [
        (wrong, name)
        for name, of in shown.items()
        if (wrong := wrong_letters(order.name, name)) and _fits(Order(of, order.argument))
    ]
    return min(near)[1] if near else ""


def spoken(text: str) -> Order | None:
    """Read the text after a mention: a slash, a sentence, or a name with what it takes."""
    said = slashed(text) or _sentence(text)
    if said:
        return said
    order = named(text)
    return order if order and _fits(order) else None


def after_mention(text: str) -> Said:
    """Read the text after a mention that opens a message."""
    return Said(spoken(text), claimed(text), mistaken(text, mentioned=True))


def whispered(text: str) -> Order | None:
    """Read a direct message without a mention, where people mostly just talk."""
    order = slashed(text) or _sentence(text)
    if order:
        return order
    if (word := text.strip().lower().rstrip("!.")) in ALONE:
        return Order(word, "")
    order = named(text)
    return order if order and order.argument and not is_talk(*order) and _fits(order) else None


def is_stop(text: str) -> bool:
    """Is it nothing but words that tell the agent to stop? In a thread that needs no mention."""
    said = _sentence(text)
    return said is not None and said.name == "cancel"


def _order(name: str, rest: str) -> Order | None:
    name, option = name.lower(), ""
    if pair := re.match(rf"[^\S\n]+({_PAIRS[name]})(?!\S)", rest, re.I) if name in _PAIRS else None:
        name, option, rest = pair[1].lower(), name, rest[pair.end() :]
    elif alias := _ALIASES.get(name):
        name, option = alias
    command = COMMANDS.get(name)
    if command is None:
        return None
    argument = rest if command.whole else rest.partition("\n")[0]
    return Order(command.name, f"{option} {argument.strip()}".strip())


def _sentence(text: str) -> Order | None:
    found = meaning(text)
    return None if found is None or is_vague(found[1]) else Order(*found)


def _fits(order: Order) -> bool:
    """Tell if the argument is what the command takes, and not the rest of a sentence."""
    argument, takes = order.argument, COMMANDS[order.name].takes
    if takes == "setting":
        return not argument or is_setting(argument, COMMANDS[order.name].options)
    if takes == "reference":
        word, options = argument.lower(), COMMANDS[order.name].options
        is_one = word in COMMANDS or word in options or re.fullmatch(_REFERENCE, argument)
        return not argument or bool(is_one)
    return not argument.endswith("?") and not is_vague(argument)
