"""BUDGETS: who may spend how much a day, and what people from outside may spend by default."""

from decimal import Decimal
from typing import Literal, NamedTuple

from shared.errors import SettingsError
from shared.models import Payer
from shared.models.prices import dollars_of

#: `outsider` is each person from outside, `outsiders` are all of them in one repository or channel.
Scope = Literal["tenant", "flow", "user", "outsiders", "outsider"]

#: In force for people from outside unless BUDGETS says otherwise.
DEFAULTS = "outsider=2/500000;outsiders=10/2500000"

#: Names are cut at this length, because an index limits its keys.
_NAME_CHARACTERS = 200
_MOST_TOKENS = 10**15
_SCOPES = ("tenant", "flow", "user", "outsiders", "outsider")
_FORM = (
    "expected dollars a day, after a slash tokens a day of models without a known price, or none,"
    " as in tenant=20;flow=5;flow:chat=2;user=1;outsider=2/500000;outsiders=none"
)


class Ceiling(NamedTuple):
    """What may be spent a day: dollars where the price is known, tokens where it is not. None is as
    much as you like."""

    dollars: Decimal | None = None
    tokens: Decimal | None = None

    @property
    def needs_price(self) -> bool:
        return self.dollars is not None and self.tokens is None


_NONE = Ceiling()


class CountedBudget(NamedTuple):
    """One budget that a call counts in."""

    scope: Scope
    name: str
    ceiling: Ceiling


class Ceilings:
    """The ceilings of a setting, over those of DEFAULTS; raises SettingsError.

    >>> Ceilings("outsiders=none").of(Payer("acme", "triage", "7", outside="github:acme/shop"))
    [CountedBudget(scope='outsider', name='7', ceiling=Ceiling(dollars=Decimal('2.000000000000'), \
tokens=Decimal('500000')))]
    >>> Ceilings("").of(Payer("acme", "triage", "7"))
    []
    """

    def __init__(self, text: str) -> None:
        self._of = _parsed(DEFAULTS) | _parsed(text)
        own = [self._of[key] for key in self._of if not key.startswith("outsider")]
        #: With a ceiling of your own every call is counted for its tenant, flow and user.
        self._counts_all = any(ceiling != _NONE for ceiling in own)

    def of(self, payer: Payer) -> list[CountedBudget]:
        """Return the budgets that a call counts in, in the order in which all callers lock them."""
        found: list[CountedBudget] = []
        if self._counts_all:
            flow, user = stored(payer.flow), stored(payer.user)
            of_flow = self._of.get(f"flow:{payer.flow}", self._of.get("flow", _NONE))
            found.append(CountedBudget("tenant", payer.tenant, self._of.get("tenant", _NONE)))
            found += [CountedBudget("flow", flow, of_flow)] if flow else []
            found += [CountedBudget("user", user, self._of.get("user", _NONE))] if user else []
        if payer.outside:
            outside = (
                CountedBudget("outsiders", stored(payer.outside), self._of["outsiders"]),
                CountedBudget("outsider", stored(payer.user), self._of["outsider"]),
            )
            found += [budget for budget in outside if budget.name and budget.ceiling != _NONE]
        return found

    def lines(self) -> list[str]:
        """Say which are in force, each as one would set it."""
        return [f"{key}={_written(ceiling)}" for key, ceiling in self._of.items()]


def _parsed(text: str) -> dict[str, Ceiling]:
    ceilings: dict[str, Ceiling] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, amount = (piece.strip() for piece in part.rpartition("="))
        scope, colon, flow = (piece.strip() for piece in name.partition(":"))
        if scope not in _SCOPES or (colon and not (scope == "flow" and flow)):
            raise SettingsError(
                f"BUDGETS: {part!r} names neither tenant, flow, flow:NAME, user, outsider nor"
                f" outsiders; {_FORM}"
            )
        key = f"flow:{flow}" if colon else scope
        if key in ceilings:
            raise SettingsError(f"BUDGETS names {key!r} twice; keep one of them")
        try:
            ceilings[key] = _ceiling(scope, amount)
        except ValueError as err:
            raise SettingsError(f"BUDGETS: {part!r} has no such amount; {_FORM}") from err
    return ceilings


def _ceiling(scope: str, amount: str) -> Ceiling:
    """Read an amount. Without tokens, people from outside keep the default's; nothing is nothing,
    whatever the price. Raises ValueError."""
    if amount == "none":
        return _NONE
    first, slash, second = (piece.strip() for piece in amount.partition("/"))
    dollars = decimal(dollars_of(first))
    if slash:
        if not (second.isascii() and second.isdigit() and int(second) <= _MOST_TOKENS):
            raise ValueError(f"no number of tokens up to {_MOST_TOKENS:,}")
        return Ceiling(dollars, Decimal(second))
    if not dollars:
        return Ceiling(dollars, Decimal(0))
    return Ceiling(dollars, _parsed(DEFAULTS)[scope].tokens if scope.startswith("out") else None)


def _written(ceiling: Ceiling) -> str:
    if ceiling.dollars is None:
        return "none"
    dollars = f"{ceiling.dollars.normalize():f}"
    return dollars if ceiling.tokens is None else f"{dollars}/{ceiling.tokens}"


def decimal(dollars: float) -> Decimal:
    """Return the amount in decimals, so that ten times 0.1 is 1."""
    return Decimal(f"{dollars:.12f}")


def stored(name: str) -> str:
    """Return a short enough name without NUL and halves of surrogate pairs, which Postgres
    refuses."""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:_NAME_CHARACTERS]
