"""Decides if a claim follows from its passage, by words or by a model, and measures how well.

Nothing that people see depends on it: a citation is checked for being true to its source, not for
supporting its sentence. This says how far that is to be trusted.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shared.agent.context import as_data
from shared.errors import SettingsError
from shared.evidence.small_talk import states_nothing
from shared.models import ChatMessage, ModelRequest
from shared.models.answers import typed
from shared.models.offline.similarity import coverage, terms
from shared.models.prompts import system
from shared.models.routing import Models
from shared.settings import Settings

#: The labelled pairs of this project.
OWN = Path(__file__).with_name("labelled.json")
#: Questions with answers that name no source, labelled: does the answer state what needs one?
TALK = Path(__file__).with_name("talk.json")
#: The share of a claim's words that its passage must have.
_COVERED = 0.7
_PATIENCE = 60.0
_TURNS = re.compile(
    r"\b(?:not|no|never|none|without|cannot|only|except|unless|until|nicht|kein\w*|nie|ohne|nur)\b"
    r"|n['’]t\b|不|没|无|未|别|勿|只",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PROMPT = """\
Does the second text, a claim, follow from the first, a passage? It follows if whoever believes the
passage must believe the claim. It does not if the passage says otherwise, says less, or is about
something else."""


class Pair(NamedTuple):
    """A passage, a claim, and if the claim follows from it."""

    passage: str
    claim: str
    follows: bool


@dataclass(frozen=True)
class Verdict:
    follows: bool


#: Decides if a claim, the second text, follows from a passage.
Follows = Callable[[str, str], bool]


class Rate(NamedTuple):
    """How often a decision was right. Positive is what it says follows."""

    right_yes: int
    wrong_yes: int
    right_no: int
    wrong_no: int

    @property
    def precision(self) -> float | None:
        said = self.right_yes + self.wrong_yes
        return self.right_yes / said if said else None

    @property
    def recall(self) -> float | None:
        true = self.right_yes + self.wrong_no
        return self.right_yes / true if true else None


def read_pairs(path: Path = OWN) -> list[Pair]:
    """Read labelled pairs, `[["passage", "claim", true], …]`; raises SettingsError."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        pairs = [Pair(*row) for row in rows]
    except (OSError, ValueError, TypeError) as err:
        told = f"{path.name} holds no labelled pairs ({type(err).__name__})"
        raise SettingsError(f'{told}; expected [["passage", "claim", true], …]') from err
    if not pairs or not all(isinstance(pair.follows, bool) for pair in pairs):
        raise SettingsError(f"{path.name} holds a pair that is labelled neither true nor false")
    return pairs


def follows_by_words(passage: str, claim: str) -> bool:
    """Has the passage the claim's words and numbers, and does it negate as often?"""
    if not set(_NUMBER.findall(claim)) <= set(_NUMBER.findall(passage)):
        return False
    if bool(_TURNS.search(claim)) != bool(_TURNS.search(passage)):
        return False
    return coverage(terms(claim), terms(passage), {}) >= _COVERED


def states_by_form(question: str, answer: str) -> bool:
    """Does an answer without a source state something, as the replies of `chat` are decided?"""
    return not states_nothing(question, answer)


def judged_by(settings: Settings, model: str) -> Follows:
    """Return what asks a model of the settings."""
    models = Models(settings._replace(budgets="", prompt_cache="process"))

    def follows(passage: str, claim: str) -> bool:
        request = ModelRequest(
            messages=(ChatMessage("user", as_data([passage, claim])),), system=system(_PROMPT)
        )
        ask = partial(models.reply, model, timeout=_PATIENCE)
        return typed.ask(ask, request, Verdict)[0].follows

    return follows


def measured(pairs: Iterable[Pair], decide: Follows) -> Rate:
    """Compare what `decide` says with the labels."""
    found = [(decide(one.passage, one.claim), one.follows) for one in pairs]
    cases = ((True, True), (True, False), (False, False), (False, True))
    return Rate(*map(found.count, cases))
