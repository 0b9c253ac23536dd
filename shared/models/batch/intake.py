"""The intake: stores the request of a run until a batch brings its reply, and parks the run."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Protocol

from shared.canonical import canonical, digest
from shared.database import Statement, queries
from shared.errors import Parked
from shared.journal import Run
from shared.models import AskModel, ModelReply, ModelRequest
from shared.models.batch import has_batches
from shared.models.measuring import called, judged
from shared.models.payers import payer_of
from shared.models.stored_json import reply_of
from shared.redaction.redacting import without_secrets

SQL = queries(__file__, "intake.sql")

#: Seconds before its deadline at which a run stops waiting for a batch: time to wake the run, and
#: for the run to ask at once.
MARGIN = 900.0


class Purse(Protocol):
    """The budget of a request in a batch; `id` is the same in every attempt."""

    def reserve(self, id: str, request: ModelRequest, seconds: float) -> None:
        """Hold room for a request for so many seconds; raises BudgetExceeded."""
        ...

    def settle(self, id: str, dollars: float | None, tokens: int | None) -> None:
        """Count its cost, 0 when it failed, or its tokens where the price is unknown."""
        ...


def batch_reply(
    run: Run, model: str, request: ModelRequest, deadline: timedelta, purse: Purse | None = None
) -> ModelReply | None:
    """Return the reply that a batch of `model` brought, or None when none came in time.

    Raises Parked as long as the run must wait: its next attempt asks again. `model` is a full name.
    Equal requests of a tenant are sent once, and only the first of them costs. Raises
    BudgetExceeded when the `purse` has no room.
    """
    request = without_secrets(request)
    key = {"tenant": run.event.tenant, "run": run.id, "id": _id(run, model, request)}
    held = f"{run.id}-{key['id']}"
    if purse and not run.write([Statement(SQL["read"], key)])[0]:
        purse.reserve(held, request, deadline.total_seconds())
    more = {
        "model": model,
        "request": canonical(asdict(request)),
        "deadline": deadline.total_seconds(),
    }
    statements = [Statement(SQL[name], key | more) for name in ("want", "read")]
    row = run.write(statements)[-1][0]
    if purse and row["state"] == "failed":
        purse.settle(held, 0.0, 0)
    if row["state"] == "done":
        reply = replace(reply_of(row["reply"]), cost=row["cost"])
        if purse:
            purse.settle(held, row["cost"], reply.usage.input + reply.usage.output or None)
        reply = replace(reply, source="shared", saved=reply.cost) if row["shared"] else reply
        usage, cost, end = judged(reply)
        called("batch", model, payer_of(run.event, run.flow), end, usage=usage, cost=cost)
        return reply
    if row["state"] == "failed":
        called("batch", model, payer_of(run.event, run.flow), "failed")
        return None
    raise Parked(f"run {run.id} waits for a batch of {model}")


def park_until(run: Run, moment: float, deadline: timedelta) -> None:
    """Park `run` until `moment`, in seconds since the epoch, by raising Parked.

    Returns for a shadow, and when the run would then miss its deadline, which counts from the
    event.
    """
    if run.is_shadow or moment + MARGIN > run.event.received_at + deadline.total_seconds():
        return
    # An attempt rests once; two attempts may rest until the same second.
    name = f"rest-{moment:.0f}-{run.attempt}"
    row = {"tenant": run.event.tenant, "run": run.id, "id": name, "until": moment}
    run.write([Statement(SQL["rest"], row | {"margin": MARGIN})])
    raise Parked(f"run {run.id} rests until its budget is free again")


def first_in_a_batch(
    run: Run, model: str, deadline: timedelta | None, ask: AskModel, purse: Purse | None = None
) -> AskModel:
    """Return an `ask` whose first request goes through a batch of `model`.

    A request that no batch answered in time is asked at once. So is every further request, such as
    the repair of an answer: a second wait would miss the deadline. A shadow asks at
    once.
    """
    if deadline is None or deadline.total_seconds() <= MARGIN or not has_batches(model):
        return ask
    if run.is_shadow:
        return ask
    first = [True]

    def patient(request: ModelRequest) -> ModelReply:
        if not first:
            return ask(request)
        first.clear()
        return batch_reply(run, model, request, deadline, purse) or ask(request)

    return patient


def _id(run: Run, model: str, request: ModelRequest) -> str:
    """Digest the request; with a temperature, of this run alone, which gets its own answer."""
    chance = run.id if request.temperature else ""
    return digest([run.event.tenant, model, asdict(request), chance])[:40]
