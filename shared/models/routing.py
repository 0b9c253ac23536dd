"""Finds the models of a role, and asks them in turn until one answers."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shared.database import Database, Statement
from shared.errors import BudgetExceeded, ModelError, ModelTooSlow, ModelUnavailable, SettingsError
from shared.log import log
from shared.models import EmbeddingProvider, ModelReply, ModelRequest, Payer, Provider, Usage
from shared.models.answers.usage import usage_on_error, with_total_usage
from shared.models.batch.intake import Purse
from shared.models.cache.prompt_cache import PromptCache
from shared.models.deadline import Deadline
from shared.models.guards.guarded_model import (
    BatchPurse,
    GuardedModel,
    Guards,
    ModelCall,
    Progress,
    TextSink,
)
from shared.models.guards.output_limits import OutputLimits
from shared.models.measuring import judged, measured
from shared.models.prices import Prices
from shared.models.providers.connect import connect, connect_embedder
from shared.models.roles import Roles
from shared.models.sight import Sight
from shared.models.windows import ModelWindow, ModelWindows
from shared.redaction.redacting import without_secrets
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.models.providers.transcribing import Transcriber

#: The payer of calls that no budget counts.
NOBODY = Payer("", "")


class Models:
    """All models that the settings name, built on first use and kept. Thread-safe.

    Without a `database` each process has a prompt cache of its own. Raises SettingsError when a
    setting is malformed, or needs a database and there is none.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._guards = _guards(settings, database)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._roles = Roles(settings)
        self._sight = Sight(settings.model_sees)
        self._models: dict[str, GuardedModel] = {}
        self._embedders: dict[str, EmbeddingProvider] = {}

    def provider(self, role_or_name: str) -> Provider:
        """Return the first model of a role (`small`, `large`), or the model of a full name.

        Raises SettingsError when the name is unknown or its key is not set.
        """
        chain = self._roles.chain(role_or_name)
        return self._model(chain.names[0], chain.setting).provider

    def substitute(self, role: str) -> str:
        """Return the model to ask after `role` gave an invalid answer, or nothing."""
        return self._roles.substitute(role)

    def reply(
        self,
        role: str,
        request: ModelRequest,
        *,
        timeout: float,
        payer: Payer = NOBODY,
        sink: TextSink | None = None,
        cache: bool | None = None,
        progress: Progress | None = None,
    ) -> ModelReply:
        """Ask the models of `role` in turn until one answers, within `timeout` seconds.

        A `sink` streams the answer: it is called with the text so far, which starts again with each
        attempt. `cache` allows the answer to an earlier, equal request; by default it is allowed at
        temperature 0. When the budget has no room for `large`, `small` is asked. The `progress`
        tells another thread why the call waits. The reply, or the
        error, has the tokens and the cost of all that was streamed in vain too. Raises
        ModelUnavailable, ModelRejected, BudgetExceeded, SettingsError, and ModelTooSlow with the
        longest text that was streamed.
        """
        may_repeat = request.temperature == 0 if cache is None else cache
        lost: list[ModelReply] = []
        call = ModelCall(
            without_secrets(request),
            Deadline(timeout),
            payer,
            lost,
            progress or Progress(),
            sink,
            may_repeat,
        )
        try:
            with usage_on_error(lost):
                reply = self._within_budget(role, call)
            return with_total_usage([*lost, reply]) if lost else reply
        except ModelUnavailable as err:
            raise _with_text(err, lost) from err.__cause__

    def _within_budget(self, role: str, call: ModelCall) -> ModelReply:
        try:
            return self._in_turn(role, call)
        except BudgetExceeded as err:
            if role != "large" or self._roles.chain("small").names == self._roles.chain(role).names:
                raise
            log("budget: small answers for large", flow=call.payer.flow, reason=str(err))
            return self._in_turn("small", call)

    def ceiling(self, role: str, request: ModelRequest) -> float | None:
        """Return the most that a call of the first model of `role` can cost in US dollars, None
        when its price is unknown."""
        return self._guards.prices.ceiling(self._roles.chain(role).names[0], request)

    def window(self, role: str) -> ModelWindow:
        """Return the least window of the models that may answer for a role; raises SettingsError
        when MODEL_WINDOWS is malformed."""
        windows, names = ModelWindows(self._settings.model_windows), self._roles.chain(role).names
        found = [windows.of(name) for name in (*names, *self._roles.chain("small").names)]
        return ModelWindow(min(one.tokens for one in found), min(one.answer for one in found))

    def sees(self, role: str) -> bool:
        """May a model that answers for the role see pictures?"""
        return any(map(self._sight.sees, self._roles.chain(role).names))

    def purse(self, name: str, payer: Payer) -> Purse | None:
        """Return the budget for batches of the model `name`; None when nothing counts them."""
        guards = self._guards
        if guards.budgets is not None and not guards.budgets.counts(payer):
            guards = guards._replace(budgets=None)
        return BatchPurse(guards, name, payer) if guards.budgets or guards.buckets else None

    def unsent(self, tenant: str) -> list[Statement]:
        """Take the statements that calls left to be run with others: settled reservations, and the
        lengths of answers."""
        buckets = self._guards.buckets
        lengths, limits = self._guards.outputs.unsent(tenant), buckets.unsent() if buckets else ()
        return [*lengths, *limits, *self.settlements(tenant)]

    def settlements(self, tenant: str) -> list[Statement]:
        """Take only those of the budgets, which free room for further calls."""
        budgets = self._guards.budgets
        return budgets.unsent(tenant) if budgets else []

    def transcriber(self) -> "Transcriber":
        """Return what turns speech into text; raises SettingsError when MODEL_AUDIO or its price is
        malformed."""
        from shared.models.providers.transcribing import Transcriber

        return Transcriber(self._settings, self._guards.budgets)

    def embedder(self, name: str = "") -> EmbeddingProvider:
        """Return the embedding model `name`, by default that of MODEL_EMBED.

        Raises SettingsError unless an API serves it: the room of the memory builds local ones.
        """
        from shared.models.guards.guarded_embedding import GuardedEmbeddingProvider

        name = name or self._settings.model_embed
        with self._lock:
            if name not in self._embedders:
                wire = connect_embedder(name, self._settings)
                self._embedders[name] = GuardedEmbeddingProvider(wire, self._guards, self._sleep)
            return self._embedders[name]

    def _in_turn(self, role: str, call: ModelCall) -> ModelReply:
        """Ask one model after the other; each but the last gets half of the remaining time."""
        chain = self._roles.chain(role)
        *first, last = (self._model(name, chain.setting) for name in chain.names)
        for model in first:
            try:
                half = call._replace(deadline=Deadline(call.deadline.left / 2))
                return _measured(role, model, self._seen(model, half))
            except BudgetExceeded:
                raise
            except ModelError as err:
                log("model failed, the next is asked", model=model.name, reason=str(err))
        return _measured(role, last, self._seen(last, call))

    def _seen(self, model: GuardedModel, call: ModelCall) -> ModelCall:
        return call._replace(request=self._sight.shown_to(model.name, call.request))

    def _model(self, name: str, setting: str) -> GuardedModel:
        with self._lock:
            if name not in self._models:
                provider = connect(name, self._settings, setting)
                self._models[name] = GuardedModel(provider, self._guards, self._sleep)
            return self._models[name]


def _measured(role: str, model: GuardedModel, call: ModelCall) -> ModelReply:
    before = len(call.lost)

    def judge(reply: ModelReply) -> tuple[Usage, float | None, str]:
        return judged(reply, call.lost[before:])

    return measured(role, model.name, call.payer, lambda: model.reply(call), judge)


def _with_text(err: ModelUnavailable, lost: Sequence[ModelReply]) -> ModelUnavailable:
    """Return the error as one of a slow model, if anything was streamed before it."""
    text = max((reply.text for reply in lost), key=len, default="")
    if not text:
        return err
    slow = ModelTooSlow(str(err))
    slow.text = text
    slow.add_cost(err.model, err.input_tokens, err.output_tokens, err.cached_tokens, err.cost)
    return slow


def _guards(settings: Settings, database: Database | None) -> Guards:
    """Build the guards that the settings ask for, loading only their modules."""
    guards = Guards(Prices(settings.model_prices), OutputLimits(database))
    if settings.prompt_cache != "off":
        guards = guards._replace(cache=_cache(settings, database))
    if settings.budgets or database is not None:
        from shared.models.guards.budgets import Budgets

        budgets = Budgets(_required(database, "BUDGETS"), settings.budgets)
        guards = guards._replace(budgets=budgets)
    if settings.model_limits:
        from shared.models.guards.account_limits import Buckets, limits_of

        limits = limits_of(settings.model_limits)
        guards = guards._replace(buckets=Buckets(_required(database, "MODEL_LIMITS"), limits))
    return guards


def _cache(settings: Settings, database: Database | None) -> PromptCache:
    if settings.prompt_cache not in {"shared", "process"}:
        raise SettingsError(
            f"PROMPT_CACHE={settings.prompt_cache!r}; expected shared, process or off"
        )
    try:
        hours, megabytes = float(settings.prompt_cache_hours), float(settings.prompt_cache_mb)
    except ValueError as err:
        raise SettingsError("PROMPT_CACHE_HOURS and PROMPT_CACHE_MB are numbers") from err
    kept = database if settings.prompt_cache == "shared" else None
    return PromptCache(kept, hours=hours, megabytes=megabytes)


def _required(database: Database | None, setting: str) -> Database:
    if database is None:
        raise SettingsError(f"{setting} needs a database; set DATABASE_URL")
    return database
