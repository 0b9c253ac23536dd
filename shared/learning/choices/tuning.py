"""How a policy learns: its arms and its parameters, as a version keeps them."""

from typing import NamedTuple, Self

from shared.choosing import Arm, named
from shared.errors import SettingsError
from shared.events import Json


class Tuning(NamedTuple):
    """The arms of a policy, of which the first is the default, and how it learns.

    All arms but the best have at most `share` together, and at least `floor` each. After
    `half_life` later choices an example counts half. `alpha`, the learning rate, and `gamma`, the
    discount of later rewards, are those of Q-learning.
    """

    arms: tuple[Arm, ...]
    share: float = 0.1
    floor: float = 0.01
    half_life: float = 100.0
    alpha: float = 0.2
    gamma: float = 0.9

    @classmethod
    def of_json(cls, found: Json) -> Self:
        """Read what `to_json` wrote."""
        return cls(**{**found, "arms": tuple(found["arms"])})

    def to_json(self) -> Json:
        """Write it as plain JSON."""
        return {**self._asdict(), "arms": [*self.arms]}

    def check(self) -> Self:
        """Return it; raise SettingsError for what is out of bounds."""
        wrong = [
            name
            for name, is_right in {
                "arms": 0 < len({*map(named, self.arms)}) == len(self.arms),
                "share": 0 <= self.share <= 1,
                "floor": 0 < self.floor <= 0.5,
                "half_life": self.half_life >= 1,
                "alpha": 0 < self.alpha <= 1,
                "gamma": 0 <= self.gamma <= 1,
            }.items()
            if not is_right
        ]
        if wrong:
            raise SettingsError(f"out of bounds: {', '.join(wrong)}; docs/learning.md tells each")
        return self
