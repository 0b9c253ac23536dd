"""What may be spent on models in a day: reserved before a call and committed after it, in Postgres.

The sum of what is committed and reserved never exceeds a ceiling, however many functions call at
once. A call that costs more than it reserved is still counted, and so is one that ends after its
lease: a ceiling can be passed by what was in flight then, and by no more.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.errors import BudgetExceeded, ModelRejected, SettingsError
from shared.models import Payer
from shared.models.prices import dollars_of

SQL = queries(__file__, "budgets.sql")

Scope = Literal["tenant", "flow", "user"]

#: Longer names share a budget with what they begin with: an index takes no key of any length.
_NAME_CHARACTERS = 200
_FORM = "expected dollars a day as in tenant=20;flow=5;flow:chat=2;user=1"


class BudgetReservation(NamedTuple):
    """Room that a call holds on `day`; without an `id` it holds none."""

    tenant: str
    day: date
    id: str = ""


class Standing(NamedTuple):
    """How a tenant, flow or user stands on one day, in US dollars; `ceiling` None is no ceiling."""

    scope: Scope
    name: str
    day: date
    spent: float
    reserved: float
    ceiling: float | None


class Budgets:
    """The ceilings of BUDGETS. Threads and processes may share them.

    `now` tells the time, with its zone; days are those of UTC.
    """

    def __init__(
        self, database: Database, text: str, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._database = database
        self._ceilings = _parsed(text)
        self._now = now or (lambda: datetime.now(UTC))

    @property
    def active(self) -> bool:
        """Is there any ceiling: without one nothing is counted, and Postgres is not asked."""
        return bool(self._ceilings)

    def reserve(
        self, payer: Payer, model: str, dollars: float | None, lease: float, id: str = ""
    ) -> BudgetReservation:
        """Hold room for a call of `model` that costs at most `dollars`, for `lease` seconds.

        What costs nothing is always let through. An `id` names the reservation across processes:
        made twice it is one. Raises BudgetExceeded, SettingsError when the
        price is unknown (`dollars` is None), ModelRejected when the call is nobody's.
        """
        now = self._now().astimezone(UTC)
        if not self.active or dollars == 0:
            return BudgetReservation(payer.tenant, now.date())
        if dollars is None:
            raise SettingsError(
                f"BUDGETS is set, but what {model} costs is unknown; name its price in"
                f" MODEL_PRICES={model}=input/output/cached, in US dollars per million tokens"
            )
        if not payer.tenant:
            raise ModelRejected(
                f"BUDGETS is set, but the call of {model} names no tenant; hand over a Payer"
            )
        reservation = BudgetReservation(payer.tenant, now.date(), id or uuid.uuid4().hex)
        wanted = _decimal(dollars)
        parameters = self._applying(payer) | {
            "day": reservation.day,
            "id": reservation.id,
            "dollars": wanted,
            "now": now,
            "lease": lease,
        }
        statements = [Statement(SQL[name], parameters) for name in ("hold", "reserve")]
        reached = self._database.run(payer.tenant, statements)[1]
        if reached:
            raise _exceeded(reached, model, wanted, now)
        return reservation

    def commit(self, reservation: BudgetReservation, dollars: float | None) -> None:
        """Count what a call cost, on the day of its reservation, and give back the rest.

        None is for when nobody knows, such as a call that was cut off: all of the room counts.
        """
        if reservation.id:
            self.settle(reservation.tenant, reservation.id, dollars)

    def settle(self, tenant: str, id: str, dollars: float | None) -> None:
        """Commit the reservation `id` of a tenant; nothing happens when there is none."""
        spent = None if dollars is None else _decimal(dollars)
        parameters = {"tenant": tenant, "id": id, "dollars": spent}
        self._database.run(
            tenant, [Statement(SQL[name], parameters) for name in ("hold_tenant", "commit")]
        )

    def release(self, reservation: BudgetReservation) -> None:
        """Give the room back: the call was not made, or cost nothing."""
        if reservation.id:
            release = Statement(SQL["release"], reservation._asdict())
            self._database.run(reservation.tenant, [release])

    def spent(self, tenant: str, days: int = 1) -> list[Standing]:
        """Return how the tenant, its flows and its users stand today and on the days before,
        newest day first."""
        now = self._now().astimezone(UTC)
        parameters = {"tenant": tenant, "now": now, "day": now.date(), "days": days}
        [rows] = self._database.run(tenant, [Statement(SQL["spent"], parameters)])
        return [_standing(row) for row in rows]

    def _applying(self, payer: Payer) -> dict[str, object]:
        """Return whom the call counts for, the tenant first, each with its ceiling or None."""
        flow, user = _stored(payer.flow), _stored(payer.user)
        ceilings = self._ceilings
        of_flow = ceilings.get(f"flow:{payer.flow}", ceilings.get("flow"))
        counted = [("tenant", payer.tenant, ceilings.get("tenant"))]
        counted += [("flow", flow, of_flow)] if flow else []
        counted += [("user", user, ceilings.get("user"))] if user else []
        scopes, names, amounts = (list(column) for column in zip(*counted, strict=True))
        return {
            "tenant": payer.tenant,
            "flow": flow,
            "person": user,
            "scopes": scopes,
            "names": names,
            "ceilings": amounts,
        }


def _parsed(text: str) -> dict[str, Decimal]:
    """Read `tenant=20;flow=5;flow:chat=2;user=1`; raises SettingsError."""
    ceilings: dict[str, Decimal] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, amount = (piece.strip() for piece in part.rpartition("="))
        scope, colon, flow = (piece.strip() for piece in name.partition(":"))
        if scope not in {"tenant", "flow", "user"} or (colon and not (scope == "flow" and flow)):
            raise SettingsError(
                f"BUDGETS: {part!r} names neither tenant, flow, flow:NAME nor user; {_FORM}"
            )
        key = f"flow:{flow}" if colon else scope
        if key in ceilings:
            raise SettingsError(f"BUDGETS names {key!r} twice; keep one of them")
        try:
            ceilings[key] = _decimal(dollars_of(amount))
        except ValueError as err:
            raise SettingsError(f"BUDGETS: {part!r} has no such amount; {_FORM}") from err
    return ceilings


def _exceeded(reached: list[Row], model: str, wanted: Decimal, now: datetime) -> BudgetExceeded:
    """Say which ceiling leaves no room, the one that is nearest to the person first."""
    row = min(reached, key=lambda row: ("user", "flow", "tenant").index(row["scope"]))
    whose = {
        "user": "Your budget for the language model",
        "flow": f"The budget of the flow {row['name']} for the language model",
        "tenant": "The common budget for the language model",
    }[row["scope"]]
    ceiling = f"{_money(row['ceiling'])} a day"
    where = f"budget: {row['scope']} {row['name']!r} has {ceiling}"
    if wanted > row["ceiling"]:
        error = BudgetExceeded(
            f"{where}, and one call of {model} may cost up to {_money(wanted)}; raise BUDGETS, or"
            " ask a smaller model, for fewer tokens, or with less text"
        )
        error.public = f"{whose}, {ceiling}, is too small for this. Ask for less, or in parts."
        return error
    again = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    hours, minutes = divmod(int((again - now).total_seconds()) // 60, 60)
    free = f"at the latest at 00:00 UTC, in {hours} h {minutes} min"
    error = BudgetExceeded(
        f"{where}, which leaves no room for up to {_money(wanted)} by {model}; it is free again"
        f" {free}; BUDGETS sets it"
    )
    error.public = f"{whose}, {ceiling}, has no room left for this. It is free again {free}."
    error.free_at = again.timestamp()
    return error


def _standing(row: Row) -> Standing:
    ceiling = None if row["ceiling"] is None else float(row["ceiling"])
    amounts = (float(row["spent"]), float(row["reserved"]), ceiling)
    return Standing(row["scope"], row["name"], row["day"], *amounts)


def _decimal(dollars: float) -> Decimal:
    """Return the amount as people write it, so that ten times 0.1 is 1."""
    return Decimal(f"{dollars:.12f}")


def _money(amount: Decimal) -> str:
    """Write an amount with two decimals, or with as many as it has.

    >>> _money(Decimal("20")), _money(Decimal("0.000150"))
    ('$20.00', '$0.00015')
    """
    exact = f"{amount:,.12f}".rstrip("0")
    decimals = len(exact.rpartition(".")[2])
    return f"${exact}{'0' * (2 - decimals)}"


def _stored(name: str) -> str:
    """Return the name as Postgres can hold it: no NUL, no half of a surrogate pair, not too
    long."""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:_NAME_CHARACTERS]
