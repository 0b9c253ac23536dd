"""Daily budgets of models: reserved before a call and committed after it, in Postgres.

Commitments and reservations together never exceed a ceiling, however many functions call at once.
A call that costs more than it reserved is still counted, and so is one that ends after its lease:
only such calls can pass a ceiling.
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

#: Names are cut at this length, because an index limits its keys.
_NAME_CHARACTERS = 200
_FORM = "expected dollars a day as in tenant=20;flow=5;flow:chat=2;user=1"


class BudgetReservation(NamedTuple):
    """Room that a call holds on `day`; none without an `id`."""

    tenant: str
    day: date
    id: str = ""


class Standing(NamedTuple):
    """The dollars of a tenant, flow or user on one day; `ceiling` is None without one."""

    scope: Scope
    name: str
    day: date
    spent: float
    reserved: float
    ceiling: float | None


class Budgets:
    """The ceilings of BUDGETS, for all threads and processes. `now` is a clock with a time zone;
    days are those of UTC."""

    def __init__(
        self, database: Database, text: str, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._database = database
        self._ceilings = _parsed(text)
        self._now = now or (lambda: datetime.now(UTC))

    @property
    def active(self) -> bool:
        """Without any ceiling nothing is counted, and Postgres is not asked."""
        return bool(self._ceilings)

    def reserve(
        self, payer: Payer, model: str, dollars: float | None, lease: float, id: str = ""
    ) -> BudgetReservation:
        """Hold room for a call of `model` that costs at most `dollars`, for `lease` seconds.

        Free calls always pass. An `id` names the reservation across processes: made twice it is
        one. Raises BudgetExceeded; SettingsError when the price is unknown (`dollars` is None);
        ModelRejected when no tenant pays.
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
        """Count the cost of a call on the day of its reservation, and give back the rest.

        For an unknown cost (None), as of a call that was cut off, all of the room counts.
        """
        if reservation.id:
            self.settle(reservation.tenant, reservation.id, dollars)

    def settle(self, tenant: str, id: str, dollars: float | None) -> None:
        """Commit the reservation `id` of a tenant, if there is one."""
        spent = None if dollars is None else _decimal(dollars)
        parameters = {"tenant": tenant, "id": id, "dollars": spent}
        self._database.run(
            tenant, [Statement(SQL[name], parameters) for name in ("hold_tenant", "commit")]
        )

    def release(self, reservation: BudgetReservation) -> None:
        """Give the room back after a call that was not made, or was free."""
        if reservation.id:
            release = Statement(SQL["release"], reservation._asdict())
            self._database.run(reservation.tenant, [release])

    def spent(self, tenant: str, days: int = 1) -> list[Standing]:
        """Return the standing of the tenant, its flows and its users on the last `days` days,
        newest first."""
        now = self._now().astimezone(UTC)
        parameters = {"tenant": tenant, "now": now, "day": now.date(), "days": days}
        [rows] = self._database.run(tenant, [Statement(SQL["spent"], parameters)])
        return [_standing(row) for row in rows]

    def _applying(self, payer: Payer) -> dict[str, object]:
        """Return whose budgets the call counts in, the tenant first, each with its ceiling or
        None."""
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
    """Name the ceiling that leaves no room: the user's first, then the flow's, then the
    tenant's."""
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
    """Return the amount in decimals, so that ten times 0.1 is 1."""
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
    """Return a short enough name without NUL and halves of surrogate pairs, which Postgres
    refuses."""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:_NAME_CHARACTERS]
