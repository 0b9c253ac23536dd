"""Limits of the account at a vendor, which all functions share: calls and tokens per minute,
dollars per day."""

import json
import threading
import time
import uuid
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from shared.database import BriefTransaction, Database, Row, Statement, queries
from shared.errors import BudgetExceeded, ModelUnavailable, SettingsError
from shared.models.deadline import Deadline

SQL = queries(__file__, "account_limits.sql")

_KINDS = ("rpm", "tpm", "usd_per_day")
_EXAMPLE = "openai:gpt-5.4-mini=rpm:500,tpm:200000;bedrock:*=rpm:60,usd_per_day:20"
#: A reservation expires so many seconds after the deadline of its call: its function has died.
_GRACE = 60.0
#: At most so many settlements wait for the next reservation.
_MOST_WAITING = 32


class AccountLimit(NamedTuple):
    """One entry of MODEL_LIMITS: the use of all models together whose names match `name`."""

    name: str
    rpm: float | None = None
    tpm: float | None = None
    usd_per_day: float | None = None


class LimitReservation(NamedTuple):
    """A call that may begin after `wait` seconds; `id` is empty for an unlimited one."""

    id: str
    wait: float


def limits_of(text: str) -> tuple[AccountLimit, ...]:
    """Read MODEL_LIMITS; raises SettingsError.

    >>> limits_of("bedrock:*=rpm:60,usd_per_day:20")
    (AccountLimit(name='bedrock:*', rpm=60.0, tpm=None, usd_per_day=20.0),)
    """
    entries = [entry.strip() for entry in text.split(";") if entry.strip()]
    limits = tuple(_limit(entry) for entry in entries)
    names = [limit.name for limit in limits]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingsError(f"MODEL_LIMITS names {min(twice)!r} twice; write it once")
    return limits


def _limit(entry: str) -> AccountLimit:
    name, equals, rest = entry.rpartition("=")
    if not equals or not name.strip():
        raise SettingsError(f"MODEL_LIMITS has {entry!r}; expected {_EXAMPLE}")
    numbers: dict[str, float] = {}
    for part in rest.split(","):
        kind, _, number = (piece.strip() for piece in part.partition(":"))
        if kind not in _KINDS or kind in numbers:
            raise SettingsError(
                f"MODEL_LIMITS has {part.strip()!r} for {name.strip()!r}; expected each of"
                f" {', '.join(_KINDS)} at most once, as in {_EXAMPLE}"
            )
        numbers[kind] = _positive(kind, number)
    return AccountLimit(name.strip(), **numbers)


def _positive(kind: str, number: str) -> float:
    whole, point, fraction = number.partition(".")
    if not (whole.isdecimal() and (fraction.isdecimal() or not point)) or float(number) <= 0:
        raise SettingsError(f"MODEL_LIMITS has {kind}:{number}; expected a number above 0")
    return float(number)


class Buckets:
    """Reserves calls before they are made and settles them afterwards. Thread-safe."""

    def __init__(self, database: Database, limits: Sequence[AccountLimit]) -> None:
        self._database = database
        self._limits = limits
        self._lock = threading.Lock()
        self._unsent: list[Statement] = []

    def reserve(
        self, model: str, tokens: int, usd: float | None, deadline: Deadline
    ) -> LimitReservation:
        """Reserve a call of at most so many tokens and dollars, first come, first served.

        The caller must wait for `wait` seconds before it calls, and always settle. Raises
        ModelUnavailable, without a reservation, when its turn comes after `deadline`; and
        DatabaseUnavailable.
        """
        limits = [limit for limit in self._limits if fnmatchcase(model, limit.name)]
        if not limits:
            return LimitReservation("", 0.0)
        name, left = str(uuid.uuid4()), max(deadline.left, 0.0)
        row = self._reserve(name, limits, tokens, usd, left)
        if not row["granted"]:
            raise ModelUnavailable(
                f"{model}: MODEL_LIMITS {row['because']} is used up, the next turn comes in"
                f" {row['wait']:.0f} s; retry then, or raise the limit",
                row["wait"],
            )
        return LimitReservation(name, row["wait"])

    def reserve_batched(self, id: str, model: str, usd: float | None, seconds: float) -> None:
        """Hold the dollars of a request in a batch for so many seconds. Providers count no batch in
        the limits of a minute. Made twice under one `id` it is one reservation. Raises
        BudgetExceeded when the day has no room."""
        limits = [
            limit._replace(rpm=None, tpm=None)
            for limit in self._limits
            if limit.usd_per_day is not None and fnmatchcase(model, limit.name)
        ]
        if not limits:
            return
        row = self._reserve(_uuid_of(id), limits, 0, usd, seconds)
        if not row["granted"]:
            error = BudgetExceeded(
                f"{model}: MODEL_LIMITS {row['because']} is used up; it is free again at 00:00 UTC,"
                " or raise the limit"
            )
            error.free_at = time.time() + row["wait"]
            raise error

    def _reserve(
        self, name: str, limits: Sequence[AccountLimit], tokens: int, usd: float | None, left: float
    ) -> Row:
        call = {
            "id": name,
            "limits": json.dumps([limit._asdict() for limit in limits]),
            "tokens": float(tokens),
            "usd": usd or 0.0,
            "patience": left,
            "lifetime": left + _GRACE,
        }
        [row] = self._send(Statement(SQL["reserve"], call))
        return row

    def settle(self, reservation: LimitReservation, tokens: int | None, usd: float | None) -> None:
        """Record what the call used; 0 when it was not made, None when nobody knows.

        The statement travels with the next reservation, or with those that `unsent` joins.
        """
        if not reservation.id:
            return
        used = {"id": reservation.id, "tokens": tokens, "usd": usd}
        with self._lock:
            self._unsent.append(Statement(SQL["settle"], used))
            many = len(self._unsent) >= _MOST_WAITING
        if many:
            self.flush()

    def settle_batched(self, id: str, usd: float | None) -> None:
        """Record what the request `id` of a batch cost."""
        self.settle(LimitReservation(_uuid_of(id), 0.0), 0, usd)

    def unsent(self) -> list[Statement]:
        """Take the settling statements, to run them with others."""
        with self._lock:
            taken, self._unsent = self._unsent, []
        return taken

    def flush(self) -> None:
        """Send the settlements that still wait; raises DatabaseUnavailable."""
        self._send()

    def _send(self, *statements: Statement) -> list[Row]:
        """Run the settlements first, because they free room for the reservation."""
        unsent = self.unsent()
        if not unsent and not statements:
            return []
        try:
            return self._database.run("", BriefTransaction([*unsent, *statements]))[-1]
        except BaseException:
            with self._lock:
                self._unsent = unsent + self._unsent
            raise


def _uuid_of(id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, id))
