"""Compares a claim with a known fault: by their words, or by a model."""

from dataclasses import dataclass
from functools import partial

from infra.bench.reviews.matching import Judge
from shared.agent.context import as_data
from shared.learning.dismissed import says_same
from shared.models import ChatMessage, ModelRequest
from shared.models.answers import typed
from shared.models.prompts import system
from shared.models.routing import Models
from shared.settings import Settings

#: Seconds that a judge may take.
_PATIENCE = 60.0

_PROMPT = """\
Two reviewers looked at the same change. Do the two texts tell the same fault? Other words, lines
and suggestions do not matter; another cause or another place in the code does."""


@dataclass(frozen=True)
class Sameness:
    """Do both tell the same fault?"""

    same: bool


def judge_of(settings: Settings, model: str) -> Judge:
    """Return what compares claims: their words when no model is named."""
    if not model:
        return says_same
    models = Models(settings._replace(budgets="", prompt_cache="process"))

    def same(claim: str, other: str) -> bool:
        request = ModelRequest(
            messages=(ChatMessage("user", as_data([claim, other])),),
            system=system(_PROMPT),
        )
        ask = partial(models.reply, model, timeout=_PATIENCE)
        return typed.ask(ask, request, Sameness)[0].same

    return same
