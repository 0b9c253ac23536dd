"""Reads conversations with questions of which it is known what answers them; see
docs/memory-benchmark.md."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

from shared.errors import SettingsError

#: What is searched for the answer to a question: all of the file, or its own conversation.
Searched = Literal["file", "conversation"]

MAX_BYTES = 256 * 1024 * 1024
_OTHER = "other"
_SESSION = re.compile(r"session_(\d+)")
_TURN = re.compile(r"D\d+:\d+")
#: https://github.com/snap-research/locomo numbers its kinds of questions; 5 has no answer.
_LOCOMO_KINDS = {
    1: "several turns",
    2: "time",
    3: "world knowledge",
    4: "one turn",
    5: "no answer",
}


@dataclass(frozen=True)
class Turn:
    """What somebody said. `id` is unique in its file; `time` is ISO 8601, or empty."""

    id: str
    speaker: str
    text: str
    time: str


@dataclass(frozen=True)
class Question:
    """What is asked, and the ids of the turns that answer it: at least one."""

    id: str
    text: str
    evidence: frozenset[str]
    category: str
    language: str


@dataclass(frozen=True)
class Haystack:
    """Turns that are searched together, and what is asked of them."""

    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class ConversationSet:
    """What a file holds. `skipped` counts the questions that name no evidence."""

    haystacks: tuple[Haystack, ...]
    skipped: int = 0

    @property
    def turns(self) -> int:
        return sum(len(haystack.turns) for haystack in self.haystacks)

    @property
    def questions(self) -> int:
        return sum(len(haystack.questions) for haystack in self.haystacks)


def read_conversations(path: Path) -> ConversationSet:
    """Read a file of our format or of LoCoMo's.

    Raises SettingsError, with the place in the file, when it cannot be read or is of neither.
    """
    root = _loaded(path)
    if isinstance(root, list):
        return _locomo(root, str(path))
    entry = _Entry(root, str(path))
    searched = entry.choice("searched", ("file", "conversation"), "file")
    parts = [_conversation(one) for one in entry.entries("conversations")]
    _refuse_repeated(str(path), "conversation", [name for name, _ in parts])
    return ConversationSet(_haystacks([part for _, part in parts], searched, str(path)))


def _loaded(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(
                f"{path} is larger than {MAX_BYTES // 2**20} MB; split it by conversations"
            )
        return json.loads(path.read_text("utf-8-sig"))
    except OSError as err:
        raise SettingsError(
            f"{path} cannot be read: {err.strerror}; look at --conversations"
        ) from err
    except UnicodeDecodeError as err:
        raise SettingsError(f"{path} is not UTF-8 at byte {err.start}; convert it") from err
    except json.JSONDecodeError as err:
        raise SettingsError(
            f"{path} is no JSON: {err.msg} in line {err.lineno}, column {err.colno}; repair it"
        ) from err
    except RecursionError as err:
        raise SettingsError(f"{path} is nested too deeply to be a set of conversations") from err


@dataclass(frozen=True)
class _Entry:
    """One object of the file, and where it stands, for the errors."""

    value: Any
    place: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, Mapping):
            self.refuse(f"an object is expected, not {type(self.value).__name__}")

    def text(self, key: str, default: str | None = None) -> str:
        """The string under `key`, which must not be blank unless there is a default."""
        found = self.value.get(key, default)
        if not isinstance(found, str) or not (found.strip() or default is not None):
            self.refuse(f"{key!r} must be a string that is not blank")
        return found

    def choice(self, key: str, among: tuple[Searched, ...], default: Searched) -> Searched:
        found = self.value.get(key, default)
        for one in among:
            if found == one:
                return one
        self.refuse(f"{key!r} must be one of {', '.join(among)}")

    def list(self, key: str) -> list[Any]:
        found = self.value.get(key)
        if not isinstance(found, list):
            self.refuse(f"{key!r} must be a list")
        return found

    def entries(self, key: str) -> Iterator["_Entry"]:
        for number, value in enumerate(self.list(key)):
            yield _Entry(value, f"{self.place}: {key}[{number}]")

    def refuse(self, why: str) -> NoReturn:
        raise SettingsError(f"{self.place}: {why}; docs/memory-benchmark.md shows the format")


def _conversation(entry: _Entry) -> tuple[str, Haystack]:
    name, language = entry.text("id"), entry.text("language", "")
    turns = tuple(_turn(one, name) for one in entry.entries("turns"))
    _refuse_repeated(entry.place, "turn", [turn.id for turn in turns])
    known = {turn.id for turn in turns}
    questions = tuple(_question(one, name, language, known) for one in entry.entries("questions"))
    _refuse_repeated(entry.place, "question", [question.id for question in questions])
    return name, Haystack(turns, questions)


def _turn(entry: _Entry, conversation: str) -> Turn:
    time = entry.text("time", "")
    if time:
        try:
            datetime.fromisoformat(time)
        except ValueError:
            entry.refuse("'time' must be ISO 8601, such as 2026-03-02T09:14:00Z")
    identity = f"{conversation}/{entry.text('id')}"
    return Turn(identity, entry.text("speaker"), entry.text("text"), time)


def _question(entry: _Entry, conversation: str, language: str, known: set[str]) -> Question:
    named = entry.list("evidence")
    if not named:
        entry.refuse("'evidence' must name at least one turn")
    evidence = frozenset(f"{conversation}/{one}" for one in named)
    if unknown := sorted(evidence - known):
        entry.refuse(f"no turn has the id {unknown[0]!r}")
    return Question(
        f"{conversation}/{entry.text('id')}",
        entry.text("text"),
        evidence,
        entry.text("category", _OTHER),
        entry.text("language", language) or _OTHER,
    )


def _refuse_repeated(place: str, what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise SettingsError(f"{place}: two {what}s have the id {one!r}; ids must be unique")
        seen.add(one)


def _haystacks(parts: list[Haystack], searched: Searched, place: str) -> tuple[Haystack, ...]:
    """Leave the conversations apart, or put them into one; oldest turn first where times say so."""
    if searched == "file":
        turns = tuple(turn for part in parts for turn in part.turns)
        parts = [Haystack(turns, tuple(one for part in parts for one in part.questions))]
    if not any(part.questions for part in parts):
        raise SettingsError(f"{place} asks no question with evidence; nothing can be measured")
    return tuple(Haystack(_by_time(part.turns), part.questions) for part in parts)


def _by_time(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    if not all(turn.time for turn in turns):
        return turns
    return tuple(sorted(turns, key=lambda turn: datetime.fromisoformat(turn.time).timestamp()))


def _locomo(root: list[Any], place: str) -> ConversationSet:
    """LoCoMo's shape: sessions in numbered keys, evidence as `D<session>:<turn>`.

    https://github.com/snap-research/locomo. Its evidence names some turns that do not exist.
    """
    parts, skipped = [], 0
    for number, value in enumerate(root):
        entry = _Entry(value, f"{place}: [{number}]")
        name = entry.text("sample_id", f"conversation-{number + 1}")
        turns = tuple(_locomo_turns(entry, name))
        known = {turn.id for turn in turns}
        questions = []
        for order, one in enumerate(entry.entries("qa")):
            evidence = frozenset(_locomo_evidence(one, name)) & known
            if not evidence:
                skipped += 1
                continue
            kind = _LOCOMO_KINDS.get(one.value.get("category"), _OTHER)
            text = one.text("question")
            questions.append(Question(f"{name}/{order}", text, evidence, kind, "en"))
        parts.append(Haystack(turns, tuple(questions)))
    return ConversationSet(_haystacks(parts, "conversation", place), skipped)


def _locomo_turns(entry: _Entry, name: str) -> Iterator[Turn]:
    sessions = _Entry(entry.value.get("conversation"), f"{entry.place}: conversation")
    numbers = sorted(int(match[1]) for key in sessions.value if (match := _SESSION.fullmatch(key)))
    for number in numbers:
        for turn in sessions.entries(f"session_{number}"):
            identity = f"{name}/{turn.text('dia_id')}"
            shown = turn.text("blip_caption", "")
            text = turn.text("text", "") + (f" [shows {shown}]" if shown else "")
            yield Turn(identity, turn.text("speaker"), text, "")


def _locomo_evidence(entry: _Entry, name: str) -> Iterator[str]:
    for one in entry.list("evidence"):
        for found in _TURN.findall(str(one)):  # some hold several in one string
            yield f"{name}/{found}"
