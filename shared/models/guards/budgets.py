"""Daily budgets of models: reserved before a call and committed after it, in Postgres.

Commitments and reservations together never exceed a ceiling, however many functions call at once.
A call that costs more than it reserved is still counted, and so is one that ends after its lease:
only such calls can pass a ceiling. A model without a known price is counted in tokens.
"""

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from shared.database import BriefTransaction, Database, Row, Statement, queries
from shared.errors import BudgetExceeded, ModelRejected, SettingsError
from shared.events import Event
from shared.models import Payer
from shared.models.guards.ceilings import Ceilings, CountedBudget, Scope, decimal, stored

SQL = queries(__file__, "budgets.sql")

#: A person is told of the first of these that has no room.
_NEAREST = ("user", "outsider", "outsiders", "flow", "tenant")
#: So many refusals a day are said to people from outside in one repository or channel.
_NOTICES = 10


class BudgetReservation(NamedTuple):
    """Room that a call holds on `day`; none without an `id`."""

    tenant: str
    day: date
    id: str = ""


class Standing(NamedTuple):
    """What a budget spent on one day: dollars, and tokens of models without a known price; a
    ceiling is None where there is none."""

    scope: Scope
    name: str
    day: date
    spent: float
    reserved: float
    ceiling: float | None
    tokens: int = 0
    reserved_tokens: int = 0
    token_ceiling: int | None = None


class Budgets:
    """The ceilings of BUDGETS and the default ones, for all threads and processes. `now` is a clock
    with a time zone; days are those of UTC."""

    def __init__(
        self, database: Database, text: str, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._database = database
        self._ceilings = Ceilings(text)
        self._lock = threading.Lock()
        self._unsent: dict[Payer, list[Statement]] = {}
        self._now = now or (lambda: datetime.now(UTC))

    def reserve(
        self,
        payer: Payer,
        model: str,
        dollars: float | None,
        lease: float,
        id: str = "",
        *,
        tokens: int = 0,
    ) -> BudgetReservation:
        """Hold room for a call of `model` that costs at most `dollars`, for `lease` seconds.

        With an unknown price (None) it holds room for at most `tokens`. Free calls always pass. An
        `id` names the reservation across processes: made twice it is one. Raises BudgetExceeded;
        SettingsError when the price is unknown and a ceiling has dollars only; ModelRejected when
        no tenant pays.
        """
        now, counted = self._now().astimezone(UTC), self._ceilings.of(payer)
        if not counted or dollars == 0:
            return BudgetReservation(payer.tenant, now.date())
        if dollars is None and any(budget.ceiling.needs_price for budget in counted):
            raise _priceless(model)
        if not payer.tenant:
            raise ModelRejected(
                f"BUDGETS is set, but the call of {model} names no tenant; hand over a Payer"
            )
        reservation = BudgetReservation(payer.tenant, now.date(), id or uuid.uuid4().hex)
        wanted = Wanted(Decimal(tokens)) if dollars is None else Wanted(decimal(dollars), "dollars")
        parameters = _counted(payer, counted) | {
            "day": reservation.day,
            "id": reservation.id,
            "dollars": wanted.amount if wanted.unit == "dollars" else 0,
            "tokens": wanted.amount if wanted.unit == "tokens" else 0,
            "now": now,
            "lease": lease,
        }
        statements = [Statement(SQL["reserve"], parameters)]
        reached = self._after_unsent(payer, statements)
        if reached and reached[0]["expired"]:
            freeing = [Statement(SQL[name], parameters) for name in ("hold_all", "let_go")]
            reached = self._after_unsent(payer, [*freeing, *statements])
        if reached:
            raise _exceeded(reached, model, wanted, now)
        return reservation

    def commit(
        self,
        reservation: BudgetReservation,
        dollars: float | None,
        tokens: int | None = None,
        *,
        later: Payer | None = None,
    ) -> None:
        """Count the cost of a call on the day of its reservation, and give back the rest.

        `tokens` count where the price was unknown. For an unknown cost (None), as of a call that
        was cut off, all of the room counts. What a payer settles `later` waits for their next
        reservation, or for who takes `unsent`.
        """
        if not reservation.id:
            return
        if later is None:
            self.settle(reservation.tenant, reservation.id, dollars, tokens)
            return
        settled = _settlement(reservation.tenant, reservation.id, dollars, tokens)
        with self._lock:
            self._unsent.setdefault(later, []).extend(settled)

    def unsent(self, tenant: str) -> list[Statement]:
        """Take the settlements that wait, to run them with other statements."""
        with self._lock:
            payers = [payer for payer in self._unsent if payer.tenant == tenant]
            return [one for payer in payers for one in self._unsent.pop(payer)]

    def settle(
        self, tenant: str, id: str, dollars: float | None, tokens: int | None = None
    ) -> None:
        """Commit the reservation `id` of a tenant, if there is one."""
        self._database.run(tenant, BriefTransaction(_settlement(tenant, id, dollars, tokens)))

    def _after_unsent(self, payer: Payer, statements: Sequence[Statement]) -> list[Row]:
        """Settle first what waits, because that frees room; return the rows of the last one."""
        with self._lock:
            unsent = self._unsent.pop(payer, [])
        try:
            return self._database.run(payer.tenant, BriefTransaction([*unsent, *statements]))[-1]
        except BaseException:
            with self._lock:
                self._unsent.setdefault(payer, []).extend(unsent)
            raise

    def release(self, reservation: BudgetReservation) -> None:
        """Give the room back after a call that was not made, or was free."""
        if reservation.id:
            self.settle(reservation.tenant, reservation.id, 0.0, 0)

    def spent(self, tenant: str, days: int = 1) -> list[Standing]:
        """Return the standing of all budgets that were counted on the last `days` days, newest
        first."""
        now = self._now().astimezone(UTC)
        parameters = {"tenant": tenant, "now": now, "day": now.date(), "days": days}
        [rows] = self._database.run(tenant, [Statement(SQL["spent"], parameters)])
        return [_standing(row) for row in rows]

    def counts(self, payer: Payer) -> bool:
        """Tell if any budget counts the calls of `payer`; else Postgres is not asked."""
        return bool(self._ceilings.of(payer))


def _priceless(model: str) -> SettingsError:
    return SettingsError(
        f"BUDGETS is set, but what {model} costs is unknown; name its price in"
        f" MODEL_PRICES={model}=input/output/cached, in US dollars per million tokens, or tokens in"
        " BUDGETS, as in tenant=20/5000000"
    )


class Wanted(NamedTuple):
    """What a call may cost at most, in the unit that its budgets count in."""

    amount: Decimal
    unit: Literal["dollars", "tokens"] = "tokens"

    def written(self, amount: Decimal) -> str:
        return _money(amount) if self.unit == "dollars" else f"{amount:,f} tokens"


def _counted(payer: Payer, counted: Sequence[CountedBudget]) -> dict[str, object]:
    """Return the columns of the budgets that a call counts in, and whom its reservation names."""
    ceilings = [budget.ceiling for budget in counted]
    return {
        "tenant": payer.tenant,
        "flow": stored(payer.flow),
        "person": stored(payer.user),
        "place": stored(payer.outside),
        "scopes": [budget.scope for budget in counted],
        "names": [budget.name for budget in counted],
        "ceilings": [ceiling.dollars for ceiling in ceilings],
        "token_ceilings": [ceiling.tokens for ceiling in ceilings],
    }


def _settlement(tenant: str, id: str, dollars: float | None, tokens: int | None) -> list[Statement]:
    spent = None if dollars is None else decimal(dollars)
    parameters = {"tenant": tenant, "id": id, "dollars": spent, "tokens": tokens}
    return [Statement(SQL["commit"], parameters)]


def first_notice(event: Event) -> Statement:
    """Return the statement that gives a row if this refusal of somebody from outside should be
    said: the first of the day in its conversation, and one of the first in its place."""
    about = {"tenant": event.tenant, "conversation": stored(event.conversation)}
    return Statement(SQL["notice"], about | {"place": stored(event.place), "most": _NOTICES})


def _exceeded(reached: list[Row], model: str, wanted: Wanted, now: datetime) -> BudgetExceeded:
    """Name the ceiling that leaves no room, the nearest to the person first."""
    row = min(reached, key=lambda row: _NEAREST.index(row["scope"]))
    whose = {
        "user": "Your budget for the language model",
        "outsider": "Your budget for the language model, as somebody from outside",
        "outsiders": "The budget of people from outside for the language model here",
        "flow": f"The budget of the flow {row['name']} for the language model",
        "tenant": "The common budget for the language model",
    }[row["scope"]]
    most = row["ceiling"] if wanted.unit == "dollars" else row["token_ceiling"]
    ceiling, cost = f"{wanted.written(most)} a day", wanted.written(wanted.amount)
    where = f"budget: {row['scope']} {row['name']!r} has {ceiling}"
    if wanted.amount > most:
        error = BudgetExceeded(
            f"{where}, and one call of {model} may cost up to {cost}; raise BUDGETS, or"
            " ask a smaller model, for fewer tokens, or with less text"
        )
        error.public = f"{whose}, {ceiling}, is too small for this. Ask for less, or in parts."
        return error
    again = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    hours, minutes = divmod(int((again - now).total_seconds()) // 60, 60)
    free = f"at the latest at 00:00 UTC, in {hours} h {minutes} min"
    error = BudgetExceeded(
        f"{where}, which leaves no room for up to {cost} by {model}; it is free again"
        f" {free}; BUDGETS sets it"
    )
    error.public = f"{whose}, {ceiling}, has no room left for this. It is free again {free}."
    error.free_at = again.timestamp()
    return error


def _standing(row: Row) -> Standing:
    ceiling = None if row["ceiling"] is None else float(row["ceiling"])
    amounts = (float(row["spent"]), float(row["reserved"]), ceiling)
    most = None if row["token_ceiling"] is None else int(row["token_ceiling"])
    tokens = (int(row["tokens"]), int(row["reserved_tokens"]), most)
    return Standing(row["scope"], row["name"], row["day"], *amounts, *tokens)


def _money(amount: Decimal) -> str:
    """Write an amount with two decimals, or with as many as it has.

    >>> _money(Decimal("20")), _money(Decimal("0.000150"))
    ('$20.00', '$0.00015')
    """
    exact = f"{amount:,.12f}".rstrip("0")
    decimals = len(exact.rpartition(".")[2])
    return f"${exact}{'0' * (2 - decimals)}"
