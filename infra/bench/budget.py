"""The ceiling of a bench's cost: calls start only while the dearest one would still fit."""

import threading

from shared.errors import SettingsError


class Budget:
    """US dollars, of which `spent` are gone; None is no ceiling. Thread-safe.

    The cost of a call is known when it is over. So each call under way counts as much as the
    dearest one did, and until one is over they go one at a time. The ceiling is passed at most by
    what one call costs more than all before it.
    """

    def __init__(self, dollars: float | None, spent: float = 0.0, dearest: float = 0.0) -> None:
        self.is_reached = False
        self._dollars = dollars
        self._spent = spent
        self._dearest = dearest or None
        self._under_way = 0
        self._changed = threading.Condition()

    def admit(self) -> bool:
        """Wait until one more call fits; False when none will."""
        if self._dollars is None:
            return True
        with self._changed:
            while not (fits := self._fits()) and self._under_way and not self.is_reached:
                self._changed.wait()
            self.is_reached = self.is_reached or not fits
            if self.is_reached:
                self._changed.notify_all()
                return False
            self._under_way += 1
            return True

    def settle(self, cost: float | None, model: str) -> None:
        """Add the cost of an admitted call; raises SettingsError when its price is unknown."""
        if self._dollars is None:
            return
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()
            if cost is None:
                self.is_reached = True
                raise SettingsError(
                    f"the price of {model} is unknown, so --budget cannot hold; "
                    "set MODEL_PRICES, or leave --budget out"
                )
            self._spent += cost
            self._dearest = max(cost, self._dearest or 0.0)

    def _fits(self) -> bool:
        dollars = self._dollars or 0.0
        if self._dearest is None:
            return self._under_way == 0 and self._spent < dollars
        # A bench whose calls are free never ends here.
        next_cost = (self._under_way + 1) * self._dearest
        return self._spent + next_cost <= dollars
